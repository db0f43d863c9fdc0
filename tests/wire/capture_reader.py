"""A reader of the project's capture files, from the draft's own words (draft-ietf-opsawg-pcapng)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKET = 6  # block type
COMMENT, FLAGS = 1, 2  # options
OUTBOUND = 2  # in the flags
COOKED = 16  # bytes of the link layer's header


@dataclass(frozen=True)
class CapturedPacket:
    """One packet of a file, without its link layer."""

    data: bytes
    ethertype: int
    outgoing: bool
    comment: str


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of every block; both of its lengths must agree."""
    while data:
        kind, length = struct.unpack("=II", data[:8])
        assert length % 4 == 0
        assert struct.unpack("=I", data[length - 4 : length]) == (length,)
        yield kind, data[8 : length - 4]
        data = data[length:]


def options(data: bytes) -> dict[int, bytes]:
    """The options of a block, by code; the last one ends them."""
    found = {}
    while data:
        code, length = struct.unpack("=HH", data[:4])
        found[code] = data[4 : 4 + length]
        data = data[4 + length + -length % 4 :]
    assert list(found)[-1] == 0
    return found


def packets(path: Path) -> list[CapturedPacket]:
    """Every packet of a file, in its order."""
    return [packet(body) for kind, body in blocks(path.read_bytes()) if kind == PACKET]


def packet(body: bytes) -> CapturedPacket:
    length = struct.unpack("=5I", body[:20])[3]
    seen = options(body[20 + length + -length % 4 :])
    (flags,) = struct.unpack("=I", seen[FLAGS])
    (ethertype,) = struct.unpack("!H", body[34:36])
    data = body[20 + COOKED : 20 + length]
    return CapturedPacket(data, ethertype, flags == OUTBOUND, seen[COMMENT].decode("utf-8"))
