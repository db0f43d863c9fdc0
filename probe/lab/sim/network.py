"""The wires: carries packets from box to box in virtual time, with delay and loss.

A neighbour that nobody is takes the sender's kernel 3.06 s to give up, three tries of a second
(net/core/neighbour.c); every packet that waited for it is then answered with host-unreachable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from random import Random

from probe.lab.sim.box import HOST_UNREACHABLE, NET_UNREACHABLE, Box
from probe.lab.sim.clock import Clock
from probe.lab.sim.packets import Frame, IcmpError
from probe.model.facts import Neighbour
from probe.model.target import IPAddress

NEIGHBOUR_GIVES_UP = 3.06  # seconds
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


class Network:
    """All boxes, their routes and their wires. Deterministic: the same packets and seed, the same fate."""

    def __init__(self, clock: Clock, ways: Mapping[str, Sequence[Way]], seed: int = 0) -> None:
        self.clock = clock
        self._ways = ways
        self._dice = Random(seed)  # noqa: S311 - decides which packets are lost; no secret
        self._waiting: dict[tuple[str, IPAddress], list[Frame]] = {}
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
        """What the box's neighbour table says of an address on its link; None before it was asked for.

        A search that is still on counts as failed: a neighbour that is there answers at once.
        """
        if (box.name, address) in self._resolved:
            return Neighbour.RESOLVED
        return Neighbour.FAILED if (box.name, address) in self._waiting else None

    def _deliver(self, box: Box, realm: str, frame: Frame) -> None:
        self._send_all(box, box.receive(frame, realm, self._source(box, frame.source), self.clock.now))

    def _send_all(self, box: Box, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.send(box, frame)

    def _wait(self, box: Box, hop: IPAddress, frame: Frame) -> None:
        """Queue a frame for a neighbour that does not answer."""
        waiting = self._waiting.setdefault((box.name, hop), [])
        if not waiting:
            self.clock.after(NEIGHBOUR_GIVES_UP, partial(self._neighbour_failed, box, hop))
        waiting.append(frame)

    def _neighbour_failed(self, box: Box, hop: IPAddress) -> None:
        waiting = self._waiting[box.name, hop]
        frames = tuple(waiting)
        waiting.clear()
        for frame in frames:
            self._give_up(box, frame, HOST_UNREACHABLE)

    def _give_up(self, box: Box, frame: Frame, kinds: Mapping[int, tuple[int, int]]) -> None:
        """Answer a packet that cannot be sent on; errors are not answered with errors (RFC 1122 3.2.2)."""
        if isinstance(frame, IcmpError):
            return
        source = frame.source if frame.source in box.addresses else self._source(box, frame.source)
        if source is not None:
            self._send_all(box, box.unreachable(frame, kinds, source, self.clock.now))

    def _source(self, box: Box, destination: IPAddress) -> IPAddress | None:
        """The address from which a box speaks to another."""
        way = self.way(box, destination)
        return None if way is None else way.source
