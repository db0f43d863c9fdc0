"""A capture file of every packet sent and received, with a word on what each was for.

Lives here: the few blocks of pcapng that one needs (draft-ietf-opsawg-pcapng). scapy's writer takes comments
with packet objects of its own only, not with bytes, so it is not used. IPv4, IPv6 and ARP share the file
under the link type of the Linux cooked capture (LINKTYPE_LINUX_SLL of the tcpdump group's list), which also
shows the direction.
"""

import errno
import os
import select
import stat
import struct
from pathlib import Path
from typing import NamedTuple

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6  # block types
_BYTE_ORDER = 0x1A2B3C4D
_UNKNOWN_LENGTH = 0xFFFF_FFFF_FFFF_FFFF
_LINUX_SLL = 113
_NO_LIMIT = 0  # of bytes a packet
_COMMENT, _FLAGS = 1, 2  # options of a packet
_ETHERNET, _NO_LINK_LAYER = 1, 0xFFFE  # ARPHRD_ETHER, ARPHRD_NONE of linux/if_arp.h
_LONGEST_COMMENT = 0xFFFF  # bytes: what an option can hold
_READER_S = 1.0  # seconds that the reader of a pipe is waited for
_TICKS = 1_000_000  # a second, unless an interface has another


class _PacketType(NamedTuple):
    """How a direction is written: as the packet type of the cooked header, and in the packet's flags."""

    kind: int
    flags: int


_RECEIVED, _SENT = _PacketType(0, 1), _PacketType(4, 2)


class Capture:
    """A pcapng file that is being written. What is recorded is in the file at once.

    A file that cannot be written on keeps what it has: `failure` is the reason then, else None.
    """

    def __init__(self, path: str | Path) -> None:
        """Begin the file; one of that name is overwritten.

        Raises:
            OSError: the file cannot be written.
        """
        # Unbuffered, so that nothing is left to be written when it is closed.
        self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115 - open until close()
        self.failure: str | None = None
        if stat.S_ISFIFO(os.fstat(self._file.fileno()).st_mode):
            os.set_blocking(self._file.fileno(), False)  # a reader that stops must not stop the probes
        section = struct.pack("=IHHQ", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
        interface = struct.pack("=HHI", _LINUX_SLL, 0, _NO_LIMIT)
        self._write(_block(_SECTION, section) + _block(_INTERFACE, interface))

    def record(
        self,
        data: bytes,
        ethertype: int,
        *,
        at: float,
        outgoing: bool,
        comment: str,
        link_address: str | None = None,
    ) -> None:
        """Add one packet.

        Args:
            data: from the first byte behind the link layer.
            ethertype: of `data`.
            at: seconds of the epoch.
            outgoing: sent by us, not received.
            comment: what the packet is; shown beside it.
            link_address: of its sender on the link, where that is known.
        """
        if self.failure is not None:
            return
        way = _SENT if outgoing else _RECEIVED
        try:
            self._write(_packet(_cooked(ethertype, link_address, way) + data, at, way, comment))
        except OSError as problem:
            self.failure = problem.strerror

    def close(self) -> None:
        """End the file."""
        try:
            self._file.close()
        except OSError as problem:  # of a file on another machine, where a full disk shows late
            self.failure = problem.strerror

    def _write(self, block: bytes) -> None:
        left = memoryview(block)
        while left:
            taken = self._file.write(left)
            if taken is None:  # the pipe is full
                self._await_reader()
            else:
                left = left[taken:]

    def _await_reader(self) -> None:
        if not select.select((), (self._file,), (), _READER_S)[1]:
            raise TimeoutError(errno.ETIMEDOUT, f"nobody has read from the pipe for {_READER_S:g} s")


def _block(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    length = struct.pack("=I", len(body) + 12)
    return struct.pack("=I", kind) + length + body + length


def _padded(data: bytes) -> bytes:
    """Fill up to whole 32-bit words."""
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + _padded(value)


def _cooked(ethertype: int, link_address: str | None, way: _PacketType) -> bytes:
    address = b"" if link_address is None else bytes.fromhex(link_address.replace(":", ""))
    hardware = _ETHERNET if address else _NO_LINK_LAYER
    return struct.pack("!HHH8sH", way.kind, hardware, len(address), address, ethertype)


def _packet(data: bytes, at: float, way: _PacketType, comment: str) -> bytes:
    high, low = divmod(round(at * _TICKS), 1 << 32)
    head = struct.pack("=IIIII", 0, high, low, len(data), len(data))
    flags = struct.pack("=I", way.flags)
    options = _option(_COMMENT, _utf8(comment)) + _option(_FLAGS, flags) + struct.pack("=HH", 0, 0)
    return _block(_PACKET, head + _padded(data) + options)


def _utf8(comment: str) -> bytes:
    """Encode a comment: what UTF-8 cannot encode is replaced, what is too long is cut between characters."""
    text = comment.encode("utf-8", errors="replace")[:_LONGEST_COMMENT]
    return text.decode("utf-8", errors="ignore").encode("utf-8")
