"""Waiting for thousands of sockets: epoll where it exists, else what `selectors` offers.

Lives here: which sockets have news. What the news is, each socket is asked itself.
"""

import select
import selectors
import sys
import time
from typing import Protocol

from probe.backends.platforms import PollerKind
from probe.interruption import GLANCE_S

_LONGEST_WAIT = GLANCE_S


class Poller(Protocol):
    """A set of sockets of which one waits for news."""

    def add(self, descriptor: int, *, connecting: bool) -> None:
        """Watch a socket: for the end of its handshake too where it is `connecting`."""

    def connected(self, descriptor: int) -> None:
        """From now on only what the peer sends is news."""

    def remove(self, descriptor: int) -> None:
        """Forget a socket that is about to be closed."""

    def release(self, descriptor: int) -> None:
        """Forget a socket that stays open."""

    def wait(self, timeout: float) -> list[int]:
        """Sockets with news; waits at most `timeout` seconds, and no longer than a signal may wait."""

    def close(self) -> None:
        """Free the poller."""


class SelectorPoller:
    """Any platform: kqueue on macOS and BSD, select on Windows."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, descriptor: int, *, connecting: bool) -> None:
        """Watch a socket."""
        events = selectors.EVENT_READ | selectors.EVENT_WRITE if connecting else selectors.EVENT_READ
        self._selector.register(descriptor, events)

    def connected(self, descriptor: int) -> None:
        """Stop asking whether the socket is writable: it always is."""
        self._selector.modify(descriptor, selectors.EVENT_READ)

    def remove(self, descriptor: int) -> None:
        """Forget a socket."""
        self._selector.unregister(descriptor)

    release = remove

    def wait(self, timeout: float) -> list[int]:
        """Sockets with news; an empty set only sleeps (select on Windows refuses to)."""
        timeout = min(timeout, _LONGEST_WAIT)
        if not self._selector.get_map():
            time.sleep(timeout)
            return []
        return [key.fd for key, _ in self._selector.select(timeout)]

    def close(self) -> None:
        """Free the selector."""
        self._selector.close()


if sys.platform == "linux":

    class EpollPoller:
        """Linux: each socket is registered once, edge-triggered, and leaves the set when it is closed."""

        _CONNECTING = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
        _READING = select.EPOLLIN | select.EPOLLET

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def add(self, descriptor: int, *, connecting: bool) -> None:
            """Watch a socket; news that is already there counts as an edge."""
            self._epoll.register(descriptor, self._CONNECTING if connecting else self._READING)

        def connected(self, descriptor: int) -> None:
            """Nothing to do: being writable was one edge, and it has passed."""

        def remove(self, descriptor: int) -> None:
            """Nothing to do: closing takes it out."""

        def release(self, descriptor: int) -> None:
            """Take it out."""
            self._epoll.unregister(descriptor)

        def wait(self, timeout: float) -> list[int]:
            """Sockets with news; the timeout is rounded up to a millisecond."""
            return [descriptor for descriptor, _ in self._epoll.poll(min(timeout, _LONGEST_WAIT))]

        def close(self) -> None:
            """Free the epoll descriptor."""
            self._epoll.close()


def open_poller(kind: PollerKind) -> Poller:
    """A poller of one kind; epoll only where the running system has it."""
    if sys.platform == "linux" and kind is PollerKind.EPOLL:
        return EpollPoller()
    return SelectorPoller()
