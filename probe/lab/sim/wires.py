"""What connects the boxes: wires with their ends, and the routes that lead over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from probe.lab.sim.box import Box
from probe.model.target import IPAddress


@dataclass(frozen=True, slots=True)
class End:
    """One box's end of a wire: what the box calls the link, and the box's link-layer address there."""

    box: Box
    realm: str
    link_address: str


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """One link: who is on it, and what it does to packets in each direction."""

    ends: Sequence[End]
    members: Mapping[IPAddress, End] = field(default_factory=dict)
    delay: float = 0.0  # seconds, one way
    loss: float = 0.0  # share of packets
    bleached: str | None = None  # the box whose packets lose their DSCP on it

    def end_of(self, box: Box) -> End:
        """The box's own end."""
        return next(end for end in self.ends if end.box is box)


@dataclass(frozen=True, slots=True)
class Way:
    """One route of a box: the wire it leaves by, the box's address there, and the gateway if any."""

    prefix: IPv4Network | IPv6Network
    wire: Wire
    source: IPAddress
    gateway: IPAddress | None = None
