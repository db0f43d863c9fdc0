"""What the prober's own filter, its reverse paths and odd return paths do, to sockets and to raw packets."""

from ipaddress import ip_address

import pytest

from probe.errors import ScenarioError
from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES, address_of
from probe.lab.sim.world import open_sim
from probe.model.probing import NextHop, Question, Reason
from probe.model.target import Port, Protocol

TCP, UDP = Protocol.TCP, Protocol.UDP
SA, RST, PROHIBITED = Reason.SYN_ACK, Reason.RESET, Reason.ADMIN_PROHIBITED
OWN = {symbol: ip_address(address) for symbol, address in PROBER_ADDRESSES.items()}
LAN, LAN6, VPN, PUBLIC = map(address_of, ("lan", "lan6", "vpn", "public"))
LISTENS = [
    {"port": 80, "bind": "::"},
    {"port": 53, "bind": "::", "protocol": "udp", "serves": "answer"},
]
HTTP, DNS = Port(TCP, 80), Port(UDP, 53)


def described(replies):
    """First reply as (reason, sender), None for silence."""
    return (replies[0].reason, replies[0].sender) if replies else None


# rule for what the prober sends, port, address, what connect() gets, what raw packets get
OUTGOING = [
    ({"action": "drop"}, HTTP, LAN, None, (PROHIBITED, OWN["lan"])),
    ({"action": "drop"}, HTTP, LAN6, None, (PROHIBITED, OWN["lan6"])),
    ({"action": "drop"}, DNS, LAN, (PROHIBITED, OWN["lan"]), (PROHIBITED, OWN["lan"])),
    ({"action": "reset"}, HTTP, LAN, (RST, LAN), (PROHIBITED, OWN["lan"])),
    ({"action": "host-unreach"}, HTTP, LAN, (Reason.HOST_UNREACH, OWN["lan"]), None),
    ({"action": "port-unreach"}, DNS, LAN6, (Reason.PORT_UNREACH, OWN["lan6"]), None),
    ({"action": "drop", "ports": "81"}, HTTP, LAN, (SA, LAN), None),
    ({"action": "drop", "on": ["vpn"]}, HTTP, LAN, (SA, LAN), None),
    ({"action": "drop", "segment": "syn"}, HTTP, LAN, None, (PROHIBITED, OWN["lan"])),
]


@pytest.mark.parametrize("case", OUTGOING)
def test_what_the_prober_may_send(case, scenario_of, ask, ask_raw) -> None:
    """What its own filter takes is reported by the prober itself, or by nobody."""
    rule, port, address, plain, raw = case
    world = scenario_of(prober={"outgoing": [rule]}, target={"listen": LISTENS})
    question = Question(address, port)
    (replies,) = ask(world, [question])
    assert described(replies) == plain
    (reply,) = ask_raw(world, [question])
    assert (reply.reason, reply.sender) == (raw or plain)


def test_frames_pass_by_the_filter(scenario_of, ask_raw) -> None:
    """A frame for a neighbour is not asked about: it leaves beneath the filter."""
    hop = NextHop("lan", OWN["lan"], "02:00:00:00:00:02")
    world = scenario_of(prober={"outgoing": [{"action": "drop"}]}, target={"listen": LISTENS})
    replies = ask_raw(world, [Question(LAN, HTTP), Question(LAN, HTTP, hop=hop)])
    assert [reply.reason for reply in replies] == [PROHIBITED, SA]


# rule for what the prober receives, port, whether connect() gets its answer
INCOMING = [
    ({"action": "drop"}, HTTP, False),
    ({"action": "drop"}, DNS, False),
    ({"action": "reset", "ports": "80"}, HTTP, False),
    ({"action": "drop", "ports": "81"}, HTTP, True),
    ({"action": "drop", "on": ["vpn"]}, HTTP, True),
    ({"action": "drop", "segment": "syn-ack"}, HTTP, False),
    ({"action": "drop", "segment": "syn-ack"}, Port(TCP, 81), True),
    ({"action": "drop"}, Port(UDP, 54), True),  # an ICMP error is neither TCP nor UDP
]


@pytest.mark.parametrize(("rule", "port", "plain"), INCOMING)
def test_what_the_prober_may_receive(rule, port, plain, scenario_of, ask, ask_raw) -> None:
    """Its own filter hides answers from sockets, and never from raw packets."""
    world = scenario_of(prober={"incoming": [rule]}, target={"listen": LISTENS})
    (replies,) = ask(world, [Question(LAN, port)])
    assert bool(replies) == plain
    (reply,) = ask_raw(world, [Question(LAN, port)])
    assert reply is not None


# realms of replies_by, strict or not, address, whether connect() gets it, and by which link raw packets do
DETOURS = [
    ({"vpn": "lan"}, False, "vpn", True, "lan"),
    ({"vpn": "lan"}, True, "vpn", False, "lan"),
    ({"vpn": "lan"}, True, "vpn6", True, "lan"),  # IPv6 has no such check
    ({"vpn": "lan"}, True, "lan", True, "lan"),
    ({"lan": "public"}, False, "lan", True, "public"),
    ({"lan": "public"}, True, "lan", False, "public"),
    ({"public": "vpn"}, True, "public6", True, "vpn"),
]


@pytest.mark.parametrize("case", DETOURS)
def test_answers_by_another_link(case, scenario_of, ask, ask_raw) -> None:
    """A strict reverse path hides an answer that came by a link which does not lead back to its sender."""
    detour, strict, symbol, plain, link = case
    world = scenario_of(
        prober={"strict_reverse_path": strict}, target={"listen": LISTENS, "replies_by": detour}
    )
    (replies,) = ask(world, [Question(address_of(symbol), HTTP)])
    assert bool(replies) == plain
    (reply,) = ask_raw(world, [Question(address_of(symbol), HTTP)])
    assert (reply.sender, reply.header.interface) == (address_of(symbol), link)


def test_a_broken_hairpin(scenario_of, ask, ask_raw) -> None:
    """Where the answer does not pass the NAT again it comes from the inside address: sockets miss it."""
    world = scenario_of(
        target={"listen": LISTENS, "replies_by": {"public": "lan"}}, router={"nat": True, "forward": [80, 81]}
    )
    questions = [Question(PUBLIC, Port(TCP, number)) for number in (80, 81, 82)]
    assert [described(replies) for replies in ask(world, questions)] == [None, None, (RST, PUBLIC)]
    inside = ip_address(TARGET_ADDRESSES["inside"])
    answers = [(r.reason, r.sender, r.ttl) for r in ask_raw(world, questions)]
    assert answers == [(SA, inside, 64), (RST, inside, 64), (RST, PUBLIC, 64)]


def test_strict_paths_hide_errors_too(scenario_of, ask, ask_raw) -> None:
    """An ICMP error that came by the wrong link does not reach sockets."""
    target = {"filter": [{"action": "admin-prohibited"}], "replies_by": {"vpn": "lan"}}
    world = scenario_of(prober={"strict_reverse_path": True}, target=target)
    (replies,) = ask(world, [Question(VPN, HTTP)])
    (reply,) = ask_raw(world, [Question(VPN, HTTP)])
    assert (replies, reply.reason, reply.sender) == ([], PROHIBITED, VPN)


@pytest.mark.parametrize("detour", [{"vpn": "moon"}, {"moon": "vpn"}])
def test_detours_need_links(detour, scenario_of) -> None:
    """Answers cannot leave by a link that there is not."""
    world = scenario_of(target={"replies_by": detour})
    with pytest.raises(ScenarioError, match="moon"), open_sim(world):
        pass
