"""A cable that takes its time: moves every frame between two interfaces after a fixed delay.

Runs inside a host of its own. Frames are read and written as they are (packet(7)), so the hosts at the
ends must finish their checksums themselves.
"""

import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field

_ALL_FRAMES = 0x0003  # ETH_P_ALL
_LONGEST_FRAME = 65536


@dataclass(slots=True)
class _Direction:
    source: socket.socket
    sink: socket.socket
    delay: float
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def take(self) -> None:
        """Take in every frame that has arrived."""
        try:
            while True:
                frame, address = self.source.recvfrom(_LONGEST_FRAME)
                if address[2] != socket.PACKET_OUTGOING:
                    self.waiting.append((time.monotonic() + self.delay, frame))
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


def _open(interface: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES))
    opened.bind((interface, _ALL_FRAMES))
    opened.setblocking(False)
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
        ends = _open(near), _open(far)
        self._directions += [
            _Direction(source, sink, delay)
            for source, sink in (ends, reversed(ends))  # type: ignore[misc]
        ]

    def run_forever(self) -> None:
        """Move frames; never returns."""
        sources = [direction.source for direction in self._directions]
        while True:
            due = [direction.waiting[0][0] for direction in self._directions if direction.waiting]
            wait = max(min(due) - time.monotonic(), 0.0) if due else None
            select.select(sources, [], [], wait)
            for direction in self._directions:
                direction.take()
                direction.deliver()
