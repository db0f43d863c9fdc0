"""Addresses of names by the system's resolver: its hosts file, its name servers, in its own order.

getaddrinfo(3) waits for name servers for 20 s or more and obeys no signal. It is called in threads that end
with the process, so that the caller goes on after `LOOKUP_S`, or ends, meanwhile.
"""

import socket
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address
from math import ceil
from threading import Event, Lock, Thread

from probe import interruption
from probe.engine.backend import LOOKUP_S
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.exam import NameAnswer
from probe.model.unread import NameFailure, NameFailureRule

_AT_ONCE = 16  # names
_NO_ANSWER = NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=LOOKUP_S)
_NO_SUCH_NAME = NameFailure(rule=NameFailureRule.NO_SUCH_NAME)
_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class SystemLookup:
    """Names that are being looked up; see `probe.engine.backend.Task`.

    Args:
        names: in ASCII.
        families: the IP versions (4, 6) that addresses may have.
    """

    def __init__(self, names: Iterable[str], families: Collection[int]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._family = SOCKET_FAMILIES[next(iter(families))] if len(families) == 1 else socket.AF_UNSPEC
        self._found: dict[str, NameAnswer] = {}
        self._done = Event()
        self._lock = Lock()
        self._left = iter(self._names)
        threads = min(_AT_ONCE, len(self._names))
        rounds = ceil(len(self._names) / _AT_ONCE)
        self._given_up = time.monotonic() + LOOKUP_S * rounds
        for _ in range(threads):
            Thread(target=self._work, daemon=True).start()

    def result(self) -> Mapping[str, NameAnswer] | None:
        """What the resolver has for each name; None as long as it may still answer."""
        if len(self._found) < len(self._names) and time.monotonic() < self._given_up:
            return None
        return {name: self._found.get(name, NameAnswer(None, (), _NO_ANSWER)) for name in self._names}

    def wait(self) -> None:
        """Wait for the result, or for a signal that asks for the end."""
        while self.result() is None and not interruption.requested():
            self._done.wait(interruption.GLANCE_S)

    def _work(self) -> None:
        while True:
            with self._lock:
                name = next(self._left, None)
            if name is None:
                return
            self._found[name] = _answer(name, self._family)
            if len(self._found) == len(self._names):
                self._done.set()


def _answer(name: str, family: socket.AddressFamily) -> NameAnswer:
    """Every address of a name once, in the resolver's order."""
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except socket.gaierror as error:
        return NameAnswer(None, (), _failure(error))
    addresses: Sequence[str] = [str(place[0]) for *_, place in found]
    return NameAnswer(None, tuple(dict.fromkeys(map(ip_address, addresses))))


def _failure(error: socket.gaierror) -> NameFailure:
    if error.errno == socket.EAI_AGAIN:
        return _NO_ANSWER
    if error.errno in _UNKNOWN:
        return _NO_SUCH_NAME
    return NameFailure(rule=NameFailureRule.UNREACHABLE, code=error.strerror)
