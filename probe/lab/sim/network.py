"""The wires: carries packets from box to box in virtual time, with delay and loss.

A neighbour that nobody is takes the sender's kernel 3.06 s to give up, three tries of a second
(net/core/neighbour.c); every packet that waited for it is then answered with host-unreachable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from random import Random

from probe.lab.sim.box import HOST_UNREACHABLE, NET_UNREACHABLE, Box
from probe.lab.sim.clock import Clock
from probe.lab.sim.packets import Frame, IcmpError, Packet
from probe.model.facts import Neighbour
from probe.model.target import IPAddress

NEIGHBOUR_GIVES_UP = 3.06  # seconds
NEIGHBOUR_TELLS = 1.0  # seconds without an answer until the neighbour table says so
HOP_TIME = 20e-6  # seconds that a wire and a kernel take, without any delay of the link


@dataclass(frozen=True, slots=True)
class Wire:
    """One link: who is on it, and what it does to packets in each direction."""

    members: Mapping[IPAddress, Box]
    delay: float = 0.0  # seconds, one way
    loss: float = 0.0  # share of packets


@dataclass(frozen=True, slots=True)
class Way:
    """One route of a box: the wire it leaves by, the box's address there, and the gateway if any."""

    prefix: IPv4Network | IPv6Network
    wire: Wire
    source: IPAddress
    gateway: IPAddress | None = None


@dataclass(slots=True)
class _Waiting:
    since: float
    packets: list[Packet] = field(default_factory=list)


class Network:
    """All boxes, their routes and their wires. Deterministic: the same packets and seed, the same fate."""

    def __init__(self, clock: Clock, ways: Mapping[str, Sequence[Way]], seed: int = 0) -> None:
        self.clock = clock
        self._ways = ways
        self._dice = Random(seed)  # noqa: S311 - decides which packets are lost; no secret
        self._waiting: dict[tuple[str, IPAddress], _Waiting] = {}
        self._resolved: set[tuple[str, IPAddress]] = set()

    def way(self, box: Box, destination: IPAddress) -> Way | None:
        """Route of a box to an address; None where it has none."""
        ways = self._ways.get(box.name, ())
        return next(
            (w for w in ways if w.prefix.version == destination.version and destination in w.prefix), None
        )

    def send(self, box: Box, frame: Frame) -> None:
        """Let a box send a frame that it made or forwards."""
        if frame.destination in box.addresses:
            self._deliver(box, box.addresses[frame.destination], frame)
            return
        way = self.way(box, frame.destination)
        if way is None:
            self._give_up(box, frame, NET_UNREACHABLE)
            return
        hop = way.gateway or frame.destination
        neighbour = way.wire.members.get(hop)
        if neighbour is None:
            self._wait(box, hop, frame)
            return
        self._resolved.add((box.name, hop))
        if way.wire.loss == 0.0 or self._dice.random() >= way.wire.loss:
            arrive = partial(self._deliver, neighbour, neighbour.addresses[hop], frame)
            self.clock.after(way.wire.delay + HOP_TIME, arrive)

    def neighbour(self, box: Box, address: IPAddress) -> Neighbour | None:
        """What the box's neighbour table says of an address on its link; None before it was asked for."""
        if (box.name, address) in self._resolved:
            return Neighbour.RESOLVED
        waiting = self._waiting.get((box.name, address))
        if waiting is not None and self.clock.now - waiting.since >= NEIGHBOUR_TELLS:
            return Neighbour.FAILED
        return None

    def _deliver(self, box: Box, realm: str, frame: Frame) -> None:
        self._send_all(box, box.receive(frame, realm, self._source(box, frame.source), self.clock.now))

    def _send_all(self, box: Box, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.send(box, frame)

    def _wait(self, box: Box, hop: IPAddress, frame: Frame) -> None:
        """Queue a packet for a neighbour that does not answer; errors are not answered with errors."""
        waiting = self._waiting.get((box.name, hop))
        if waiting is None or not waiting.packets:
            waiting = _Waiting(self.clock.now if waiting is None else waiting.since)
            self._waiting[box.name, hop] = waiting
            self.clock.after(NEIGHBOUR_GIVES_UP, partial(self._neighbour_failed, box, hop))
        if isinstance(frame, Packet):
            waiting.packets.append(frame)

    def _neighbour_failed(self, box: Box, hop: IPAddress) -> None:
        waiting = self._waiting[box.name, hop]
        packets, waiting.packets = waiting.packets, []
        for packet in packets:
            self._give_up(box, packet, HOST_UNREACHABLE)

    def _give_up(self, box: Box, frame: Frame, kinds: Mapping[int, tuple[int, int]]) -> None:
        if isinstance(frame, IcmpError):
            return
        source = frame.source if frame.source in box.addresses else self._source(box, frame.source)
        if source is not None:
            self._send_all(box, box.unreachable(frame, kinds, source, self.clock.now))

    def _source(self, box: Box, destination: IPAddress) -> IPAddress | None:
        """The address from which a box speaks to another."""
        way = self.way(box, destination)
        return None if way is None else way.source
