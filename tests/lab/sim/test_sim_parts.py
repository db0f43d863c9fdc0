"""Packets that no scan provokes: the parts of the world in memory, one by one."""

from ipaddress import ip_address

import pytest

from probe.lab.scenario import address_of
from probe.lab.sim.clock import Clock
from probe.lab.sim.links import Name
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.node import Arrival, Interceptor, Node, NodeConfig, SynProxy
from probe.lab.sim.packets import RESET_ACK, SYN_ACK, Flow, IcmpError, Packet, Tcp
from probe.lab.sim.prober import Prober
from probe.lab.sim.stack import Stack, socket_for
from probe.lab.sim.topology import addresses_of, build_nodes, build_ways
from probe.model.probing import Probe, Question, Reason
from probe.model.target import Port, Protocol

CLIENT, SERVER = ip_address("198.51.100.2"), address_of("public")
FLOW = Flow(Protocol.TCP, CLIENT, 40000, SERVER, 80)
PORT = Port(Protocol.TCP, 80)


def arrived(realm: str, at: float = 0.0, source=None) -> Arrival:
    """A frame came by this link, from a neighbour; every answer leaves by it too."""
    return Arrival(realm, at, source, lambda _: realm, "02:00:00:00:00:ff")


def test_flows_and_answers() -> None:
    """An answer goes back the way its packet came, in the name of the address asked."""
    assert FLOW.back.back == FLOW
    assert FLOW.port == PORT
    answer = Packet(FLOW, Tcp.SYN).answer(SYN_ACK)
    assert (answer.source, answer.destination, answer.flags, answer.ttl) == (SERVER, CLIENT, SYN_ACK, 64)


@pytest.mark.parametrize("flags", [Tcp.RST, RESET_ACK], ids=str)
def test_a_reset_is_not_answered(flags) -> None:
    """No host answers a reset (RFC 9293 section 3.10.7.1)."""
    assert Stack().answers(Packet(FLOW, flags), "public", None) == ()
    assert socket_for((), PORT, SERVER, "public") is None


@pytest.mark.parametrize("flags", [Tcp.FIN | Tcp.ACK, Tcp.RST | Tcp.ACK, Tcp.PSH | Tcp.ACK], ids=str)
def test_a_syn_proxy_minds_handshakes_only(flags) -> None:
    """What follows a handshake passes the proxy in both directions; a target that answers oddly too."""
    proxy = SynProxy({PORT})
    assert proxy.intercept(Packet(FLOW, flags)) == ()
    (offer,) = proxy.intercept(Packet(FLOW, Tcp.SYN))
    assert (offer.flow, offer.flags, offer.window) == (FLOW.back, SYN_ACK, 0)
    assert proxy.intercept(Packet(FLOW, flags)) == ()
    assert proxy.intercept(Packet(FLOW, Tcp.ACK)) == (Packet(FLOW, Tcp.SYN),)
    assert proxy.intercept(Packet(FLOW.back, flags)) is None


@pytest.mark.parametrize("flags", [Tcp.ACK, Tcp.FIN], ids=str)
def test_a_syn_proxy_drops_what_began_without_it(flags) -> None:
    """A segment of no handshake that the proxy saw ends there, once the ports are its own."""
    proxy = SynProxy({PORT})
    assert proxy.intercept(Packet(FLOW, flags)) == ()
    assert proxy.intercept(Packet(Flow(Protocol.TCP, CLIENT, 40000, SERVER, 81), flags)) is None


def test_a_syn_proxy_joins_a_connection_once() -> None:
    """The target's syn-ack is answered by the proxy; from then on packets pass."""
    proxy = SynProxy({PORT})
    for flags in (Tcp.SYN, Tcp.ACK):
        proxy.intercept(Packet(FLOW, flags))
    assert proxy.intercept(Packet(FLOW.back, SYN_ACK)) == (Packet(FLOW, Tcp.ACK),)
    assert proxy.intercept(Packet(FLOW.back, SYN_ACK)) is None
    assert proxy.intercept(Packet(FLOW, Tcp.ACK)) is None


def test_a_box_that_answers_all() -> None:
    """It leads every flow to its own server, in the name of who was asked; a stray FIN it does not see."""
    node = Interceptor("public")
    (accepted,) = node.intercept(Packet(FLOW, Tcp.SYN), "public")
    assert (accepted.flow, accepted.flags) == (FLOW.back, SYN_ACK)
    assert node.intercept(Packet(FLOW, Tcp.ACK), "public") == ()
    (reset,) = node.intercept(Packet(Flow(Protocol.TCP, CLIENT, 40001, SERVER, 81), Tcp.ACK), "public")
    assert (reset.flags, reset.flow.source_port) == (Tcp.RST, 81)
    assert node.intercept(Packet(FLOW, Tcp.FIN), "public") is None
    assert node.intercept(Packet(FLOW, Tcp.SYN), "behind") is None


def test_a_box_that_answers_for_some_ports() -> None:
    """What it does not take goes its way."""
    node = Interceptor("public", {FLOW.port})
    (accepted,) = node.intercept(Packet(FLOW, Tcp.SYN), "public")
    assert accepted.flow == FLOW.back
    assert node.intercept(Packet(Flow(Protocol.TCP, CLIENT, 40001, SERVER, 81), Tcp.SYN), "public") is None


def test_errors_end_where_they_are_for() -> None:
    """An ICMP error is not forwarded by the node that it is for, nor beyond its TTL."""
    node = Node("router", {SERVER: "public"}, NodeConfig())
    error = Packet(FLOW, Tcp.SYN, 5).error((3, 1), SERVER)
    on_way = IcmpError(error.source, CLIENT, error.kind, error.quoted, 5, ttl=9)
    assert [frame.ttl for frame in node.receive(on_way, arrived("behind"))] == [8]
    assert list(node.receive(IcmpError(CLIENT, SERVER, (3, 1), FLOW, 5), arrived("public"))) == []
    assert list(node.receive(IcmpError(SERVER, CLIENT, (3, 1), FLOW, 5, ttl=1), arrived("behind"))) == []


def network_of(scenario) -> tuple[Clock, SimNetwork, Prober, list]:
    """A network and its prober, without the backend."""
    clock, received = Clock(), []
    prober = Prober(addresses_of(Name.PROBER, scenario), clock, received.append)
    nodes = {Name.PROBER: prober, **build_nodes(scenario)}
    return clock, SimNetwork(clock, build_ways(scenario, nodes)), prober, received


def test_errors_are_not_answered_with_errors(scenario_of) -> None:
    """An error that has no way is dropped, and so is a packet whose sender cannot be reached (RFC 1122)."""
    clock, network, prober, received = network_of(scenario_of())
    nowhere = ip_address("192.0.2.1")
    network.send(prober, IcmpError(CLIENT, nowhere, (3, 1), FLOW, 5))
    network.send(prober, Packet(Flow(Protocol.TCP, nowhere, 1, nowhere, 2), Tcp.SYN))
    assert not clock.step(10.0)
    assert received == []


@pytest.mark.parametrize(
    ("flags", "before", "expected"),
    [
        (Tcp.ACK, (), []),
        (Tcp.FIN | Tcp.ACK, (), []),
        (SYN_ACK, (SYN_ACK,), [Reason.SYN_ACK]),
        (Tcp.ACK, (SYN_ACK,), [Reason.SYN_ACK]),
    ],
    ids=str,
)
def test_the_prober_ignores_what_makes_no_sense(flags, before, expected, scenario_of) -> None:
    """Neither a stray segment nor a second syn-ack is a reply."""
    _, _, prober, received = network_of(scenario_of())
    sent: list[Packet] = []
    prober.ask(Probe(1, Question(SERVER, PORT)), CLIENT, sent.append)
    for arriving in (*before, flags):
        prober.receive(Packet(sent[0].flow.back, arriving), arrived("public", 0.1))
    assert [reply.reason for reply in received] == expected


def test_an_error_does_not_end_an_open_connection(scenario_of) -> None:
    """Once accepted, a connection outlives ICMP errors (RFC 5461)."""
    _, _, prober, received = network_of(scenario_of())
    sent: list[Packet] = []
    prober.ask(Probe(1, Question(SERVER, PORT)), CLIENT, sent.append)
    prober.receive(Packet(sent[0].flow.back, SYN_ACK), arrived("public", 0.1))
    prober.receive(sent[0].error((3, 1), SERVER), arrived("public", 0.2))
    assert [reply.reason for reply in received] == [Reason.SYN_ACK]
