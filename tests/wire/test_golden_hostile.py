"""Real captures replayed among hostile packets: forged, broken and repeated answers change no reply."""

from collections.abc import Iterator
from itertools import count

import capture_reader
import pytest
import wire
from test_golden import ARP, GOLDEN, INTERFACE, NAMES, flight, sent

from probe.model.probing import Reply
from probe.wire import codec
from probe.wire.match import Matching

TCP_SEQUENCE, TCP_ACKNOWLEDGMENT = 4, 8  # offsets in a segment
UDP_PORTS = (0, 2)
QUOTED_PORTS = {4: 8 + 20 + 2, 6: 8 + 40 + 2}  # of the destination, in an ICMP error by IP version
FORGED_NUMBERS = (1, 0x1234, 0x7FFFFFFF)


def spoiled(data: bytes, at: int, by: int, width: int) -> bytes:
    """The packet with a number in it moved."""
    number = int.from_bytes(data[at : at + width]) + by
    return data[:at] + (number % (1 << 8 * width)).to_bytes(width) + data[at + width :]


def forged(packet: capture_reader.CapturedPacket) -> Iterator[bytes]:
    """The same answer from somebody who has not seen the probe, but guesses at it."""
    seen = wire.look(packet.data)
    start = len(packet.data) - len(seen.payload)
    if seen.protocol == wire.TCP:
        for by in FORGED_NUMBERS:
            both = spoiled(packet.data, start + TCP_SEQUENCE, by, 4)
            yield spoiled(both, start + TCP_ACKNOWLEDGMENT, by, 4)
    elif seen.protocol == wire.UDP:
        yield from (spoiled(packet.data, start + at, 1, 2) for at in UDP_PORTS)
    elif seen.payload[0] in {0, 129}:  # echo replies
        yield from (spoiled(packet.data, start + at, 1, 2) for at in (4, 6))
    else:
        yield spoiled(packet.data, start + QUOTED_PORTS[seen.source.version], 1, 2)


def broken(packet: capture_reader.CapturedPacket) -> Iterator[bytes]:
    """The same answer cut short, anywhere."""
    yield from (packet.data[:end] for end in range(len(packet.data)))


def replayed(name: str, *, hostile: bool) -> tuple[list[Reply], int]:
    """The replies of a capture, and how many hostile packets stood between its packets."""
    matching, numbers, replies, before, met = Matching(), count(1), [], [], 0
    for packet in capture_reader.packets(GOLDEN / f"{name}.pcapng"):
        if packet.outgoing:
            matching.remember(flight(next(numbers), sent(packet)))
            continue
        attack: list[bytes] = []
        if hostile and packet.ethertype != ARP:
            attack = [*forged(packet), *broken(packet), *before]
            before.append(packet.data)
        for data in attack:
            met += 1
            got = codec.read(data, packet.ethertype, interface=INTERFACE, verified=True)
            match = None if got is None else matching.take(got, 0.0)
            replies += [] if match is None else [match[1]]
        got = codec.read(packet.data, packet.ethertype, interface=INTERFACE, verified=True)
        match = None if got is None else matching.take(got, 0.0)
        replies += [] if match is None else [match[1]]
    return replies, met


@pytest.mark.parametrize("name", NAMES)
def test_hostile_packets_change_no_reply(name: str) -> None:
    """Guessed numbers, other ports, errors about others, cuts, replays: each probe keeps its own answer."""
    alone, _ = replayed(name, hostile=False)
    attacked, met = replayed(name, hostile=True)
    assert met > 100
    assert attacked == alone


@pytest.mark.parametrize("name", NAMES)
def test_wrong_checksums_are_no_answers(name: str) -> None:
    """Where the kernel does not vouch for it, an answer with one bit changed is none."""
    for packet in capture_reader.packets(GOLDEN / f"{name}.pcapng"):
        if not packet.outgoing and packet.ethertype != ARP and wire.intact(packet.data):
            wrong = spoiled(packet.data, len(packet.data) - 2, 1, 2)
            assert codec.read(wrong, packet.ethertype, interface=INTERFACE) is None
