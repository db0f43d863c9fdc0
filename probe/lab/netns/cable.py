"""A cable that takes its time: moves every frame between two interfaces after a fixed delay.

Runs inside a host of its own. Frames are read and written as they are (packet(7)), so the hosts at the
ends must finish their checksums themselves.
"""

import select
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from typing import NoReturn

_ALL_FRAMES = 0x0003  # ETH_P_ALL
_LONGEST_FRAME = 65536
_SO_TIMESTAMPNS = 35  # socket(7); Python has no name for it
_TIMESPEC = struct.Struct("ll")  # seconds and nanoseconds of the kernel's clock


@dataclass(slots=True)
class _Direction:
    source: socket.socket
    sink: socket.socket
    delay: float
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self) -> None:
        """Take in every frame that has arrived. Its time runs from its arrival, not from now."""
        try:
            while True:
                frame, notes, _, address = self.source.recvmsg(_LONGEST_FRAME, 64)
                if address[2] != socket.PACKET_OUTGOING:
                    self.waiting.append((time.monotonic() - _age(notes) + self.delay, frame))
        except BlockingIOError:
            return

    def deliver(self) -> None:
        """Put out every frame whose time has come."""
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, frame = self.waiting.popleft()
            try:
                self.sink.send(frame)
            except OSError:
                continue  # the far end is down or its queue is full: a cable has no memory


def _age(notes: list[tuple[int, int, bytes]]) -> float:
    """Return how long a frame has waited to be read, in seconds; 0 where the kernel does not report it."""
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return max(float(time.time() - seconds - nanoseconds / 1e9), 0.0)
    return 0.0


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES))
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    opened.bind((interface, _ALL_FRAMES))
    opened.settimeout(0)
    return opened


class Cable:
    """Pairs of interfaces, each pair with a delay in seconds, one way."""

    def __init__(self) -> None:
        self._directions: list[_Direction] = []

    def join(self, near: str, far: str, delay: float) -> None:
        """Move frames between two interfaces of this host from now on.

        Raises:
            OSError: no such interface, or no right to read frames.
        """
        one, other = _open(near), _open(far)
        self._directions += [_Direction(one, other, delay), _Direction(other, one, delay)]

    def run_forever(self) -> NoReturn:
        """Move frames; never returns."""
        sources = [direction.source for direction in self._directions]
        while True:
            due = [direction.waiting[0][0] for direction in self._directions if direction.waiting]
            wait = max(min(due) - time.monotonic(), 0.0) if due else None
            select.select(sources, [], [], wait)
            for direction in self._directions:
                direction.take()
                direction.deliver()
