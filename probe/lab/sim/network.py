"""The wires: carries packets from node to node in virtual time, with delay and loss.

A neighbour that nobody is takes the sender's kernel 3.06 s to give up, three tries of a second
(net/core/neighbour.c); every packet that waited for it is then answered with host-unreachable.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from random import Random

from msgspec import structs

from probe.lab.sim.clock import Clock
from probe.lab.sim.node import HOST_UNREACHABLE, NET_UNREACHABLE, Arrival, Node
from probe.lab.sim.packets import ECN, Frame, Packet
from probe.lab.sim.tunnel import SimTunnel
from probe.model.facts import Neighbour
from probe.model.target import IPAddress

# --- wires and routes ---


@dataclass(frozen=True, slots=True)
class End:
    """One node's end of a wire: what the node calls the link, and the node's link-layer address there."""

    node: Node
    realm: str
    link_address: str


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """One link: who is on it, and what it does to packets in each direction."""

    ends: Sequence[End]
    members: Mapping[IPAddress, End] = field(default_factory=dict)
    delay: float = 0.0  # seconds, one way
    loss: float = 0.0  # share of packets
    mtu: int = 1500  # bytes
    carrier: bool = True  # False: unplugged, and nothing passes
    tunnel: SimTunnel | None = None  # that it is, from the prober to the target
    bleached: str | None = None  # the node whose packets lose their DSCP on it

    def end_of(self, node: Node) -> End:
        """The node's own end."""
        return next(end for end in self.ends if end.node is node)


@dataclass(frozen=True, slots=True)
class Way:
    """One route of a node: the wire it leaves by, the node's address there, and the gateway if any."""

    prefix: IPv4Network | IPv6Network
    wire: Wire
    source: IPAddress
    gateway: IPAddress | None = None


# --- the network ---


@dataclass(slots=True)
class Counted:
    """What one node's end of a link has counted."""

    sent_packets: int = 0
    received_packets: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0


NO_LINK_ADDRESS = ""  # of whoever is at the other end of a tunnel
NEIGHBOUR_GIVES_UP = 3.06  # seconds
HOP_TIME = 20e-6  # seconds that a wire and a kernel take, without any delay of the link


class SimNetwork:
    """All nodes, their routes and their wires. Deterministic: the same packets and seed, the same fate."""

    def __init__(self, clock: Clock, ways: Mapping[str, Sequence[Way]], seed: int = 0) -> None:
        self.clock = clock
        self._ways = dict(ways)
        self._found: dict[tuple[str, IPAddress], Way | None] = {}
        self.cut: set[str] = set()  # realms whose links carry nothing any more
        self.unplugged: set[str] = set()  # those that have no carrier any more
        self._dice = Random(seed)  # noqa: S311 - decides which packets are lost; no secret
        self._waiting: dict[tuple[str, IPAddress], list[Frame]] = {}
        self._resolved: dict[tuple[str, IPAddress], str] = {}  # the neighbour tables
        self._counted: dict[tuple[str, str], Counted] = {}  # by node and realm

    def way(self, node: Node, destination: IPAddress) -> Way | None:
        """Route of a node to an address; None where it has none."""
        key = node.name, destination
        if key not in self._found:
            ways = self._ways.get(node.name, ())
            self._found[key] = next((w for w in ways if destination in w.prefix), None)
        return self._found[key]

    def lose_ways(self, node: Node, realms: Container[str]) -> None:
        """Let a node have no routes any more by the links of these realms."""
        left = (way for way in self.ways(node) if way.wire.end_of(node).realm not in realms)
        self._ways[node.name] = tuple(left)
        self._found.clear()

    def has_carrier(self, node: Node, wire: Wire) -> bool:
        """Whether the node's end of a wire has a carrier."""
        return wire.carrier and wire.end_of(node).realm not in self.unplugged

    def _is_dead(self, wire: Wire) -> bool:
        """Whether something happened to a wire by which it carries nothing."""
        dead = self.cut | self.unplugged
        return bool(dead) and any(end.realm in dead for end in wire.ends)

    def ways(self, node: Node) -> Sequence[Way]:
        """Every route of a node, the longest prefix first."""
        return self._ways.get(node.name, ())

    def send(self, node: Node, frame: Frame) -> None:
        """Let a node send a frame that it made or forwards."""
        if frame.destination in node.addresses:
            self._deliver(node, node.addresses[frame.destination], frame, None)
            return
        way = self.way(node, frame.destination)
        if way is None:
            self._give_up(node, frame, NET_UNREACHABLE)
            return
        if frame.size > way.wire.mtu and isinstance(frame, Packet) and frame.source not in node.addresses:
            source = self._source(node, frame.source) or way.source
            self._send_all(node, node.too_big(frame, way.wire.mtu, source, self.clock.now))
            return
        if way.wire.tunnel is not None:
            self._into(way.wire.tunnel, node, way.wire, frame)
            return
        hop = way.gateway or frame.destination
        neighbour = way.wire.members.get(hop)
        if neighbour is None:
            self._wait(node, hop, frame)
            return
        self._resolved[node.name, hop] = neighbour.link_address
        self._carry(node, way.wire, neighbour, frame)

    def hand(self, node: Node, realm: str, link_address: str, frame: Frame) -> None:
        """Let a node hand a frame to a neighbour on the realm's link, whatever its routes are.

        What is for nobody on the link is lost.
        """
        for wire in self._wires(node, realm):
            for end in wire.ends if wire.carrier and not self._is_dead(wire) else ():
                if end.link_address == link_address:
                    self._carry(node, wire, end, frame)

    def who_has(self, node: Node, realm: str, address: IPAddress, answered: Callable[[str], None]) -> None:
        """Let a node ask a link for an IPv4 address; `answered` gets the link-layer address that answers.

        Linux answers for every address of its own, with that of the link where it is asked (arp_ignore=0);
        for loopback only where it routes it (`arp_process`, net/ipv4/arp.c).
        """
        for wire in self._wires(node, realm):
            for end in wire.ends if wire.carrier and not self._is_dead(wire) else ():
                if end.node is not node and end.node.owns(address):
                    self.clock.after(2 * (wire.delay + HOP_TIME), partial(answered, end.link_address))

    def own_link_address(self, node: Node, realm: str) -> str | None:
        """Link-layer address of a node on the realm's link; None where it has no such link, or a tunnel."""
        plain = (wire for wire in self._wires(node, realm) if wire.tunnel is None)
        return next((wire.end_of(node).link_address for wire in plain), None)

    def neighbour(self, node: Node, address: IPAddress) -> Neighbour | None:
        """What the node's neighbour table has of an address on its link; None before it was asked for."""
        if (node.name, address) in self._resolved:
            return Neighbour.RESOLVED
        waiting = self._waiting.get((node.name, address))
        if waiting is None:
            return None
        return Neighbour.INCOMPLETE if waiting else Neighbour.FAILED

    def link_address(self, node: Node, address: IPAddress) -> str | None:
        """Link-layer address in the node's neighbour table."""
        return self._resolved.get((node.name, address))

    def _wires(self, node: Node, realm: str) -> set[Wire]:
        """The wire of a node's link, if it has that link."""
        ways = self._ways.get(node.name, ())
        return {way.wire for way in ways if node.addresses.get(way.source) == realm}

    def counted(self, node: Node, realm: str) -> Counted:
        """What a node's end of the realm's link has counted so far."""
        return self._counted.setdefault((node.name, realm), Counted())

    def loses(self, share: float) -> bool:
        """Whether a packet is lost where this share of them is."""
        return share > 0.0 and self._dice.random() < share

    def _into(self, tunnel: SimTunnel, node: Node, wire: Wire, frame: Frame) -> None:
        """Hand a frame to a tunnel, which brings it to its other end if it can."""
        here = wire.end_of(node)
        (there,) = (end for end in wire.ends if end.node is not node)
        self._count_sent(here, frame)
        if self._is_dead(wire):
            return
        frame = _clamped(frame, tunnel.largest_segment)
        arrive = partial(self._deliver, there.node, there.realm, frame, NO_LINK_ADDRESS)
        tunnel.carry(frame, arrive, outwards=node is wire.ends[0].node)

    def _count_sent(self, end: End, frame: Frame) -> None:
        counted = self.counted(end.node, end.realm)
        counted.sent_packets += 1
        counted.sent_bytes += frame.size

    def _carry(self, node: Node, wire: Wire, neighbour: End, frame: Frame) -> None:
        """Bring a frame to the other end of a wire, if it is not lost."""
        sender = wire.end_of(node)
        self._count_sent(sender, frame)
        if self.loses(wire.loss) or self._is_dead(wire):
            return
        if node.name == wire.bleached:
            frame = replace(frame, tos=frame.tos & ECN)
        arrive = partial(self._deliver, neighbour.node, neighbour.realm, frame, sender.link_address)
        self.clock.after(wire.delay + HOP_TIME, arrive)

    def _deliver(self, node: Node, realm: str, frame: Frame, link_address: str | None) -> None:
        if link_address is not None:
            counted = self.counted(node, realm)
            counted.received_packets += 1
            counted.received_bytes += frame.size
        source, way_out = self._source(node, frame.source), partial(self._way_out, node)
        arrival = Arrival(realm, self.clock.now, source, way_out, link_address)
        self._send_all(node, node.receive(frame, arrival))

    def _way_out(self, node: Node, destination: IPAddress) -> str | None:
        """Realm of the link by which a node sends to an address."""
        source = self._source(node, destination)
        return None if source is None else node.addresses[source]

    def _send_all(self, node: Node, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.send(node, frame)

    def _wait(self, node: Node, hop: IPAddress, frame: Frame) -> None:
        """Queue a frame for a neighbour that does not answer."""
        waiting = self._waiting.setdefault((node.name, hop), [])
        if not waiting:
            self.clock.after(NEIGHBOUR_GIVES_UP, partial(self._neighbour_failed, node, hop))
        waiting.append(frame)

    def _neighbour_failed(self, node: Node, hop: IPAddress) -> None:
        waiting = self._waiting[node.name, hop]
        frames = tuple(waiting)
        waiting.clear()
        for frame in frames:
            self._give_up(node, frame, HOST_UNREACHABLE)

    def _give_up(self, node: Node, frame: Frame, kinds: Mapping[int, tuple[int, int]]) -> None:
        """Answer a packet that cannot be sent on; errors are not answered with errors (RFC 1122 3.2.2)."""
        if not isinstance(frame, Packet):
            return
        source = frame.source if frame.source in node.addresses else self._source(node, frame.source)
        if source is not None:
            self._send_all(node, node.unreachable(frame, kinds, source, self.clock.now))

    def _source(self, node: Node, destination: IPAddress) -> IPAddress | None:
        """The address from which a node speaks to another."""
        way = self.way(node, destination)
        return None if way is None else way.source


def _clamped(frame: Frame, largest: int | None) -> Frame:
    """A frame that announces no larger segments than these (bytes)."""
    if largest is None or not isinstance(frame, Packet) or frame.options is None:
        return frame
    announced = frame.options.mss
    if announced is None or announced <= largest:
        return frame
    return replace(frame, options=structs.replace(frame.options, mss=largest))
