"""Which packet answers which probe: the honest answers as a table, then everything hostile."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.engine.composing import NO_LINK_ADDRESS, Composer
from probe.engine.matching import Flight, Matching
from probe.engine.packet import Incoming, Kind, Outgoing, Quoted
from probe.model.probing import Header, Probe, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol

TCP, UDP = Protocol.TCP, Protocol.UDP
US, US6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
TARGET, TARGET6 = ip_address("192.0.2.9"), ip_address("2001:db8::9")
ELSEWHERE, ROUTER = ip_address("10.0.0.9"), ip_address("192.0.2.254")
HEADER = Header(tos=0x68, interface="eth0", link_address="52:54:00:12:34:56")
ERRORS = {4: (3, 13), 6: (1, 1)}
WORD = 1 << 32
ASKED_ON = "eth0"


def question(shape: Shape, protocol: Protocol = TCP, address: Any = TARGET, **more: Any) -> Question:
    number = 0 if shape in {Shape.ECHO, Shape.WHO_HAS} else 80
    return Question(address, Port(protocol, number), shape=shape, **more)


SHAPES = {
    "SYN": question(Shape.OPENING),
    "datagram": question(Shape.OPENING, UDP),
    "ACK": question(Shape.ACK),
    "FIN": question(Shape.FIN),
    "echo": question(Shape.ECHO),
    "who-has": question(Shape.WHO_HAS),
    "SYN 6": question(Shape.OPENING, address=TARGET6),
    "datagram 6": question(Shape.OPENING, UDP, TARGET6),
    "echo 6": question(Shape.ECHO, address=TARGET6),
}
WITH_ERRORS = [name for name in SHAPES if name != "who-has"]


def flight_of(asked: Question, number: int = 7, composer: Composer | None = None) -> Flight:
    composer = composer or Composer(lambda below: below - 1)
    source = US if asked.address.version == 4 else US6
    packet = composer.compose(asked, source, NO_LINK_ADDRESS)
    assert packet is not None
    return Flight(Probe(number, asked), packet, ASKED_ON)


def answer(sent: Outgoing, kind: Kind, **changes: Any) -> Incoming:
    """A packet of a kind as an honest target sends it."""
    sequence = {Kind.RESET: sent.acknowledgment, Kind.ECHO_REPLY: sent.sequence}
    acknowledges = kind is Kind.SYN_ACK or (kind is Kind.RESET and sent.shape is not Shape.ACK)
    honest = Incoming(
        kind,
        sent.destination,
        sent.source,
        HEADER,
        ttl=64,
        source_port=sent.destination_port,
        destination_port=sent.source_port,
        sequence=sequence.get(kind, 5),
        acknowledgment=(sent.sequence + 1) % WORD if acknowledges else None,
    )
    return replace(honest, **changes)


def quote(sent: Outgoing, **changes: Any) -> Quoted:
    """A packet of ours as an ICMP error quotes it."""
    protocol = None if sent.shape is Shape.ECHO else sent.protocol
    sequence = None if protocol is UDP else sent.sequence
    ports = (sent.source_port, sent.destination_port)
    return replace(Quoted(sent.source, sent.destination, protocol, *ports, sequence), **changes)


def error(sent: Outgoing, quoted: Quoted | None, **changes: Any) -> Incoming:
    """An ICMP error about a packet, from a router unless told otherwise."""
    version = sent.source.version
    sender = ROUTER if version == 4 else ip_address("2001:db8::fe")
    honest = Incoming(
        Kind.ICMP_ERROR, sender, sent.source, HEADER, ttl=64, icmp=ERRORS[version], quoted=quoted
    )
    return replace(honest, **changes)


def heard(flight: Flight, *packets: Incoming) -> list[Reply]:
    """What packets amount to while one probe waits."""
    matching = Matching()
    matching.remember(flight)
    taken = [matching.take(packet, at=float(at)) for at, packet in enumerate(packets)]
    assert all(match[0] == flight for match in taken if match)
    return [match[1] for match in taken if match]


HONEST = [
    ("SYN", Kind.SYN_ACK, Reason.SYN_ACK),
    ("SYN", Kind.RESET, Reason.RESET),
    ("SYN 6", Kind.SYN_ACK, Reason.SYN_ACK),
    ("ACK", Kind.RESET, Reason.RESET),
    ("FIN", Kind.RESET, Reason.RESET),
    ("datagram", Kind.DATAGRAM, Reason.UDP_RESPONSE),
    ("datagram 6", Kind.DATAGRAM, Reason.UDP_RESPONSE),
    ("echo", Kind.ECHO_REPLY, Reason.ECHO_REPLY),
    ("echo 6", Kind.ECHO_REPLY, Reason.ECHO_REPLY),
    ("who-has", Kind.ARP_REPLY, Reason.ARP_RESPONSE),
]


@pytest.mark.parametrize(("name", "kind", "reason"), HONEST)
def test_honest_answers_are_taken_once(name: str, kind: Kind, reason: Reason) -> None:
    """Each kind of answer is a reply with all that its header says; a second copy is nothing."""
    flight = flight_of(SHAPES[name])
    got = answer(flight.packet, kind)
    assert heard(flight, got, got) == [
        Reply(7, reason, 0.0, flight.probe.question.address, ttl=64, header=HEADER)
    ]


@pytest.mark.parametrize("name", WITH_ERRORS)
def test_errors_that_quote_a_probe_are_taken_from_anybody(name: str) -> None:
    """An ICMP error that quotes ports and sequence is a reply, with its sender, type and code."""
    flight = flight_of(SHAPES[name])
    got = error(flight.packet, quote(flight.packet))
    (reply,) = heard(flight, got, got)
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.ADMIN_PROHIBITED, got.source, got.icmp)


def test_a_translated_quote_is_still_ours() -> None:
    """A NAT that leaves its own address in the quote does not hide whose packet it was."""
    flight = flight_of(SHAPES["SYN"])
    got = error(flight.packet, quote(flight.packet, source=ELSEWHERE))
    assert len(heard(flight, got)) == 1


# What looks like an answer and is none: the shape asked, and the packet that comes.
FALSE_ANSWERS = {
    "SYN/ACK of another number": ("SYN", Kind.SYN_ACK, {"acknowledgment": 5}),
    "SYN/ACK that acknowledges nothing": ("SYN", Kind.SYN_ACK, {"acknowledgment": None}),
    "reset without ACK": ("SYN", Kind.RESET, {"acknowledgment": None}),
    "reset of a FIN without ACK": ("FIN", Kind.RESET, {"acknowledgment": None}),
    "reset of an ACK with another number": ("ACK", Kind.RESET, {"sequence": 5}),
    "SYN/ACK to an ACK": ("ACK", Kind.SYN_ACK, {}),
    "SYN/ACK to a FIN": ("FIN", Kind.SYN_ACK, {}),
    "from another port": ("SYN", Kind.SYN_ACK, {"source_port": 81}),
    "to another port": ("SYN", Kind.SYN_ACK, {"destination_port": 61000}),
    "datagram from another port": ("datagram", Kind.DATAGRAM, {"source_port": 69}),
    "datagram to a SYN": ("SYN", Kind.DATAGRAM, {}),
    "reset of a datagram": ("datagram", Kind.RESET, {"acknowledgment": 1}),
    "echo reply of another number": ("echo", Kind.ECHO_REPLY, {"sequence": 5}),
    "echo reply of another address": ("echo", Kind.ECHO_REPLY, {"source": ELSEWHERE}),
    "echo reply of another identifier": ("echo", Kind.ECHO_REPLY, {"destination_port": 5}),
    "ARP for another address": ("who-has", Kind.ARP_REPLY, {"source": ELSEWHERE}),
    "ARP on another link": ("who-has", Kind.ARP_REPLY, {"header": replace(HEADER, interface="eth1")}),
    "echo reply to an ARP request": ("who-has", Kind.ECHO_REPLY, {}),
}


@pytest.mark.parametrize("case", FALSE_ANSWERS)
def test_false_answers_are_nothing(case: str) -> None:
    """What does not prove that its sender saw the probe is no reply, and the true answer still is one."""
    name, kind, changes = FALSE_ANSWERS[case]
    flight = flight_of(SHAPES[name])
    true_kind = next(kind for honest, kind, _ in HONEST if honest == name)
    replies = heard(flight, answer(flight.packet, kind, **changes), answer(flight.packet, true_kind))
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
    assert [reply.at for reply in heard(flight, false, without, untyped, true)] == [3.0]


@pytest.mark.parametrize(("name", "kind"), [("SYN", Kind.SYN_ACK), ("datagram", Kind.DATAGRAM)])
def test_answers_from_another_address_are_evidence(name: str, kind: Kind) -> None:
    """A TCP or UDP answer counts whoever sends it, and its sender is told as it is."""
    flight = flight_of(SHAPES[name])
    got = answer(flight.packet, kind, source=ELSEWHERE)
    matching = Matching()
    matching.remember(flight)
    assert matching.is_elsewhere(got)
    assert not matching.is_elsewhere(answer(flight.packet, kind))
    assert [reply.sender for reply in heard(flight, got)] == [ELSEWHERE]


def test_packets_of_nobody_come_from_nowhere() -> None:
    """A packet that answers nothing is not from elsewhere either."""
    flight = flight_of(SHAPES["SYN"])
    assert not Matching().is_elsewhere(answer(flight.packet, Kind.SYN_ACK))


def test_answers_to_a_translated_source_count() -> None:
    """This machine may masquerade its own traffic: packets are read before it is translated back."""
    flight = flight_of(SHAPES["SYN"])
    assert heard(flight, answer(flight.packet, Kind.SYN_ACK, destination=ELSEWHERE))


@pytest.mark.parametrize(("ttl", "count"), [(63, 0), (64, 1), (None, 0)])
def test_replies_below_the_least_ttl_are_ignored(ttl: int | None, count: int) -> None:
    """What arrives with less than asked for is no reply, and does not use the probe up."""
    flight = flight_of(question(Shape.OPENING, min_ttl=64))
    replies = heard(
        flight, answer(flight.packet, Kind.RESET, ttl=ttl), answer(flight.packet, Kind.RESET, ttl=65)
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
    """A link-local sender is told with the interface by which it was heard."""
    flight = flight_of(question(Shape.OPENING, address=ip_address(asked)))
    (reply,) = heard(flight, answer(flight.packet, Kind.SYN_ACK, source=ip_address(source)))
    assert reply.sender == ip_address(sender)


def test_a_link_local_sender_without_interface_stays_as_it_is() -> None:
    """Where nothing tells the interface, none is made up."""
    flight = flight_of(SHAPES["SYN 6"])
    bare = ip_address("fe80::8")
    (reply,) = heard(flight, answer(flight.packet, Kind.SYN_ACK, source=bare, header=Header()))
    assert reply.sender == bare


def test_an_error_of_no_known_reason_says_not_reached() -> None:
    """A code that no table knows still tells that the packet did not arrive."""
    flight = flight_of(SHAPES["SYN"])
    (reply,) = heard(flight, error(flight.packet, quote(flight.packet), icmp=(3, 200)))
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
    got = answer(flights[0].packet, Kind.ARP_REPLY)
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
    handed_back = Incoming(Kind.DATAGRAM, ours, ours, HEADER, 64, 61001, 61002)
    assert matching.take(handed_back, at=0.0) is None
    foreign = replace(handed_back, source=ip_address("127.0.0.2"))
    assert matching.take(foreign, at=0.0) is not None


ADDRESSES = st.sampled_from([TARGET, ELSEWHERE, ROUTER, US])
NUMBERS = st.one_of(st.integers(0, WORD - 1), st.sampled_from([0, 1, WORD - 1]))
PORTS = st.one_of(st.integers(0, 65535), st.sampled_from([80, 61000, 65535]))
QUOTES = st.builds(
    Quoted,
    ADDRESSES,
    ADDRESSES,
    st.sampled_from([TCP, UDP, None]),
    PORTS,
    PORTS,
    st.one_of(st.none(), NUMBERS),
)
PACKETS = st.builds(
    Incoming,
    kind=st.sampled_from(Kind),
    source=ADDRESSES,
    destination=ADDRESSES,
    header=st.just(HEADER),
    ttl=st.integers(0, 255),
    source_port=PORTS,
    destination_port=PORTS,
    sequence=NUMBERS,
    acknowledgment=st.one_of(st.none(), NUMBERS),
    icmp=st.one_of(st.none(), st.tuples(st.integers(0, 255), st.integers(0, 255))),
    quoted=st.one_of(st.none(), QUOTES),
)


def proves_itself(sent: Outgoing, got: Incoming) -> bool:
    """Whether the packet names the probe, told in another way than by the rules."""
    quoted = got.quoted
    if got.kind is Kind.ICMP_ERROR:
        return quoted is not None and (quoted.source_port, quoted.destination_port) == (
            sent.source_port,
            sent.destination_port,
        )
    if got.kind is Kind.ARP_REPLY:
        return got.source == sent.destination
    return got.destination_port == sent.source_port


@given(st.sampled_from(sorted(SHAPES)), st.lists(PACKETS, max_size=20))
def test_no_stranger_is_believed(name: str, packets: list[Incoming]) -> None:
    """Whatever arrives, there is at most one reply, and it comes from a packet that names the probe."""
    flight = flight_of(SHAPES[name])
    replies = heard(flight, *packets)
    assert len(replies) <= 1
    for reply in replies:
        assert proves_itself(flight.packet, packets[int(reply.at)])


@given(st.lists(st.tuples(st.sampled_from(HONEST), st.integers(1, 3)), min_size=1, max_size=12), st.randoms())
def test_many_at_once_are_kept_apart(asked: list[tuple[tuple[str, Kind, Reason], int]], chance: Any) -> None:
    """Probes of all shapes at once, answered in any order and more than once: each has its own one reply."""
    composer = Composer(chance.randrange)
    matching = Matching()
    coming = []
    for number, ((name, kind, reason), copies) in enumerate(asked):
        flight = flight_of(SHAPES[name], number, composer)
        matching.remember(flight)
        claimed = 1 if name == "who-has" else copies  # ARP answers are all alike
        coming += [(reason, answer(flight.packet, kind))] * claimed
    chance.shuffle(coming)
    taken = [(reason, matching.take(packet, at=0.0)) for reason, packet in coming]
    replies = [(reason, match[1]) for reason, match in taken if match]
    assert sorted(reply.probe_id for _, reply in replies) == list(range(len(asked)))
    assert all(reply.reason is reason for reason, reply in replies)
