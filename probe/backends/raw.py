"""The raw backend: probes as packets of our own making, answers read beneath this machine's filters.

Lives here: the way of one probe from question to packet to reply. How packets look is `codec`, which one asks
a question `composing`, which one answers it `matching`, what sockets do `rawsockets`. It must not know about
tries, pacing or verdicts, and raises nothing for what the network answers.

What this machine refuses to send means the same as it does to connect(): the table is `errnos`.
"""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from probe import interruption
from probe.backends import privilege
from probe.backends.errnos import NOT_SENT, Moment, System, meanings
from probe.errors import PrivilegeError
from probe.model.facts import Route
from probe.model.probing import Probe, Question, Reason, Reply, Shape
from probe.model.target import IPAddress
from probe.wire import codec
from probe.wire.compose import SOURCE_PORTS
from probe.wire.decode import ARP, IPV4, IPV6
from probe.wire.exchange import Exchange
from probe.wire.kinds import kind_of
from probe.wire.packet import Incoming, Outgoing
from probe.wire.pcapng import Capture

if TYPE_CHECKING:
    from probe.backends.rawsockets import RawSockets, ReceivedFrame

_CAPACITY = 4_000  # below the number of source ports
_ETHERTYPES: Mapping[int, int] = {4: IPV4, 6: IPV6}  # by IP version
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_REFUSALS = meanings(System.LINUX, Moment.AT_ONCE, resets_known=False)


class Routes(Protocol):
    """How this machine would send; `probe.machine.sources.Host` is one."""

    def route(self, destination: IPAddress) -> Route:
        """Source address and interface for a destination."""


@dataclass(frozen=True, slots=True)
class _Egress:
    """Where a packet leaves. With a `link_address` it is handed to that neighbour, past the routes."""

    source: IPAddress
    interface: str | None
    link_address: str | None = None


def open_raw(routes: Routes, capture: Capture | None = None, interface: str | None = None) -> "RawBackend":
    """Open the sockets of raw packets; they stay usable after `privilege.drop()`.

    What the packets take is loaded here, so that it is not within the time of the first answer.

    Args:
        routes: how this machine would send, asked once an address.
        capture: where to keep every packet sent, and every answer; the caller closes it.
        interface: what packets leave by; None: as the routing table has it.

    Raises:
        PrivilegeError: this process may not send raw packets here; the message has how it may.
    """
    if not privilege.is_supported():
        raise PrivilegeError(privilege.OTHER_SYSTEM)
    privilege.take_up()
    from probe.backends.rawsockets import RawSockets  # noqa: PLC0415 - Linux only

    try:
        sockets = RawSockets(SOURCE_PORTS, interface)
    except OSError as problem:
        raise PrivilegeError(privilege.explain(problem)) from None
    codec.load()
    return RawBackend(sockets, routes, capture)


class RawBackend:
    """Probes with raw packets; see `probe.engine.backend.Backend`. `open_raw` makes one.

    Args:
        sockets: open, closed with the backend.
        routes: how this machine would send.
        capture: where to keep packets, None: nowhere.
    """

    def __init__(self, sockets: "RawSockets", routes: Routes, capture: Capture | None = None) -> None:
        self._sockets = sockets
        self._routes = routes
        self._capture = capture
        self._known: dict[IPAddress, Route] = {}
        self._exchange = Exchange(secrets.randbelow)

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""
        return _CAPACITY

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    def send(self, probe: Probe) -> float:
        """Send one probe; return when it left.

        What goes wrong locally comes back as its reply (`no-route`, `not-sent`).
        """
        way = self._way(probe.question)
        if way is None:
            return self._refuse(probe, Reason.NO_ROUTE)
        try:
            return self._launch(probe, way)
        except OSError as problem:
            meaning = _REFUSALS.get(problem.errno or 0, NOT_SENT)
            return self._refuse(probe, meaning.reason, way.source if meaning.by_us else None)

    def receive(self, until: float) -> Sequence[Reply]:
        """Wait for replies, at the latest until the clock shows `until`; return at the first ones."""
        while True:
            replies = self._received()
            left = until - time.monotonic()
            if replies or left <= 0 or self.interrupted():
                return replies
            self._sockets.wait(left)

    def interrupted(self) -> bool:
        """Whether a signal asked for the end."""
        return interruption.requested()

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes and free what they hold; unknown ids are ignored."""
        self._exchange.forget(probe_ids)

    def close(self) -> None:
        """Free everything."""
        self.forget(self._exchange.flying())
        self._sockets.close()

    # --- out ---

    def _way(self, question: Question) -> _Egress | None:
        """Where a question leaves; None where this machine has no route."""
        if question.hop is not None:
            return _Egress(question.hop.source, question.hop.interface, question.hop.link_address)
        route = self._known.get(question.address)
        if route is None:
            route = self._known[question.address] = self._routes.route(question.address)
        if not route.reachable or route.source is None:
            return None
        return _Egress(route.source, route.interface)

    def _launch(self, probe: Probe, way: _Egress) -> float:
        """Send a probe's packet; return when it left.

        Raises:
            OSError: this machine refused.
        """
        link_source = None if way.interface is None else self._link_source(probe.question, way.interface)
        packet = self._exchange.compose(probe.question, way.source, link_source)
        if packet is None:
            return self._refuse(probe, Reason.NOT_SENT)
        data = codec.build(packet)
        self._exchange.remember(probe, packet, way.interface)
        left = time.monotonic()  # what takes longest is over: the packet is built
        ethertype = self._put_out(data, packet, probe.question, way)
        self._record(data, ethertype, time.time(), _title(probe), outgoing=True)
        return left

    def _link_source(self, question: Question, interface: str) -> str | None:
        """The link-layer address that asks; only ARP has it."""
        return self._sockets.own_link_address(interface) if question.shape is Shape.WHO_HAS else None

    def _put_out(self, data: bytes, packet: Outgoing, question: Question, way: _Egress) -> int:
        """Send bytes where the question wants them; return their ethertype."""
        asks_link = question.shape is Shape.WHO_HAS
        ethertype = ARP if asks_link else _ETHERTYPES[packet.destination.version]
        neighbour = _BROADCAST if asks_link else way.link_address
        if neighbour is None or way.interface is None:
            self._sockets.send_routed(data, packet.source, question.address)
        else:
            self._sockets.send_direct(data, ethertype, way.interface, neighbour)
        return ethertype

    def _refuse(self, probe: Probe, reason: Reason, sender: IPAddress | None = None) -> float:
        """Note that this machine did not send a probe, for the next replies; return when."""
        at = time.monotonic()
        self._exchange.refuse(probe, reason, at, sender)
        return at

    # --- in ---

    def _received(self) -> list[Reply]:
        """Everything that has arrived for a probe; of one probe the address itself first."""
        arrivals = ((arrival, _read(arrival)) for arrival in self._sockets.arrived())
        found = [(arrival, packet) for arrival, packet in arrivals if packet is not None]
        found.sort(key=lambda pair: self._exchange.is_elsewhere(pair[1]))
        taken = (self._take(arrival, packet) for arrival, packet in found)
        replies = [reply for reply in taken if reply is not None]
        return replies + self._exchange.refusals()

    def _take(self, arrival: "ReceivedFrame", packet: Incoming) -> Reply | None:
        now = time.monotonic()
        at = min(now, now - (time.time() - arrival.at))
        match = self._exchange.take(packet, at)
        if match is None:
            return None
        comment = f"{match.arrived.reason}, answers {_title(match.flight.probe)}"
        self._record(
            arrival.data, arrival.ethertype, arrival.at, comment, arrival.link_address, outgoing=False
        )
        return match.reply

    def _record(
        self,
        data: bytes,
        ethertype: int,
        at: float,
        comment: str,
        link_address: str | None = None,
        *,
        outgoing: bool,
    ) -> None:
        """Keep a packet, if packets are kept."""
        if self._capture is not None:
            self._capture.record(
                data, ethertype, at=at, outgoing=outgoing, comment=comment, link_address=link_address
            )


def _read(arrival: "ReceivedFrame") -> Incoming | None:
    return codec.read(
        arrival.data,
        arrival.ethertype,
        interface=arrival.interface,
        link_address=arrival.link_address,
        verified=arrival.vouched,
    )


def _title(probe: Probe) -> str:
    """What a probe is, in the words of a capture's comments."""
    question = probe.question
    kind = kind_of(question.shape, question.port.protocol)
    what = kind.comment.format(title=kind.title, port=question.port, address=question.address)
    lives = "" if question.ttl is None else f", TTL {question.ttl}"
    return f"{what}{lives}, try {probe.attempt}"
