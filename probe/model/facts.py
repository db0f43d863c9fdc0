"""What the prober's machine knows and what a survey of one address measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from probe.model.greeting import Greeting
from probe.model.identity import Key
from probe.model.probing import Observation, PurposeRule, Role
from probe.model.target import IPAddress, Port, Seen, TargetAddress

HERE = "here"  # the vantage of a scan that names none


class LinkKind(StrEnum):
    """What kind of interface a route leaves by."""

    ETHERNET = "ethernet"  # Ethernet and WiFi: neighbours are resolved on the link
    TUNNEL = "tunnel"  # WireGuard, OpenVPN, any tun device
    LOOPBACK = "loopback"


class DeadLink(Struct, frozen=True, omit_defaults=True):
    """A link of this machine that carries nothing. `up`: it is switched on, and has no carrier."""

    name: str
    up: bool


class Route(Struct, frozen=True, omit_defaults=True):
    """How this machine would send to one address. None means that the system reports none."""

    destination: IPAddress
    source: IPAddress | None = None
    interface: str | None = None
    kind: LinkKind | None = None
    mtu: int | None = None  # bytes, of the interface
    on_link: bool | None = None  # the destination is a neighbour
    reachable: bool = True  # False: this machine has no route
    gateway: IPAddress | None = None  # the next router
    by_default: bool | None = None  # no network but "everything" has the destination; None: not known
    dead_link: DeadLink | None = None  # the link that leads there, or whose network has it, carries nothing


class Neighbour(StrEnum):
    """What the neighbour table (ARP, ND) has of an on-link address (RFC 4861 section 7.3.2)."""

    RESOLVED = "resolved"  # confirmed within the last half minute: somebody has the address
    STALE = "stale"  # an older entry, or one that was entered by hand: it proves nothing
    INCOMPLETE = "incomplete"  # the question is out and may still be answered
    FAILED = "failed"  # every question went unanswered


class TunnelHealth(StrEnum):
    """What a tunnel's own facts mean for the way to one address (`probe.model.tunnel_state`)."""

    OFF = "off"  # its interface is down
    NOT_ALLOWED = "not-allowed"  # no peer's allowed IPs have the address: nothing is sent
    NEVER = "never"  # that peer never shook hands
    STALE = "stale"  # the latest handshake is older than a session lives
    FRESH = "fresh"
    UNKNOWN = "unknown"  # nothing can be read


class Trace(Struct, frozen=True, omit_defaults=True):
    """What one raw follow-up brought, and why it was sent."""

    observation: Observation
    why: PurposeRule


@dataclass(frozen=True, slots=True)
class AddressSurvey:
    """All that was measured on one address of the target, from one vantage.

    `observations` holds one entry per tested port, control and canary. `hops` is the distance
    at which the address itself answers (1: on the link), `reply_ttl` the TTL with which its own
    answers arrive; None where not measured.
    """

    address: TargetAddress
    observations: tuple[Observation, ...]
    route: Route | None = None
    hops: int | None = None
    reply_ttl: int | None = None
    neighbour: Neighbour | None = None
    own_addresses: frozenset[IPAddress] = frozenset()  # the prober's: an offender here is its own firewall
    path: tuple[IPAddress, ...] = ()  # hops that sent time-exceeded, in order of distance
    link_address: str | None = None  # of an on-link address, from the neighbour table
    traces: tuple[Trace, ...] = ()  # what raw packets brought, in the order of asking
    keys: Mapping[Port, tuple[Key, ...]] = field(default_factory=dict)  # that its services showed
    greetings: Mapping[Port, Greeting] = field(default_factory=dict)  # what its services sent of themselves
    tunnel: TunnelHealth | None = None  # of the tunnel that leads there, or should, after the probes; None:
    # no tunnel, or not asked because the address answered
    tunnel_name: str | None = None  # that tunnel's interface
    vantage: str = HERE  # from where it was measured; with the address it identifies a survey

    @property
    def seen(self) -> Seen:
        """The vantage and the address, by which everything that is concluded of this is kept."""
        return self.vantage, self.address.ip

    @property
    def is_this_machine(self) -> bool:
        """Whether the address is the prober's own: its packets go over loopback and meet no other box."""
        by_loopback = self.route is not None and self.route.kind is LinkKind.LOOPBACK
        return by_loopback or self.address.ip.is_loopback

    def first_answer(self) -> float | None:
        """When the first answer to a first try came, on the backend's clock; None where none is known."""
        return min(
            (
                o.answered_at
                for o in self.observations
                if o.answered == 1
                and o.answered_at is not None
                and o.started is not None
                and not o.raw_only
                and not self.is_our_own(o)
            ),
            default=None,
        )

    def is_our_own(self, observation: Observation) -> bool:
        """Whether this machine itself gave the answer: it means nothing for the target."""
        sender = observation.sender
        return sender != observation.question.address and sender in self.own_addresses

    def tested(self) -> dict[Port, Observation]:
        """The observations of the tested ports."""
        return {o.question.port: o for o in self.observations if o.question.role is Role.TESTED}

    def repeats(self) -> tuple[Observation, ...]:
        """The observations of ports and controls that were asked again."""
        return tuple(o for o in self.observations if o.question.role is Role.REPEAT)

    def controls(self) -> tuple[Observation, ...]:
        """The observations of the ports that nothing uses."""
        return tuple(o for o in self.observations if o.question.role is Role.CONTROL)
