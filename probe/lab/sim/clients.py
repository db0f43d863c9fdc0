"""The prober's clients in the world in memory: each a few sockets of its kernel, in virtual time."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from probe.engine.backend import LOOKUP_S, Done, Endpoint, Task
from probe.engine.mtu_trial import LONGEST_S, LOOK_S, Connection, PathTrial, results_of
from probe.lab.scenario_hosts import Action
from probe.lab.sim.connection import SimConnection, Unroutable, acknowledging
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.packets import NO_FLAGS, SYN_ACK, Flow, Frame, IcmpError, Packet, Tcp
from probe.lab.sim.prober import NOT_PERMITTED, Prober
from probe.lab.sim.stack import label
from probe.model.exam import Echo, MtuTrial, NameAnswer
from probe.model.greeting import Approach, Call, Greeting
from probe.model.identity import Key
from probe.model.machine import Resolvers
from probe.model.probing import Reason
from probe.model.target import IPAddress, Port, Protocol
from probe.model.unread import NameFailure, NameFailureRule
from probe.services.banner_text import parse_greeting
from probe.wire.icmp import reason_of

REQUESTS = 3  # echo requests for an address
GAP_S, LAST_WAIT_S = 0.3, 0.4  # between them, and after the last one
QUERY_S = 1.0  # that a name server has
LIKELY_S, UNLIKELY_S = 0.7, 0.25  # that a service has to greet
KEYS_S = 1.0  # ... to show its key
HELLO = 200  # bytes that begin a handshake
LINE = b"220 ready\r\n"  # what listeners send that greet
NAMES = Port(Protocol.UDP, 53)
T = TypeVar("T")


class SimTask(Generic[T]):
    """Work that ends at some moment of virtual time."""

    def __init__(self) -> None:
        self.brought: T | None = None

    def result(self) -> T | None:
        """What it has brought; None where it has not ended by now."""
        return self.brought


class SimClients:
    """The clients of a prober in memory; see `probe.engine.backend.Clients`.

    Args:
        network: what they send through.
        prober: whose they are.
        known: what every name server knows.
        keyed: whether any service shows a key.
    """

    def __init__(
        self,
        network: SimNetwork,
        prober: Prober,
        known: Mapping[IPAddress, Mapping[str, IPAddress]],
        *,
        keyed: bool = False,
    ) -> None:
        self._network = network
        self._prober = prober
        self._known = known
        self._keyed = keyed

    def wait(self, tasks: Iterable[Task[object]]) -> None:
        """Let the world go on until all of them have ended."""
        waiting = tuple(tasks)
        while any(task.result() is None for task in waiting) and self._network.clock.step(math.inf):
            pass

    # --- ping ---

    def ping(self, addresses: Sequence[IPAddress]) -> Task[Mapping[IPAddress, Echo]]:
        """Ask every address for an echo, all at once."""
        asked = {ip: _Ping(self, ip) for ip in addresses}
        return self._until(
            REQUESTS * GAP_S - GAP_S + LAST_WAIT_S, lambda: {ip: one.outcome() for ip, one in asked.items()}
        )

    # --- data ---

    def try_mtu(self, ports: Mapping[IPAddress, Port]) -> Task[Mapping[IPAddress, MtuTrial]]:
        """Send data through one open TCP port of each address."""
        clock, task = self._network.clock, SimTask[Mapping[IPAddress, MtuTrial]]()
        trials = [PathTrial(ip, port, self, clock.now) for ip, port in ports.items()]
        end = clock.now + LONGEST_S

        def look() -> None:
            if clock.now < end and not all(trial.over for trial in trials):
                for trial in trials:
                    trial.step(clock.now)
                clock.after(LOOK_S, look)
                return
            task.brought = results_of(trials)
            for trial in trials:
                trial.close()

        look()
        return task

    def connect(self, address: IPAddress, port: Port, segment: int | None) -> Connection:
        """Begin a connection; see `probe.engine.mtu_trial.Opener`."""
        way = self._network.way(self._prober, address)
        if way is None:
            return Unroutable()
        flow = Flow(Protocol.TCP, way.source, self._prober.fresh_port(), address, port.number)
        return SimConnection(self._network, self._prober, flow, way.wire.mtu, segment)

    def find_reporter(self, address: IPAddress, mtu: int) -> IPAddress | None:
        """Who has reported that a packet of `mtu` bytes is too big for the way to an address."""
        reported = self._prober.path_mtus.get(address)
        return None if reported is None or reported.mtu >= mtu else reported.reporter

    # --- names ---

    def look_up(self, names: Sequence[str], families: Collection[int]) -> Task[Mapping[str, NameAnswer]]:
        """Ask the first name server that can be reached: a silent one has all the time that there is."""
        task, clock = SimTask[Mapping[str, NameAnswer]](), self._network.clock
        servers = iter(self._known)

        def ask_next() -> None:
            server = next(servers, None)
            if server is None:
                end(None)
            elif self.source(server) is None:
                ask_next()
            else:
                self.datagram(server, NAMES, partial(receive, server))

        def receive(server: IPAddress, frame: Frame, now: float) -> None:
            del now
            if isinstance(frame, IcmpError):
                ask_next()
            else:
                end(server)

        def end(server: IPAddress | None) -> None:
            if task.brought is None:
                task.brought = {name: self._looked_up(name, server, families) for name in names}

        clock.after(LOOKUP_S, lambda: end(None))
        ask_next()
        return task

    def _looked_up(self, name: str, server: IPAddress | None, families: Collection[int]) -> NameAnswer:
        """What a resolver has of a name: what this server knows of it, if one has answered."""
        if server is None:
            return NameAnswer(None, (), NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=LOOKUP_S))
        asked = name.lower().removesuffix(".")
        found = tuple(
            ip
            for known, ip in self._known[server].items()
            if known.lower() == asked and ip.version in families
        )
        failure = None if found else NameFailure(rule=NameFailureRule.NO_SUCH_NAME)
        return NameAnswer(None, found, failure)

    def ask_name_servers(
        self, names: Sequence[str], resolvers: Resolvers
    ) -> Task[Mapping[str, Sequence[NameAnswer]]]:
        """Ask every server for every name, all at once."""
        servers = resolvers.servers or ()
        answered: set[IPAddress] = set()
        for server in servers if names else ():
            self.datagram(server, NAMES, partial(_note, answered, server))

        def found() -> Mapping[str, Sequence[NameAnswer]]:
            return {name: [self._answer(name, one, one in answered) for one in servers] for name in names}

        return self._until(QUERY_S if names else 0.0, found)

    def _answer(self, name: str, server: IPAddress, answered: bool) -> NameAnswer:  # noqa: FBT001 - a fact
        if not answered:
            return NameAnswer(server, (), NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=QUERY_S))
        known = self._known[server].get(name)
        if known is None:
            return NameAnswer(server, (), NameFailure(rule=NameFailureRule.NO_SUCH_NAME))
        return NameAnswer(server, (known,))

    # --- services ---

    def keys(self, wanted: Sequence[Endpoint]) -> Task[Mapping[Endpoint, tuple[Key, ...]]]:
        """Keys that services show to who begins a handshake; only those of `services` have any."""
        shown: dict[Endpoint, tuple[Key, ...]] = {}
        for endpoint in wanted if self._keyed else ():
            self._ask_key(endpoint, shown)
        return self._until(KEYS_S, lambda: shown) if self._keyed else Done({})

    def _ask_key(self, endpoint: Endpoint, shown: dict[Endpoint, tuple[Key, ...]]) -> None:
        """Open a connection, send what begins a handshake, and note what is shown."""
        address, port = endpoint
        source = self.source(address)
        if source is None:
            return

        def receive(frame: Frame, now: float) -> None:
            del now
            if isinstance(frame, IcmpError):
                return
            if frame.flags == SYN_ACK:
                hello = replace(acknowledging(frame), flags=Tcp.PSH | Tcp.ACK, payload=HELLO)
                self.send(hello, receive)
            elif frame.shows:
                shown[endpoint] = frame.shows

        flow = Flow(port.protocol, source, self.fresh_port(), address, port.number)
        self.send(Packet(flow, Tcp.SYN, flow_label=label(address.version)), receive)

    def greetings(self, calls: Sequence[Call]) -> Task[Mapping[Endpoint, Greeting]]:
        """What services send that speak first; no listener in memory answers a request."""
        listening = [call for call in calls if call.approach is Approach.LISTEN]
        spoken: set[Endpoint] = set()
        for call in listening:
            _Listening(self, call, spoken)
        longest = max((LIKELY_S if call.likely else UNLIKELY_S for call in listening), default=0.0)
        greeting = parse_greeting(LINE)
        return self._until(longest, lambda: {} if greeting is None else dict.fromkeys(spoken, greeting))

    # --- sockets ---

    def datagram(self, address: IPAddress, port: Port, receive: Callable[[Frame, float], None]) -> None:
        """Send one datagram; `receive` gets what answers it."""
        way = self._network.way(self._prober, address)
        if way is None:
            return
        flow = Flow(port.protocol, way.source, self._prober.fresh_port(), address, port.number)
        self.send(Packet(flow, NO_FLAGS, flow_label=label(address.version), payload=1), receive)

    def source(self, address: IPAddress) -> IPAddress | None:
        """The prober's own address towards another; None without a route."""
        way = self._network.way(self._prober, address)
        return None if way is None else way.source

    def fresh_port(self) -> int:
        """A source port, or an identifier of echo requests."""
        return self._prober.fresh_port()

    def now(self) -> float:
        """Virtual seconds."""
        return self._network.clock.now

    def after(self, delay: float, event: Callable[[], None]) -> None:
        """Let `event` happen later."""
        self._network.clock.after(delay, event)

    def send(self, packet: Packet, receive: Callable[[Frame, float], object]) -> bool:
        """Send a packet through the machine's own filter; False where that refuses it, or drops it."""

        def arrived(frame: Frame, now: float) -> Iterable[Frame]:
            receive(frame, now)
            return ()

        self._prober.open_socket(packet.flow, arrived)
        action, reported = self._prober.sends(packet)
        for frame in (packet,) if action is Action.ACCEPT else reported:
            self._network.send(self._prober, frame)
        return action is Action.ACCEPT

    def _until(self, longest: float, found: Callable[[], T]) -> Task[T]:
        """A task that takes this long; what it has found is looked at then."""
        task = SimTask[T]()

        def end() -> None:
            task.brought = found()

        self._network.clock.after(longest, end)
        return task


def _note(answered: set[IPAddress], server: IPAddress, frame: Frame, now: float) -> None:
    del now
    if not isinstance(frame, IcmpError):
        answered.add(server)


class _Ping:
    """One address that is asked for an echo, three times unless it answers."""

    def __init__(self, clients: SimClients, address: IPAddress) -> None:
        self._clients = clients
        self._address = address
        self._sent: list[float] = []
        self._outcome: Echo | None = None
        source = clients.source(address)
        if source is None:
            self._outcome = Echo(Reason.NO_ROUTE, 1)
            return
        self._flow = Flow(None, source, clients.fresh_port(), address, 0)
        self._ask()

    def outcome(self) -> Echo:
        """How it has answered so far."""
        return self._outcome or Echo(Reason.NO_RESPONSE, len(self._sent))

    def _ask(self) -> None:
        if self._outcome is not None or len(self._sent) == REQUESTS:
            return
        self._sent.append(self._clients.now())
        family = self._address.version
        request = Packet(self._flow, flow_label=label(family), sequence=len(self._sent))
        if not self._clients.send(request, self._receive):
            reason = NOT_PERMITTED.reason
            self._outcome = Echo(reason, len(self._sent), sender=self._flow.source, refused_here=True)
        self._clients.after(GAP_S, self._ask)

    def _receive(self, frame: Frame, now: float) -> None:
        if self._outcome is not None:
            return
        if isinstance(frame, IcmpError):
            reason = reason_of(frame.source.version, *frame.kind)
            if reason is not None:
                self._outcome = Echo(reason, len(self._sent), sender=frame.source)
        elif 0 < frame.sequence <= len(self._sent):
            rtt = now - self._sent[frame.sequence - 1]
            self._outcome = Echo(Reason.ECHO_REPLY, len(self._sent), rtt, self._address)


class _Listening:
    """A connection to a service that may speak first."""

    def __init__(self, clients: SimClients, call: Call, spoken: set[Endpoint]) -> None:
        self._clients = clients
        self._call = call
        self._spoken = spoken
        source = clients.source(call.address)
        if source is not None:
            port = call.port
            flow = Flow(port.protocol, source, clients.fresh_port(), call.address, port.number)
            clients.send(Packet(flow, Tcp.SYN, flow_label=label(call.address.version)), self._receive)

    def _receive(self, frame: Frame, now: float) -> None:
        del now
        if isinstance(frame, IcmpError):
            return
        if frame.flags == SYN_ACK:
            self._clients.send(acknowledging(frame), self._receive)
        elif Tcp.PSH in frame.flags:
            self._spoken.add((self._call.address, self._call.port))
