"""Backends that ask what has just answered as it should no sooner than after a while: for who watches.

A port that accepts a connection every few seconds may lock its user out (a limit of logins), fill a log, or
wake a service. So an opening that was accepted, and what was asked through an open port, is answered from
memory until it is old; what was refused or kept silent is asked each time. Within one round, all is asked.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from msgspec import structs

from probe.engine.backend import Backend, Clients, Done, Endpoint, Task
from probe.model.exam import Echo, MtuTrial, NameAnswer
from probe.model.greeting import Call, Greeting
from probe.model.identity import Key
from probe.model.machine import Resolvers
from probe.model.probing import Probe, Question, Reason, Reply, Role
from probe.model.target import IPAddress, Port, Protocol

HEALTHY_S = 60.0  # seconds for which an answer that is as it should be stands
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _PortRound:
    """What one port was asked in a round: of each question, when it was sent and what came."""

    began: float  # seconds
    accepted: bool = False
    questions: dict[Question, tuple[float, list[Reply]]] = field(default_factory=dict)


class SparingBackend:
    """A backend that remembers ports that accept; see `Backend`.

    Args:
        backend: what asks all others.
        spared: seconds for which the answers of such a port stand.
    """

    def __init__(self, backend: Backend, spared: float = HEALTHY_S) -> None:
        self._backend = backend
        self._spared = spared
        self._sent: dict[int, Question] = {}
        self._round: dict[Endpoint, _PortRound] = {}
        self._known: dict[Endpoint, _PortRound] = {}  # that accepted in a round before
        self._ready: list[Reply] = []

    def begin_round(self) -> None:
        """Answer from memory for the ports that accepted until now."""
        self._known |= {end: asked for end, asked in self._round.items() if asked.accepted}
        self._round = {}

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""
        return self._backend.capacity

    def now(self) -> float:
        """Seconds on the backend's clock."""
        return self._backend.now()

    def send(self, probe: Probe) -> float:
        """Send a probe, or answer it from memory: then as if it had left one round trip ago.

        What kept silent before, as an answer below a minimum TTL does, is silent again.
        """
        question, now = structs.replace(probe.question, role=Role.TESTED), self.now()
        end = question.address, question.port
        known = self._known.get(end)
        if known is not None and now - known.began >= self._spared:
            del self._known[end]
            known = None
        if known is not None and question in known.questions:
            sent, replies = known.questions[question]
            self._ready += [structs.replace(one, probe_id=probe.id, at=now) for one in replies]
            return now - (replies[0].at - sent) if replies else now
        left = self._backend.send(probe)
        if question.port.protocol is Protocol.TCP:
            self._round.setdefault(end, _PortRound(left)).questions.setdefault(question, (left, []))
            self._sent[probe.id] = question
        return left

    def receive(self, until: float) -> Sequence[Reply]:
        """Wait for replies; those from memory are there at once."""
        if self._ready:
            ready, self._ready = self._ready, []
            return ready
        replies = self._backend.receive(until)
        for reply in replies:
            question = self._sent.get(reply.probe_id)
            asked = None if question is None else self._round.get((question.address, question.port))
            if question is not None and asked is not None and question in asked.questions:
                asked.accepted |= reply.reason is Reason.SYN_ACK
                asked.questions[question][1].append(reply)
        return replies

    def interrupted(self) -> bool:
        """Whether a signal asked for the end."""
        return self._backend.interrupted()

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes."""
        gone = frozenset(probe_ids)
        for probe_id in gone:
            self._sent.pop(probe_id, None)
        self._ready = [reply for reply in self._ready if reply.probe_id not in gone]
        self._backend.forget(gone)

    def close(self) -> None:
        """Free everything."""
        self._backend.close()


class _Remembering(Generic[K, V]):
    """What was asked of open ports and what it brought; the absence of a result is one too."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, tuple[float, Mapping[K, V]]] = {}

    def ask(
        self, wanted: Mapping[Hashable, K], ask: Callable[[Sequence[K]], Task[Mapping[K, V]]], now: float
    ) -> Task[Mapping[K, V]]:
        """Ask what is not known of late, and bring all of it. `wanted`: what is asked of whom."""
        fresh = {what for what, (at, _) in self._asked.items() if now - at < HEALTHY_S}
        known: dict[K, V] = {}
        for what in fresh & wanted.keys():
            known |= self._asked[what][1]
        left = {what: whom for what, whom in wanted.items() if what not in fresh}
        task = ask(tuple(left.values())) if left else Done[Mapping[K, V]]({})
        return _Kept(task, known, lambda found: self._keep(left, found, now))

    def _keep(self, left: Mapping[Hashable, K], found: Mapping[K, V], now: float) -> None:
        for what, whom in left.items():
            self._asked[what] = now, {whom: found[whom]} if whom in found else {}


class _Kept(Generic[K, V]):
    """A task whose result is kept when it is there."""

    def __init__(
        self, task: Task[Mapping[K, V]], known: Mapping[K, V], keep: Callable[[Mapping[K, V]], None]
    ) -> None:
        self.task = task
        self._known = known
        self._keep = keep

    def result(self) -> Mapping[K, V] | None:
        """What was known and what came."""
        found = self.task.result()
        if found is None:
            return None
        self._keep(found)
        return {**self._known, **found}


class SparingClients:
    """Clients that remember what open ports sent; see `Clients`.

    Args:
        clients: who asks all else.
        now: the clock of both, in seconds.
    """

    def __init__(self, clients: Clients, now: Callable[[], float]) -> None:
        self._clients = clients
        self._now = now
        self._trials: _Remembering[IPAddress, MtuTrial] = _Remembering()
        self._keys: _Remembering[Endpoint, tuple[Key, ...]] = _Remembering()
        self._greetings: _Remembering[Endpoint, Greeting] = _Remembering()

    def ping(self, addresses: Sequence[IPAddress]) -> Task[Mapping[IPAddress, Echo]]:
        """Ask every address for an echo."""
        return self._clients.ping(addresses)

    def try_mtu(self, ports: Mapping[IPAddress, Port]) -> Task[Mapping[IPAddress, MtuTrial]]:
        """Send data through one open TCP port of each address that was not tried of late."""

        def ask(left: Sequence[IPAddress]) -> Task[Mapping[IPAddress, MtuTrial]]:
            return self._clients.try_mtu({ip: ports[ip] for ip in left})

        return self._trials.ask({(ip, port): ip for ip, port in ports.items()}, ask, self._now())

    def look_up(self, names: Sequence[str], families: Collection[int]) -> Task[Mapping[str, NameAnswer]]:
        """Have the system's resolver find the addresses of every name."""
        return self._clients.look_up(names, families)

    def ask_name_servers(
        self, names: Sequence[str], resolvers: Resolvers
    ) -> Task[Mapping[str, Sequence[NameAnswer]]]:
        """Ask every name server for the addresses of every name."""
        return self._clients.ask_name_servers(names, resolvers)

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """Ask open TCP ports for the keys that their services show."""
        return self._keys.ask({one: one for one in wanted}, self._clients.keys, self._now())

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """Read what services send first, or answer to a request."""
        called: dict[Hashable, Endpoint] = {call: (call.address, call.port) for call in calls}

        def ask(left: Sequence[Endpoint]) -> Task[Mapping[Endpoint, Greeting]]:
            return self._clients.greetings([call for call in calls if called[call] in left])

        return self._greetings.ask(called, ask, self._now())

    def wait(self, tasks: Iterable[Task[Any]]) -> None:
        """Let time pass until all of them have ended."""
        self._clients.wait([one.task if isinstance(one, _Kept) else one for one in tasks])
