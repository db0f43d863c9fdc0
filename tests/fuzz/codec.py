"""Mutated replies against the codec: `python tests/fuzz/codec.py --seconds 600 --seed 1`.

Ends with 1, and the bytes in hex, where reading raises, or where a packet with a wrong checksum is taken
for a reply. Half of the inputs have their checksums made right again: what lies behind them is met too.
"""

import argparse
import random
import struct
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

WIRE = Path(__file__).parents[1] / "wire"
sys.path[:0] = [str(WIRE), str(WIRE.parents[1])]

import valid_replies  # noqa: E402 - found by the line above
import wire  # noqa: E402

from probe.wire import codec  # noqa: E402

ETHERTYPES = [*valid_replies.ETHERTYPE.values(), valid_replies.ARP_TYPE]
SEEDS = [made.data for made in valid_replies.examples()]
EDGES = (0, 1, 2, 4, 6, 17, 29, 43, 44, 58, 60, 127, 128, 255)
CHECKSUM_AT = {wire.TCP: 16, wire.UDP: 6, wire.ICMP: 2, wire.ICMP6: 2}
LONGEST = 2000  # bytes


def flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def edge(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] = chance.choice(EDGES)


def cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


def remove(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, 8)]


def insert(chance: random.Random, data: bytearray) -> None:
    start = chance.randrange(len(data) + 1)
    data[start:start] = chance.randbytes(chance.randint(1, 40))


def splice(chance: random.Random, data: bytearray) -> None:
    other = chance.choice(SEEDS)
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]


def noise(chance: random.Random, data: bytearray) -> None:
    """Random bytes behind the network header, or everywhere."""
    start = chance.choice((0, 20, 40))
    data[start:] = chance.randbytes(chance.randint(0, 80))


def lie(chance: random.Random, data: bytearray) -> None:
    """A wrong length, where lengths are."""
    at = chance.choice((0, 2, 3, 4, 5, 24, 25, 32, 44, 45, 52))
    if at < len(data):
        data[at] = chance.randrange(256)


def options(chance: random.Random, data: bytearray) -> None:
    """Random TCP options, half of them with lengths that nearly fit."""
    kinds = [bytes([chance.randrange(40), chance.randrange(12)]) + chance.randbytes(4) for _ in range(8)]
    start = 20 if data[:1] == b"\x45" else 40
    if len(data) >= start + 20:
        data[start + 12] = chance.choice((0x50, 0x60, 0x80, 0xA0, 0xF0))
        data[start + 20 :] = b"".join(kinds)[: chance.randint(0, 40)]


MUTATIONS = (flip, edge, cut, remove, insert, splice, noise, lie, options)


def repair(data: bytearray) -> None:
    """Make lengths and checksums right, as far as there are any."""
    if len(data) < 40:
        return
    if data[0] >> 4 == 4:
        data[2:4] = struct.pack("!H", len(data))
        start = (data[0] & 15) * 4
        data[10:12] = b"\0\0"
        data[10:12] = struct.pack("!H", 0xFFFF - wire.word_sum(bytes(data[:start])))
    else:
        data[4:6] = struct.pack("!H", len(data) - 40)
    try:
        seen = wire.look(bytes(data))
    except (IndexError, ValueError):  # too spoiled to have a transport
        return
    at = len(seen.header) + CHECKSUM_AT.get(seen.protocol, 0)
    if seen.protocol not in CHECKSUM_AT or at + 2 > len(data):
        return
    if seen.protocol == wire.UDP:
        data[at - 2 : at] = struct.pack("!H", len(seen.payload))
    data[at : at + 2] = b"\0\0"
    payload = bytes(data[len(seen.header) :])
    ends = seen.source.packed + seen.destination.packed + struct.pack("!II", len(payload), seen.protocol)
    summed = wire.word_sum((b"" if seen.protocol == wire.ICMP else ends) + payload)
    data[at : at + 2] = struct.pack("!H", (0xFFFF - summed) or 0xFFFF)


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        if data:
            chance.choice(MUTATIONS)(chance, data)
    if chance.random() < 0.5:
        repair(data)
    return bytes(data[:LONGEST])


def verdict(data: bytes, ethertype: int) -> tuple[str, str | None]:
    """What became of one input, and what is wrong with that."""
    try:
        codec.read(data, ethertype, verified=True)
        seen = codec.read(data, ethertype)
    except Exception:  # noqa: BLE001 - any is a finding
        return "raised", traceback.format_exc()
    if seen is None:
        return "put aside", None
    if ethertype != valid_replies.ARP_TYPE and not wire.intact(data):
        return str(seen.kind), "taken for a reply in spite of a wrong checksum"
    return str(seen.kind), None


def fuzz(seconds: float, seed: int) -> int:
    """Run for that long; 0 where nothing was wrong."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    began = time.monotonic()
    counts: Counter[str] = Counter()
    while time.monotonic() - began < seconds:
        for _ in range(100):
            data = mutated(chance)
            ethertype = chance.choice(ETHERTYPES) if chance.random() < 0.1 else family_of(data)
            outcome, wrong = verdict(data, ethertype)
            counts[outcome] += 1
            if wrong is not None:
                sys.stdout.write(f"{wrong}\nethertype {ethertype:#06x}, bytes {data.hex()}\n")
                return 1
    took = time.monotonic() - began
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    sys.stdout.write(f"{counts.total()} inputs in {took:.0f} s, seed {seed}: {outcomes}\n")
    return 0


def family_of(data: bytes) -> int:
    """The ethertype that the first byte suggests."""
    return {4: 0x0800, 6: 0x86DD}.get(data[0] >> 4, 0x0806) if data else 0x0800


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    return fuzz(chosen.seconds, chosen.seed)


if __name__ == "__main__":
    sys.exit(main())
