"""Raw probes from question to packet and back, with no bytes at all."""

from ipaddress import ip_address

from probe.model.probing import Header, Probe, Question, Reason, Shape
from probe.model.target import Port, Protocol
from probe.wire.exchange import Exchange
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

US, TARGET, ROUTER, TARGET6 = map(ip_address, ("198.51.100.2", "192.0.2.9", "198.51.100.1", "2001:db8::9"))
WEB = Port(Protocol.TCP, 80)
MAC = "52:54:00:12:34:56"


def exchange() -> Exchange:
    return Exchange(lambda below: below // 2)


def under_way(one: Exchange, number: int = 1) -> Outgoing:
    """An opening that was sent."""
    probe = Probe(number, Question(TARGET, WEB))
    packet = one.compose(probe.question, US)
    assert packet is not None
    one.remember(probe, packet)
    return packet


def reset(packet: Outgoing, sender=TARGET, acknowledges: int = 1) -> Incoming:
    return Incoming(
        PacketKind.RESET,
        sender,
        US,
        Header(),
        64,
        source_port=80,
        destination_port=packet.source_port,
        acknowledgment=packet.sequence + acknowledges,
    )


def error(packet: Outgoing) -> Incoming:
    quoted = Quoted(US, TARGET, Protocol.TCP, packet.source_port, 80, packet.sequence)
    return Incoming(PacketKind.ICMP_ERROR, US, US, Header(), 64, icmp=(3, 13), quoted=quoted)


def test_an_answer_uses_its_probe_up() -> None:
    """The first one is the reply, what comes twice is none; its numbers must be right."""
    one = exchange()
    packet = under_way(one)
    assert one.take(reset(packet, acknowledges=2), 1.0) is None
    match = one.take(reset(packet), 1.5)
    assert match is not None
    assert (match.reply, match.flight.packet) == (match.arrived, packet)
    assert (match.reply.reason, match.reply.at, match.reply.probe_id) == (Reason.RESET, 1.5, 1)
    assert one.take(reset(packet), 2.0) is None


def test_who_answers_from_elsewhere() -> None:
    """An answer of another address is marked, and is one all the same."""
    one = exchange()
    packet = under_way(one)
    assert one.is_elsewhere(reset(packet, ROUTER))
    assert not one.is_elsewhere(reset(packet))
    assert one.take(reset(packet, ROUTER), 1.0) is not None


def test_what_cannot_be_asked() -> None:
    """By another family's source, by ARP without a link address or for IPv6, and what is no probe at all."""
    one = exchange()
    nonsense = Question(TARGET, Port(Protocol.UDP, 53), shape=Shape.ACK)
    assert one.compose(nonsense, US) is None
    who = Question(TARGET, Port(Protocol.TCP, 0), shape=Shape.WHO_HAS)
    assert one.compose(Question(TARGET6, WEB), US) is None
    assert one.compose(who, US) is None
    assert one.compose(Question(TARGET6, WEB, shape=Shape.WHO_HAS), TARGET6, MAC) is None
    asked = one.compose(who, US, MAC)
    assert asked is not None
    assert asked.link_source == MAC


def test_refusals_of_this_machine() -> None:
    """Each is reported once, and never where the probe is forgotten."""
    one = exchange()
    for number in range(3):
        one.refuse(Probe(number, Question(TARGET, WEB)), Reason.ADMIN_PROHIBITED, 1.0, US)
    one.forget((1, 99))
    refusals = [(reply.probe_id, reply.reason, reply.sender) for reply in one.refusals()]
    assert refusals == [(0, Reason.ADMIN_PROHIBITED, US), (2, Reason.ADMIN_PROHIBITED, US)]
    assert one.refusals() == []


def test_our_own_firewall_answers() -> None:
    """Its ICMP error shows more than the refusal, its reset in the target's name shows less."""
    for answer, reason in ((error, Reason.ADMIN_PROHIBITED), (reset, Reason.NO_ROUTE)):
        one = exchange()
        packet = under_way(one)
        one.refuse(Probe(1, Question(TARGET, WEB)), Reason.NO_ROUTE, 1.0)
        match = one.take(answer(packet), 2.0)
        assert match is not None
        assert match.reply.reason is reason
        assert one.refusals() == []


def test_what_is_forgotten_flies_no_more() -> None:
    """Nothing answers it."""
    one = exchange()
    packet = under_way(one)
    assert one.flying() == (1,)
    one.forget((1,))
    assert one.flying() == ()
    assert one.take(reset(packet), 1.0) is None
