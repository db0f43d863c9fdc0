"""What every filter action sends, from the host and from the router, in both families."""

from ipaddress import ip_address

import pytest

from probe.lab.scenario import ROUTER_ADDRESSES, address_of
from probe.model.probing import Question, Reason
from probe.model.target import Port, Protocol

ANY = "0.0.0.0"
TCP, UDP = Protocol.TCP, Protocol.UDP

# action, protocol, reason and ICMP type/code for IPv4, the same for IPv6; None: silence
ACTIONS = [
    ("accept", TCP, (Reason.SYN_ACK, None), (Reason.SYN_ACK, None)),
    ("drop", TCP, None, None),
    ("drop", UDP, None, None),
    ("reset", TCP, (Reason.RESET, None), (Reason.RESET, None)),
    ("reset", UDP, (Reason.PORT_UNREACH, (3, 3)), (Reason.PORT_UNREACH, (1, 4))),
    ("port-unreach", TCP, (Reason.PORT_UNREACH, (3, 3)), (Reason.PORT_UNREACH, (1, 4))),
    ("port-unreach", UDP, (Reason.PORT_UNREACH, (3, 3)), (Reason.PORT_UNREACH, (1, 4))),
    ("host-unreach", TCP, (Reason.HOST_UNREACH, (3, 1)), (Reason.HOST_UNREACH, (1, 3))),
    ("net-unreach", TCP, (Reason.NET_UNREACH, (3, 0)), (Reason.NET_UNREACH, (1, 0))),
    ("proto-unreach", TCP, (Reason.PROTO_UNREACH, (3, 2)), (Reason.SYN_ACK, None)),
    ("admin-prohibited", TCP, (Reason.ADMIN_PROHIBITED, (3, 13)), (Reason.ADMIN_PROHIBITED, (1, 1))),
    ("admin-prohibited", UDP, (Reason.ADMIN_PROHIBITED, (3, 13)), (Reason.ADMIN_PROHIBITED, (1, 1))),
    ("host-prohibited", TCP, (Reason.HOST_PROHIBITED, (3, 10)), (Reason.ADMIN_PROHIBITED, (1, 1))),
    ("net-prohibited", TCP, (Reason.NET_PROHIBITED, (3, 9)), (Reason.ADMIN_PROHIBITED, (1, 1))),
]
LISTEN = [
    {"port": 80, "bind": "::"},
    {"port": 80, "bind": "::", "protocol": "udp", "serves": "answer"},
]


def outcome(replies):
    """First reply as (reason, icmp), None for silence."""
    return (replies[0].reason, replies[0].icmp) if replies else None


@pytest.mark.parametrize("listens", [True, False])
@pytest.mark.parametrize("case", ACTIONS)
def test_host_filter(case, listens, scenario_of, ask) -> None:
    """The host's filter answers in its own name, with or without a listener."""
    action, protocol, ipv4, ipv6 = case
    rule = {"action": action, "ports": f"{protocol[0].upper()}:80"}
    world = scenario_of(target={"listen": LISTEN if listens else [], "filter": [rule]})
    port = Port(protocol, 80)
    replies = ask(world, [Question(address_of(s), port) for s in ("lan", "lan6")])
    closed = {(Reason.SYN_ACK, None): (Reason.RESET, None)}
    expected = [outcome if listens else closed.get(outcome, outcome) for outcome in (ipv4, ipv6)]
    assert [outcome(r) for r in replies] == expected
    assert {r[0].sender for r in replies if r} <= {address_of("lan"), address_of("lan6")}


@pytest.mark.parametrize(("action", "protocol", "ipv4", "ipv6"), ACTIONS)
def test_router_filter(action, protocol, ipv4, ipv6, scenario_of, ask) -> None:
    """A router's ICMP errors come from the router; its resets are in the target's name."""
    rule = {"action": action, "ports": f"{protocol[0].upper()}:80"}
    world = scenario_of(target={"listen": LISTEN}, router={"filter": [rule]})
    port = Port(protocol, 80)
    replies = ask(world, [Question(address_of(s), port) for s in ("public", "public6")])
    assert [outcome(r) for r in replies] == [ipv4, ipv6]
    for symbol, received in zip(("public", "public6"), replies, strict=True):
        by_router = bool(received) and received[0].icmp is not None
        sender = ip_address(ROUTER_ADDRESSES[symbol]) if by_router else address_of(symbol)
        assert not received or received[0].sender == sender


REPLY_TTL = [  # who answers, symbol, port, TTL of the answer as it arrives
    ("host on the link, open", "lan", 80, 64),
    ("host on the link, closed", "lan", 81, 64),
    ("host's forged reset", "lan", 82, 64),
    ("host behind the router, open", "public", 80, 63),
    ("host behind the router, closed", "public", 81, 63),
    ("host's forged reset behind the router", "public", 82, 63),
    ("router's forged reset", "public", 83, 64),
    ("host behind the router, IPv6", "public6", 81, 63),
    ("router's forged reset, IPv6", "public6", 83, 64),
    ("container behind the host", "lan", 84, 63),
    ("container behind the host behind the router", "public", 84, 62),
    ("dead container behind the host", "lan", 85, 63),
]


@pytest.mark.parametrize(("who", "symbol", "number", "ttl"), REPLY_TTL)
def test_ttl_of_an_answer(who, symbol, number, ttl, scenario_of, ask) -> None:
    """A TTL floor lets an answer in up to the TTL with which it arrives, and not above."""
    del who
    world = scenario_of(
        target={
            "listen": [{"port": 80, "bind": "::"}],
            "filter": [{"action": "reset", "ports": "82"}],
            "dnat": [{"port": 84}, {"port": 85, "alive": False}],
        },
        router={"filter": [{"action": "reset", "ports": "83"}]},
    )
    port, address = Port(TCP, number), address_of(symbol)
    received, missed = ask(world, [Question(address, port, min_ttl=m) for m in (ttl, ttl + 1)])
    assert received
    assert not missed


def test_a_ttl_floor_on_icmp_errors(scenario_of, ask) -> None:
    """For IPv4 the floor looks at the quoted packet's TTL, for IPv6 at the error's own (measured)."""
    world = scenario_of(router={"filter": [{"action": "admin-prohibited"}]})
    port = Port(TCP, 80)
    floors = [Question(address_of(s), port, min_ttl=m) for s in ("public", "public6") for m in (63, 64, 65)]
    assert [bool(r) for r in ask(world, floors)] == [True, False, False, True, True, False]


def test_a_ttl_floor_on_udp(scenario_of, ask) -> None:
    """A datagram that arrives with less than the floor is not received; an ICMP error is."""
    world = scenario_of(target={"listen": LISTEN})
    asked = [(80, 63), (80, 64), (81, 255)]
    public = address_of("public")
    replies = ask(world, [Question(public, Port(UDP, number), min_ttl=floor) for number, floor in asked])
    assert [r[0].reason if r else None for r in replies] == ["udp-response", None, "port-unreach"]


def test_first_match_and_realms(scenario_of, ask) -> None:
    """The first rule that matches decides, on the realms that it names."""
    rules = [
        {"action": "accept", "ports": "80", "on": ["vpn"]},
        {"action": "drop", "ports": "80-81", "on": ["vpn"]},
        {"action": "reset", "ports": "80"},
    ]
    world = scenario_of(target={"listen": [{"port": p, "bind": ANY} for p in (80, 81)], "filter": rules})
    asked = [("vpn", 80), ("vpn", 81), ("lan", 80), ("lan", 81)]
    replies = ask(world, [Question(address_of(s), Port(TCP, n)) for s, n in asked])
    assert [outcome(r) and outcome(r)[0] for r in replies] == ["syn-ack", None, "reset", "syn-ack"]


def test_a_routers_drop_does_not_touch_answers(scenario_of, ask) -> None:
    """A router that drops everything from outside still passes what the target sends by itself."""
    rules = [{"action": "accept", "ports": "80"}, {"action": "drop"}]
    world = scenario_of(target={"listen": LISTEN}, router={"filter": rules})
    replies = ask(world, [Question(address_of("public"), Port(TCP, n)) for n in (80, 81)])
    assert [bool(r) for r in replies] == [True, False]


@pytest.mark.parametrize(("on", "filtered"), [("lan", {4, 6}), ("lan4", {4}), ("lan6", {6})])
def test_a_rule_for_one_ip_version(on, filtered, scenario_of, ask) -> None:
    """A realm with an IP version leaves the other one alone; without, the rule is for both."""
    world = scenario_of(target={"listen": LISTEN, "filter": [{"action": "drop", "on": [on]}]})
    addresses = [address_of(symbol) for symbol in ("lan", "lan6")]
    replies = ask(world, [Question(address, Port(TCP, 80)) for address in addresses])
    assert {a.version for a, received in zip(addresses, replies, strict=True) if not received} == filtered


@pytest.mark.parametrize(("on", "filtered"), [("public", {4, 6}), ("public4", {4}), ("public6", {6})])
def test_a_router_rule_for_one_ip_version(on, filtered, scenario_of, ask) -> None:
    """The router's rules are all on the public link, and for the IP version that they name."""
    rule = {"action": "drop", "on": [on]}
    world = scenario_of(target={"listen": LISTEN}, router={"filter": [rule]})
    addresses = [address_of(symbol) for symbol in ("public", "public6")]
    replies = ask(world, [Question(address, Port(TCP, 80)) for address in addresses])
    assert {a.version for a, received in zip(addresses, replies, strict=True) if not received} == filtered
