"""Which packet answers which probe: the honest answers as a table, and what only looks like one."""

from ipaddress import ip_address

import pytest
from flights import (
    ELSEWHERE,
    HEADER,
    HONEST,
    SHAPES,
    UDP,
    WITH_ERRORS,
    answer,
    error,
    flight_of,
    question,
    quote,
    replies_to,
)
from varied import replace

from probe.model.probing import Header, Probe, Question, Reason, Reply, Shape
from probe.model.target import Port
from probe.wire.match import Flight, Matching
from probe.wire.packet import Incoming, Outgoing, PacketKind


@pytest.mark.parametrize(("name", "kind", "reason"), HONEST)
def test_honest_answers_are_taken_once(name: str, kind: PacketKind, reason: Reason) -> None:
    """Each kind of answer is a reply with all that its header holds; a second copy is nothing."""
    flight = flight_of(SHAPES[name])
    got = answer(flight.packet, kind)
    assert replies_to(flight, got, got) == [
        Reply(7, reason, 0.0, flight.probe.question.address, ttl=64, header=HEADER)
    ]


@pytest.mark.parametrize("name", WITH_ERRORS)
def test_errors_that_quote_a_probe_are_taken_from_anybody(name: str) -> None:
    """An ICMP error that quotes ports and sequence is a reply, with its sender, type and code."""
    flight = flight_of(SHAPES[name])
    got = error(flight.packet, quote(flight.packet))
    (reply,) = replies_to(flight, got, got)
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.ADMIN_PROHIBITED, got.source, got.icmp)


def test_a_translated_quote_is_still_ours() -> None:
    """A NAT that leaves its own address in the quote does not hide whose packet it was."""
    flight = flight_of(SHAPES["SYN"])
    got = error(flight.packet, quote(flight.packet, source=ELSEWHERE))
    assert len(replies_to(flight, got)) == 1


# What looks like an answer and is none: the shape asked, and the packet that comes.
FALSE_ANSWERS = {
    "SYN/ACK of another number": ("SYN", PacketKind.SYN_ACK, {"acknowledgment": 5}),
    "SYN/ACK that acknowledges nothing": ("SYN", PacketKind.SYN_ACK, {"acknowledgment": None}),
    "reset without ACK": ("SYN", PacketKind.RESET, {"acknowledgment": None}),
    "reset of a FIN without ACK": ("FIN", PacketKind.RESET, {"acknowledgment": None}),
    "reset of an ACK with another number": ("ACK", PacketKind.RESET, {"sequence": 5}),
    "SYN/ACK to an ACK": ("ACK", PacketKind.SYN_ACK, {}),
    "SYN/ACK to a FIN": ("FIN", PacketKind.SYN_ACK, {}),
    "from another port": ("SYN", PacketKind.SYN_ACK, {"source_port": 81}),
    "to another port": ("SYN", PacketKind.SYN_ACK, {"destination_port": 61000}),
    "datagram from another port": ("datagram", PacketKind.DATAGRAM, {"source_port": 69}),
    "datagram to a SYN": ("SYN", PacketKind.DATAGRAM, {}),
    "reset of a datagram": ("datagram", PacketKind.RESET, {"acknowledgment": 1}),
    "echo reply of another number": ("echo", PacketKind.ECHO_REPLY, {"sequence": 5}),
    "echo reply of another address": ("echo", PacketKind.ECHO_REPLY, {"source": ELSEWHERE}),
    "echo reply of another identifier": ("echo", PacketKind.ECHO_REPLY, {"destination_port": 5}),
    "ARP for another address": ("who-has", PacketKind.ARP_REPLY, {"source": ELSEWHERE}),
    "ARP on another link": ("who-has", PacketKind.ARP_REPLY, {"header": replace(HEADER, interface="eth1")}),
    "echo reply to an ARP request": ("who-has", PacketKind.ECHO_REPLY, {}),
}


@pytest.mark.parametrize("case", FALSE_ANSWERS)
def test_false_answers_are_nothing(case: str) -> None:
    """What does not prove that its sender saw the probe is no reply, and the true answer still is one."""
    name, kind, changes = FALSE_ANSWERS[case]
    flight = flight_of(SHAPES[name])
    true_kind = next(kind for honest, kind, _ in HONEST if honest == name)
    replies = replies_to(flight, answer(flight.packet, kind, **changes), answer(flight.packet, true_kind))
    assert [reply.at for reply in replies] == [1.0]


FALSE_QUOTES = {
    "another destination": ("SYN", {"destination": ELSEWHERE}),
    "another probed port": ("SYN", {"destination_port": 81}),
    "another source port": ("SYN", {"source_port": 61000}),
    "another number": ("SYN", {"sequence": 5}),
    "no number": ("SYN", {"sequence": None}),
    "another protocol": ("SYN", {"protocol": UDP}),
    "another echo": ("echo", {"sequence": 5}),
    "another datagram": ("datagram", {"destination_port": 81}),
}


@pytest.mark.parametrize("case", FALSE_QUOTES)
def test_false_quotes_are_nothing(case: str) -> None:
    """An ICMP error that quotes nothing of ours is no reply, and one that does still is one."""
    name, changes = FALSE_QUOTES[case]
    flight = flight_of(SHAPES[name])
    true = error(flight.packet, quote(flight.packet))
    false = error(flight.packet, quote(flight.packet, **changes))
    without = error(flight.packet, None)
    untyped = error(flight.packet, quote(flight.packet), icmp=None)
    assert [reply.at for reply in replies_to(flight, false, without, untyped, true)] == [3.0]


@pytest.mark.parametrize(("name", "kind"), [("SYN", PacketKind.SYN_ACK), ("datagram", PacketKind.DATAGRAM)])
def test_answers_from_another_address_are_evidence(name: str, kind: PacketKind) -> None:
    """A TCP or UDP answer counts whoever sends it, and its sender is reported as it is."""
    flight = flight_of(SHAPES[name])
    got = answer(flight.packet, kind, source=ELSEWHERE)
    matching = Matching()
    matching.remember(flight)
    assert matching.is_elsewhere(got)
    assert not matching.is_elsewhere(answer(flight.packet, kind))
    assert [reply.sender for reply in replies_to(flight, got)] == [ELSEWHERE]


def test_packets_of_nobody_come_from_nowhere() -> None:
    """A packet that answers nothing is not from elsewhere either."""
    flight = flight_of(SHAPES["SYN"])
    assert not Matching().is_elsewhere(answer(flight.packet, PacketKind.SYN_ACK))


def test_answers_to_a_translated_source_count() -> None:
    """This machine may masquerade its own traffic: packets are read before it is translated back."""
    flight = flight_of(SHAPES["SYN"])
    assert replies_to(flight, answer(flight.packet, PacketKind.SYN_ACK, destination=ELSEWHERE))


@pytest.mark.parametrize(("ttl", "count"), [(63, 0), (64, 1), (None, 0)])
def test_replies_below_the_least_ttl_are_ignored(ttl: int | None, count: int) -> None:
    """What arrives with less than asked for is no reply, and does not use the probe up."""
    flight = flight_of(question(Shape.OPENING, min_ttl=64))
    replies = replies_to(
        flight,
        answer(flight.packet, PacketKind.RESET, ttl=ttl),
        answer(flight.packet, PacketKind.RESET, ttl=65),
    )
    assert [reply.ttl for reply in replies] == ([ttl] if count else [65])


SENDERS = [
    ("fe80::9%eth0", "fe80::9", "fe80::9%eth0"),  # as it was asked
    ("fe80::9%eth0", "fe80::8", "fe80::8%eth0"),
    ("fe80::9%eth0", "fe80::8%7", "fe80::8%eth0"),
    ("2001:db8::9", "2001:db8::8", "2001:db8::8"),
]


@pytest.mark.parametrize(("asked", "source", "sender"), SENDERS)
def test_link_local_senders_have_their_link(asked: str, source: str, sender: str) -> None:
    """A link-local sender is reported with the interface by which it came."""
    flight = flight_of(question(Shape.OPENING, address=ip_address(asked)))
    (reply,) = replies_to(flight, answer(flight.packet, PacketKind.SYN_ACK, source=ip_address(source)))
    assert reply.sender == ip_address(sender)


def test_a_link_local_sender_without_interface_stays_as_it_is() -> None:
    """Where nothing shows the interface, none is made up."""
    flight = flight_of(SHAPES["SYN 6"])
    bare = ip_address("fe80::8")
    (reply,) = replies_to(flight, answer(flight.packet, PacketKind.SYN_ACK, source=bare, header=Header()))
    assert reply.sender == bare


def test_an_error_of_no_known_reason_means_not_reached() -> None:
    """A code that no table knows still shows that the packet did not arrive."""
    flight = flight_of(SHAPES["SYN"])
    (reply,) = replies_to(flight, error(flight.packet, quote(flight.packet), icmp=(3, 200)))
    assert (reply.reason, reply.icmp) == (Reason.HOST_UNREACH, (3, 200))


def test_late_answers_to_forgotten_probes_are_nothing() -> None:
    """Nobody waits any more: neither an answer nor a second forgetting finds anything."""
    for name, kind, _ in HONEST:
        flight = flight_of(SHAPES[name])
        matching = Matching()
        matching.remember(flight)
        assert matching.flying() == (7,)
        assert matching.forget([7, 8]) == [flight]
        assert matching.forget([7]) == []
        assert matching.flying() == ()
        assert matching.take(answer(flight.packet, kind), at=1.0) is None


def test_each_try_at_arp_has_its_answer() -> None:
    """Two requests for one address: each answer uses up one of them, the latest first."""
    asked = SHAPES["who-has"]
    flights = [flight_of(asked, number) for number in (1, 2)]
    matching = Matching()
    for flight in flights:
        matching.remember(flight)
    got = answer(flights[0].packet, PacketKind.ARP_REPLY)
    taken = [matching.take(got, at=1.0) for _ in range(3)]
    assert [match and match[1].probe_id for match in taken] == [2, 1, None]
    assert len(matching.forget([1, 2])) == 2


def test_loopback_hands_our_own_datagrams_back() -> None:
    """Two datagrams on loopback, each to the other's source port: neither is taken for an answer."""
    ours = ip_address("127.0.0.1")
    first = Outgoing(Shape.OPENING, UDP, ours, ours, 61001, 61002)
    second = Outgoing(Shape.OPENING, UDP, ours, ours, 61002, 61001)
    matching = Matching()
    for number, packet in enumerate((first, second)):
        asked = Question(ours, Port(UDP, packet.destination_port))
        matching.remember(Flight(Probe(number, asked), packet))
    handed_back = Incoming(PacketKind.DATAGRAM, ours, ours, HEADER, 64, 61001, 61002)
    assert matching.take(handed_back, at=0.0) is None
    foreign = replace(handed_back, source=ip_address("127.0.0.2"))
    assert matching.take(foreign, at=0.0) is not None
