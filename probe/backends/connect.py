"""The unprivileged backend: ordinary non-blocking sockets, one thread, thousands in flight.

Lives here: the life of one probe's socket, from `connect` to the reply and the moment after it. It must not
know about tries, pacing or verdicts, and raises nothing for what the network answers. How a socket is made is
`sockets`, what its errors mean is `errnos` and `probe.wire.icmp`, what platforms differ in is `platforms`.

On Linux the error queue has each ICMP error and its sender (IP_RECVERR, man 7 ip). Elsewhere
the two look alike and the reason is `refused`.
"""

import heapq
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from msgspec import Struct

from probe import interruption
from probe.backends.errnos import IN_PROGRESS, RESET_AFTER_ACCEPT, TIMED_OUT, Moment
from probe.backends.kept import KeptConnection, KeptConnections
from probe.backends.platforms import Platform, this_platform
from probe.backends.pollers import open_poller
from probe.backends.socket_errors import Failure, FailureReader
from probe.backends.sockets import (
    SocketMaker,
    allow_sockets,
    close_politely,
    handshake,
    is_connected,
    is_self_connected,
    receive_datagram,
    reset_at_close,
)
from probe.backends.way_out import choose_way
from probe.model.probing import Aftermath, Probe, Question, Reason, Reply, Role
from probe.model.target import Protocol
from probe.model.way_out import USUAL_WAY, WayOut
from probe.services.selection import is_ssh_by_number
from probe.wire.payloads import payload_for

# How long an accepted connection is watched, in seconds: twice its handshake, within these bounds. An sshd
# starts a process first, and has one connection: it is waited for.
SHORTEST_WATCH, LONGEST_WATCH = 0.03, 0.3
_FIRST_BYTES = 64  # read of what a peer sends by itself: enough to know a protocol by


class _ConnectStage(Enum):
    ASKING = auto()  # a handshake or a datagram is on its way
    WATCHED = auto()  # accepted; what does the peer do next?


class _Flight(Struct, eq=False):
    """One probe and its socket."""

    probe: Probe
    sent: float = 0.0
    sock: socket.socket | None = None
    stage: _ConnectStage = _ConnectStage.ASKING
    relaunched: bool = False


class ConnectBackend:
    """Probes with `connect()` and connected UDP sockets; see `probe.engine.backend.Backend`.

    Args:
        platform: what sockets can do here; None: the running system's row.
        capacity: cap the probes in flight further.
        way: how probes leave this machine.
        kept: where connections are kept that more is to be asked by; None: each is ended.

    The soft limit of open files is raised towards the hard one.
    """

    def __init__(
        self,
        platform: Platform | None = None,
        capacity: int | None = None,
        way: WayOut = USUAL_WAY,
        kept: KeptConnections | None = None,
    ) -> None:
        self._platform = platform or this_platform()
        wanted = self._platform.capacity if capacity is None else min(capacity, self._platform.capacity)
        self._most_sockets = allow_sockets(wanted)
        self._capacity = min(wanted, self._most_sockets)
        self._maker = SocketMaker(self._platform)
        self._kept = kept
        self._way = None if way == USUAL_WAY else way
        self._poller = open_poller(self._platform.poller)
        self._flights: dict[int, _Flight] = {}  # by probe id
        self._by_descriptor: dict[int, _Flight] = {}
        self._watches: list[tuple[float, int]] = []  # heap: end of watch, probe id
        self._ready: list[Reply] = []
        system = self._platform.system
        self._failure_readers = {
            (protocol, version): FailureReader(system, protocol, error_queue=recipe.error_queue)
            for (protocol, version), recipe in self._maker.recipes.items()
        }
        self._in_progress = IN_PROGRESS[system] | {0}
        self._reset_after_accept = RESET_AFTER_ACCEPT[system]
        self._timed_out = TIMED_OUT[system]
        self._on_news: dict[tuple[_ConnectStage, Protocol], Callable[[_Flight, float], None]] = {
            (_ConnectStage.ASKING, Protocol.TCP): self._handshake_news,
            (_ConnectStage.ASKING, Protocol.UDP): self._datagram_news,
            (_ConnectStage.WATCHED, Protocol.TCP): self._watch_news,
        }

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""
        return self._capacity

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    def send(self, probe: Probe) -> float:
        """Send one probe; return when it left. What goes wrong locally comes back as its reply."""
        self._make_room()
        flight = _Flight(probe)
        self._launch(flight)
        self._read_news(0.0)  # of the probes before it: it would grow old while the others leave
        return flight.sent

    def receive(self, until: float) -> Sequence[Reply]:
        """Wait for replies, at the latest until the clock shows `until`; return at the first ones."""
        while True:
            now = time.monotonic()
            self._end_watches(now)
            wake = min(until, self._watches[0][0]) if self._watches else until
            now = self._read_news(0.0 if self._ready else max(0.0, wake - now))
            if self._ready or now >= until or self.interrupted():
                replies, self._ready = self._ready, []
                return replies

    def interrupted(self) -> bool:
        """Whether a signal asked for the end."""
        return interruption.requested()

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes and free what they hold; unknown ids are ignored."""
        ids = frozenset(probe_ids)
        self._ready = [reply for reply in self._ready if reply.probe_id not in ids]
        for probe_id in ids:
            flight = self._flights.get(probe_id)
            if flight is not None:
                self._land(flight)

    def close(self) -> None:
        """Free everything."""
        self.forget(tuple(self._flights))
        self._poller.close()

    # --- sending ---

    def _launch(self, flight: _Flight) -> None:
        question = flight.probe.question
        moment = Moment.OPENING
        flight.sent = time.monotonic()
        try:
            flight.sock = sock = self._maker.open(question)
            if self._way is not None:
                choose_way(sock, self._way, question.address.version)
            target = self._maker.sockaddr(question)
            moment = Moment.AT_ONCE
            flight.sent = time.monotonic()
            error = sock.connect_ex(target)
            if error not in self._in_progress:
                self._conclude(flight, error, moment, flight.sent)
                return
            moment = Moment.LATER
            if question.port.protocol is Protocol.UDP:
                sock.send(payload_for(question.port.number))
            self._poller.add(sock.fileno(), connecting=question.port.protocol is Protocol.TCP)
        except OSError as problem:
            self._conclude(flight, problem.errno or 0, moment, flight.sent)
            return
        self._flights[flight.probe.id] = self._by_descriptor[sock.fileno()] = flight

    def _make_room(self) -> None:
        """When every descriptor is taken, give up the watch that ends first: its syn-ack is out already."""
        while len(self._flights) >= self._most_sockets and self._watches:
            _, probe_id = heapq.heappop(self._watches)
            flight = self._flights.get(probe_id)
            if flight is not None and flight.stage is _ConnectStage.WATCHED:
                self._land(flight)

    def _relaunch(self, flight: _Flight) -> None:
        """Try again, once, after the socket met itself; the kernel picks another port."""
        self._land(flight)
        if flight.relaunched:
            self._ready.append(Reply(flight.probe.id, Reason.NOT_SENT, time.monotonic()))
        else:
            self._launch(_Flight(flight.probe, relaunched=True))

    # --- news ---

    def _read_news(self, timeout: float) -> float:
        """Wait for news of any socket, at most `timeout` seconds, and read all of it; return when it came."""
        news = self._poller.wait(timeout)
        at = time.monotonic()
        for descriptor in news:
            flight = self._by_descriptor[descriptor]
            self._on_news[flight.stage, flight.probe.question.port.protocol](flight, at)
        return at

    def _handshake_news(self, flight: _Flight, at: float) -> None:
        sock = _socket_of(flight)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error == 0:
            if is_connected(sock):
                self._accepted(flight, at)
            else:
                self._advice_news(flight, at)
        elif error in self._reset_after_accept:
            target = flight.probe.question.address
            self._ready.append(Reply(flight.probe.id, Reason.SYN_ACK, at, target))
            self._after(flight, Aftermath.RESET, at)
        elif error in self._timed_out:
            self._advice_news(flight, at)
            self._land(flight)
        else:
            self._conclude(flight, error, Moment.LATER, at)

    def _accepted(self, flight: _Flight, at: float) -> None:
        sock, question = _socket_of(flight), flight.probe.question
        if is_self_connected(sock, self._maker.sockaddr(question)):
            self._relaunch(flight)
            return
        hop_limit = self._platform.connection_ttl.get(question.address.version)
        known = handshake(sock, hop_limit, tcp_info=self._platform.tcp_info)
        came, ttl = at if known.rtt is None else min(at, flight.sent + known.rtt), known.ttl
        reply = Reply(flight.probe.id, Reason.SYN_ACK, came, question.address, ttl=ttl, tcp=known.facts)
        self._ready.append(reply)
        flight.stage = _ConnectStage.WATCHED
        self._poller.connected(sock.fileno())
        shortest = LONGEST_WATCH if is_ssh_by_number(question.port) else SHORTEST_WATCH
        end = at + min(max(shortest, 2 * (at - flight.sent)), LONGEST_WATCH)
        heapq.heappush(self._watches, (end, flight.probe.id))
        self._watch_news(flight, at)  # what came with the handshake brings no second event

    def _watch_news(self, flight: _Flight, at: float) -> None:
        try:
            first_bytes = _socket_of(flight).recv(_FIRST_BYTES)
            aftermath = Aftermath.SPOKE if first_bytes else Aftermath.CLOSED
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno not in self._reset_after_accept:  # a late ICMP error is not the peer's doing
                return
            first_bytes, aftermath = b"", Aftermath.RESET
        self._after(flight, aftermath, at, first_bytes)

    def _end_watches(self, now: float) -> None:
        while self._watches and self._watches[0][0] <= now:
            _, probe_id = heapq.heappop(self._watches)
            flight = self._flights.get(probe_id)
            if flight is not None and flight.stage is _ConnectStage.WATCHED:
                self._after(flight, Aftermath.HELD, now)

    def _after(self, flight: _Flight, aftermath: Aftermath, at: float, first_bytes: bytes = b"") -> None:
        probe, address = flight.probe, flight.probe.question.address
        reply = Reply(probe.id, Reason.SYN_ACK, at, address, aftermath=aftermath, first_bytes=first_bytes)
        self._ready.append(reply)
        if self._kept is None or not first_bytes:
            self._land(flight)
            return
        sock = self._released(flight)
        if sock is None:
            return
        self._poller.release(sock.fileno())
        if not self._kept.keep(address, probe.question.port, KeptConnection(sock, first_bytes)):
            close_politely(sock)

    def _datagram_news(self, flight: _Flight, at: float) -> None:
        sock, question = _socket_of(flight), flight.probe.question
        try:
            ttl = receive_datagram(sock, self._maker.recipe(question).reply_ttl)
            while question.min_ttl is not None and (ttl is None or ttl < question.min_ttl):
                ttl = receive_datagram(sock, self._maker.recipe(question).reply_ttl)
        except BlockingIOError:
            self._advice_news(flight, at)
            return
        except OSError as problem:
            self._conclude(flight, problem.errno or 0, Moment.LATER, at)
            return
        if is_self_connected(sock, self._maker.sockaddr(question)):
            self._relaunch(flight)
            return
        self._ready.append(Reply(flight.probe.id, Reason.UDP_RESPONSE, at, question.address, ttl=ttl))
        self._land(flight)

    def _advice_news(self, flight: _Flight, at: float) -> None:
        failure = self._failures(flight).advice(_socket_of(flight), flight.probe.question)
        if failure is not None:
            self._fail(flight, failure, at)

    # --- ends ---

    def _conclude(self, flight: _Flight, error: int, moment: Moment, at: float) -> None:
        failure = self._failures(flight).explain(flight.sock, flight.probe.question, error, moment)
        self._fail(flight, failure, at)

    def _fail(self, flight: _Flight, failure: Failure, at: float) -> None:
        self._ready.append(Reply(flight.probe.id, failure.reason, at, failure.sender, failure.icmp))
        self._land(flight)

    def _failures(self, flight: _Flight) -> FailureReader:
        question = flight.probe.question
        return self._failure_readers[question.port.protocol, question.address.version]

    def _land(self, flight: _Flight) -> None:
        """Free what a flight holds; an accepted connection is ended with FIN."""
        known = flight.sock is not None and flight.sock.fileno() in self._by_descriptor
        sock = self._released(flight)
        if sock is None:
            return
        if known:
            self._poller.remove(sock.fileno())
        if flight.stage is _ConnectStage.WATCHED:
            if _is_only_opened(flight.probe.question):
                reset_at_close(sock)
            close_politely(sock)
        else:
            sock.close()

    def _released(self, flight: _Flight) -> socket.socket | None:
        """Wait for nothing more of a flight; return its socket, which the poller still has."""
        sock, flight.sock = flight.sock, None
        if sock is not None and self._by_descriptor.pop(sock.fileno(), None) is not None:
            del self._flights[flight.probe.id]
        return sock


def _is_only_opened(question: Question) -> bool:
    """Whether an opening is all that is asked of SSH: a reset at once ends it before an sshd logs it."""
    return question.role is Role.REPEAT and is_ssh_by_number(question.port)


def _socket_of(flight: _Flight) -> socket.socket:
    if flight.sock is None:
        raise AssertionError("a flight without a socket has no news")
    return flight.sock
