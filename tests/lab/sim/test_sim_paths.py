"""Routers, NAT, containers, middleboxes, neighbours that are not there."""

from ipaddress import ip_address

import pytest

from probe.errors import ScenarioError
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, address_of
from probe.lab.sim.world import open_sim
from probe.model.facts import LinkKind, Neighbour
from probe.model.probing import Aftermath, Probe, Question, Reason
from probe.model.target import Port, Protocol

ANY = "0.0.0.0"
SSH = {"port": 22, "bind": "::"}
NAT = {"nat": True, "forward": [22, 23]}
PUBLIC, PUBLIC6, LAN = address_of("public"), address_of("public6"), address_of("lan")
OUTSIDE, OUTSIDE6 = ip_address(ROUTER_ADDRESSES["public"]), ip_address(ROUTER_ADDRESSES["public6"])
SA, RST, TE = Reason.SYN_ACK, Reason.RESET, Reason.TIME_EXCEEDED

# what the world has, address, port, TTL of the probe, reason, sender
LIMITED = [
    ({}, LAN, 22, 1, SA, LAN),
    ({}, LAN, 23, 1, RST, LAN),
    ({}, PUBLIC, 22, 1, TE, OUTSIDE),
    ({}, PUBLIC, 22, 2, SA, PUBLIC),
    ({}, PUBLIC6, 22, 1, TE, OUTSIDE6),
    ({}, PUBLIC6, 23, 2, RST, PUBLIC6),
    ({"router": NAT}, PUBLIC, 22, 1, TE, PUBLIC),  # forwarded, un-NATed
    ({"router": NAT}, PUBLIC, 22, 2, SA, PUBLIC),
    ({"router": NAT}, PUBLIC, 23, 2, RST, PUBLIC),
    ({"router": NAT}, PUBLIC, 24, 1, RST, PUBLIC),  # the router's own
    (
        {"router": {**NAT, "filter": [{"action": "admin-prohibited"}]}},
        PUBLIC,
        22,
        64,
        "admin-prohibited",
        PUBLIC,
    ),
    ({"router": {**NAT, "filter": [{"action": "reset"}]}}, PUBLIC, 24, 64, RST, PUBLIC),
    ({"dnat": [{"port": 80}]}, LAN, 80, 1, TE, LAN),
    ({"dnat": [{"port": 80}]}, LAN, 80, 2, SA, LAN),
    ({"dnat": [{"port": 80, "alive": False}]}, LAN, 80, 1, TE, LAN),
    ({"dnat": [{"port": 80, "alive": False}]}, LAN, 80, 2, RST, LAN),
    ({"dnat": [{"port": 80, "address": "vpn"}]}, LAN, 80, 1, RST, LAN),
    ({"dnat": [{"port": 80}]}, PUBLIC, 80, 1, TE, OUTSIDE),
    ({"dnat": [{"port": 80}]}, PUBLIC, 80, 2, TE, PUBLIC),
    ({"dnat": [{"port": 80}]}, PUBLIC, 80, 3, SA, PUBLIC),
    ({"dnat": [{"port": 80}]}, address_of("lan6"), 80, 64, RST, address_of("lan6")),
    ({"dnat": [{"port": 80}], "by": "docker"}, LAN, 80, 1, TE, LAN),
    ({"dnat": [{"port": 80}], "by": "docker"}, LAN, 80, 2, SA, LAN),
    ({"dnat": [{"port": 80}], "by": "docker"}, address_of("lan6"), 80, 1, SA, address_of("lan6")),
    ({"dnat": [{"port": 80}], "by": "docker-no-proxy"}, address_of("lan6"), 80, 1, RST, address_of("lan6")),
    ({"dnat": [{"port": 80, "address": "127.0.0.1"}], "by": "docker"}, LAN, 80, 2, RST, LAN),
    ({"router": {"answers_all": True}}, PUBLIC, 9, 1, SA, PUBLIC),
    ({"router": {"syn_proxy": "9"}}, PUBLIC, 9, 1, TE, OUTSIDE),
    ({"router": {"syn_proxy": "9"}}, PUBLIC, 9, 2, SA, PUBLIC),
]


@pytest.mark.parametrize("case", LIMITED)
def test_how_far_a_probe_comes(case, scenario_of, ask) -> None:
    """A probe with a limited TTL is answered by the node where it ends, in the name that NAT gives it."""
    parts, address, number, ttl, reason, sender = case
    target = {"listen": [SSH], "dnat": parts.get("dnat", []), "dnat_by": parts.get("by", "rules")}
    world = scenario_of(target=target, router=parts.get("router", {}))
    (replies,) = ask(world, [Question(address, Port(Protocol.TCP, number), ttl=ttl)])
    assert (replies[0].reason, replies[0].sender) == (reason, sender)


PROXIED = [
    ("answers everything", {"answers_all": True}, 9, Aftermath.HELD),
    ("nothing behind the proxy", {"syn_proxy": "9,21-22"}, 9, Aftermath.RESET),
    ("a quiet service behind the proxy", {"syn_proxy": "9,21-22"}, 22, Aftermath.HELD),
    ("a service that greets behind the proxy", {"syn_proxy": "9,21-22"}, 21, Aftermath.SPOKE),
]


@pytest.mark.parametrize(("who", "router", "number", "aftermath"), PROXIED)
def test_completed_handshakes(who, router, number, aftermath, scenario_of, ask) -> None:
    """Of a middlebox one learns by what the connection does next, and by the TTL of its syn-ack."""
    del who
    greeter = {"port": 21, "bind": "::", "serves": "greet"}
    world = scenario_of(target={"listen": [SSH, greeter]}, router=router)
    port = Port(Protocol.TCP, number)
    ipv4, ipv6, floor = ask(
        world, [Question(PUBLIC, port), Question(PUBLIC6, port), Question(PUBLIC, port, min_ttl=64)]
    )
    assert [r.aftermath for r in ipv4] == [None, aftermath]
    assert ipv6[0].ttl == 64
    assert floor


def test_middleboxes_let_other_packets_pass(scenario_of, ask) -> None:
    """UDP through a node that answers everything reaches the target; so do ports that are not proxied."""
    udp = {"port": 53, "bind": ANY, "protocol": "udp", "serves": "answer"}
    world = scenario_of(target={"listen": [SSH, udp]}, router={"answers_all": True})
    (replies,) = ask(world, [Question(PUBLIC, Port(Protocol.UDP, 53))])
    assert (replies[0].reason, replies[0].ttl) == (Reason.UDP_RESPONSE, 63)
    world = scenario_of(target={"listen": [SSH]}, router={"syn_proxy": "9"})
    (replies,) = ask(world, [Question(PUBLIC, Port(Protocol.TCP, 23))])
    assert replies[0].reason is Reason.RESET


DEAD = [
    ("lan", PROBER_ADDRESSES["lan"], (3, 1)),
    ("lan6", PROBER_ADDRESSES["lan6"], (1, 3)),
    ("vpn", PROBER_ADDRESSES["vpn"], (3, 1)),
    ("public", ROUTER_ADDRESSES["public"], (3, 1)),
    ("public6", ROUTER_ADDRESSES["public6"], (1, 3)),
]


@pytest.mark.parametrize(("symbol", "sender", "icmp"), DEAD)
def test_an_address_that_nobody_has(symbol, sender, icmp, scenario_of, ask) -> None:
    """The kernel next to it gives up after 3.06 s: the prober's own, or the router's."""
    world = scenario_of(dead=[symbol])
    (replies,) = ask(world, [Question(address_of(symbol), Port(Protocol.TCP, 80))])
    (reply,) = replies
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.HOST_UNREACH, ip_address(sender), icmp)
    assert reply.at == pytest.approx(3.06, abs=0.01)


def test_a_dead_address_is_tried_again(scenario_of, ask) -> None:
    """All probes that wait share one failure; a later one starts a new search for the neighbour."""
    world = scenario_of(dead=["lan"])
    question = Question(LAN, Port(Protocol.TCP, 80))
    replies = ask(world, [question] * 3, apart=2.0, wait=5.0)
    assert [round(r[0].at, 2) for r in replies] == [3.06, 3.06, 7.06]


def test_behind_nat_a_dead_public_address_has_no_network(scenario_of, ask) -> None:
    """A NAT router that lacks the public address has no route for it."""
    (replies,) = ask(scenario_of(dead=["public"], router=NAT), [Question(PUBLIC, Port(Protocol.TCP, 22))])
    assert (replies[0].reason, replies[0].sender) == (Reason.NET_UNREACH, OUTSIDE)


def test_neighbours(scenario_of) -> None:
    """The neighbour table knows nothing before it was asked for, and then whether it answered."""
    lan6 = address_of("lan6")
    with open_sim(scenario_of(dead=["lan"])) as world:
        assert world.host.neighbour(LAN) is None
        for number, address in enumerate((LAN, lan6, PUBLIC)):
            world.backend.send(Probe(number, Question(address, Port(Protocol.TCP, 80))))
        for until, lost in ((0.5, Neighbour.INCOMPLETE), (4.0, Neighbour.FAILED)):
            while world.backend.now() < until:
                world.backend.receive(until)
            table = [world.host.neighbour(address) for address in (LAN, lan6, PUBLIC)]
            assert table == [lost, Neighbour.RESOLVED, None]


def test_routes(scenario_of) -> None:
    """The host reports source, interface, link and distance, and where it has no route."""
    with open_sim(scenario_of()) as world:
        near, far = world.host.route(address_of("vpn")), world.host.route(PUBLIC)
        nowhere = world.host.route(ip_address("192.0.2.1"))
        own = world.host.own_addresses()
    assert (str(near.source), near.interface, near.kind, near.on_link) == (
        "10.88.0.2",
        "vpn",
        LinkKind.TUNNEL,
        True,
    )
    assert (str(far.source), far.on_link, far.mtu) == ("198.51.100.2", False, 1500)
    assert (nowhere.reachable, nowhere.source) == (False, None)
    assert near.source in own


def test_no_route(scenario_of, ask) -> None:
    """Without a route the reply is there at once."""
    (replies,) = ask(scenario_of(), [Question(ip_address("192.0.2.1"), Port(Protocol.TCP, 80))])
    assert [(r.reason, r.sender, r.at) for r in replies] == [(Reason.NO_ROUTE, None, 0.0)]


def test_a_bind_to_a_foreign_address_is_refused(scenario_of) -> None:
    """A scenario cannot bind a socket to an address that the target lacks."""
    world = scenario_of(target={"listen": [{"port": 80, "bind": "public"}]}, router=NAT)
    with pytest.raises(ScenarioError, match=r"203\.0\.113\.10"), open_sim(world):
        pass
