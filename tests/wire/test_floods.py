"""A flood of answers: each probe keeps its one reply, and memory does not grow with what arrives.

Bytes go the way of a raw backend: read by the codec, matched by the exchange.
"""

import os
import random
import tracemalloc
from collections.abc import Callable
from ipaddress import ip_address

import pytest
import valid_replies
from test_golden_hostile import spoiled
from test_sieve import chain
from valid_replies import ETHERTYPE, OURS, THEIRS, Numbers

from probe.model.probing import Probe, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol
from probe.wire import codec
from probe.wire.exchange import Exchange
from probe.wire.packet import Outgoing

COUNT = int(os.environ.get("FLOOD", "500"))  # packets
MOST_BYTES = 200_000  # that may be held beside what was there before
PROBES = 50


def in_flight(exchange: Exchange, version: int) -> list[tuple[Probe, Outgoing]]:
    """SYNs under way to as many ports."""
    ours, theirs = ip_address(OURS[version]), ip_address(THEIRS[version])
    sent = []
    for number in range(PROBES):
        probe = Probe(number, Question(theirs, Port(Protocol.TCP, 1000 + number), shape=Shape.OPENING))
        packet = exchange.compose(probe.question, ours)
        assert packet is not None
        exchange.remember(probe, packet)
        sent.append((probe, packet))
    return sent


def reset_of(packet: Outgoing) -> bytes:
    """The honest reset that answers a SYN."""
    acknowledged = (packet.sequence + 1) % (1 << 32)
    numbers = Numbers(packet.destination_port, packet.source_port, acknowledgment=acknowledged)
    return valid_replies.example("reset", packet.source.version, numbers).data


Flood = Callable[[random.Random, bytes], bytes]


def duplicate(chance: random.Random, data: bytes) -> bytes:
    return data


def other_numbers(chance: random.Random, data: bytes) -> bytes:
    """As somebody sends it who sees the ports and guesses the numbers."""
    start = len(data) - 20
    return spoiled(data, start + 8, chance.randrange(1, 1 << 32), 4)


def other_ports(chance: random.Random, data: bytes) -> bytes:
    start = len(data) - 20
    return spoiled(data, start + chance.choice((0, 2)), chance.randrange(1, 1 << 16), 2)


def stranger(chance: random.Random, data: bytes) -> bytes:
    """From another address, with numbers of its own."""
    at = 12 if data[0] >> 4 == 4 else 8
    return other_numbers(chance, spoiled(data, at, chance.randrange(1, 1 << 16), 4))


def wrong_checksum(chance: random.Random, data: bytes) -> bytes:
    return spoiled(data, len(data) - 4, chance.randrange(1, 1 << 16), 2)


def noise(chance: random.Random, data: bytes) -> bytes:
    return data[:20] + chance.randbytes(chance.randrange(200))


def extended(chance: random.Random, data: bytes) -> bytes:
    """Behind as many extension headers as fit."""
    return chain(*[chance.choice((0, 43, 60))] * chance.randrange(180)) if data[0] >> 4 == 6 else data


def crafted_quote(chance: random.Random, data: bytes) -> bytes:
    """An ICMP error that quotes a packet of ours that there never was."""
    version = data[0] >> 4
    numbers = Numbers(chance.randrange(1 << 16), chance.randrange(1 << 16), chance.randrange(1 << 32))
    return valid_replies.example("error about TCP", version, numbers).data


FLOODS: dict[str, Flood] = {
    "duplicates": duplicate,
    "other numbers": other_numbers,
    "other ports": other_ports,
    "strangers": stranger,
    "wrong checksums": wrong_checksum,
    "noise": noise,
    "extension headers": extended,
    "crafted quotes": crafted_quote,
}


def received(exchange: Exchange, data: bytes, *, verified: bool) -> Reply | None:
    packet = codec.read(data, ETHERTYPE.get(data[0] >> 4, ETHERTYPE[4]), verified=verified)
    match = None if packet is None else exchange.take(packet, 0.0)
    return None if match is None else match.reply


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_changes_no_reply(name: str, version: int) -> None:
    """Half of it comes before the honest answers, half of it after; what it takes is given back."""
    chance = random.Random(1)  # noqa: S311 - a sample, no secret
    exchange = Exchange(chance.randrange)
    sent = in_flight(exchange, version)
    honest = [reset_of(packet) for _, packet in sent]
    flood = [FLOODS[name](chance, chance.choice(honest)) for _ in range(COUNT)]
    before = [] if name in {"duplicates", "extension headers"} else flood[: COUNT // 2]
    verified = name != "wrong checksums"
    assert [received(exchange, data, verified=verified) for data in before] == [None] * len(before)
    replies = [received(exchange, data, verified=True) for data in honest]
    assert [(reply.probe_id, reply.reason) for reply in replies if reply] == [
        (probe.id, Reason.RESET) for probe, _ in sent
    ]
    tracemalloc.start()
    try:
        assert not any(received(exchange, data, verified=verified) for data in flood)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < MOST_BYTES
    assert exchange.flying() == tuple(probe.id for probe, _ in sent)
    exchange.forget(exchange.flying())
    assert exchange.flying() == ()
