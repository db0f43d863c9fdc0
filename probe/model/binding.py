"""What a port may be bound to, how it is served, and the conditions of the path to it: the closed lists."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from probe.model.target import IPAddress

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]


class Binding(StrEnum):
    """What a port's socket is bound to, as far as it shows from outside."""

    WILDCARD = "wildcard"
    SPECIFIC = "specific"
    LOOPBACK = "loopback"
    NOT_LISTENING = "not-listening"
    LOOPBACK_OR_NOT_LISTENING = "loopback-or-not-listening"
    UNDETERMINED = "undetermined"


class Condition(StrEnum):
    """Condition of the path to one address, or of one port on it."""

    CLEAR = "clear"
    DROPPED = "dropped"
    REJECTED = "rejected"
    NO_ROUTE = "no-route"
    NOT_FORWARDED = "not-forwarded"
    TUNNEL_DOWN = "tunnel-down"
    HOST_DOWN = "host-down"
    MTU_BLACK_HOLE = "mtu-black-hole"
    INTERCEPTED = "intercepted"
    LOCAL_FIREWALL = "local-firewall"
    WRONG_ROUTE = "wrong-route"
    WRONG_HOST = "wrong-host"
    HAIRPIN = "hairpin"  # the inside address answers itself: forwarded, but not translated on the way back
    RATE_LIMITED = "rate-limited"  # answers are rationed: too few came to conclude more
    LINK_DOWN = "link-down"  # the prober's own link has no carrier, or is switched off
    OFF_NETWORK = "off-network"  # a private address that no link of the prober leads to
    TURNED_AWAY = "turned-away"  # a socket accepts, and the program refuses this peer
    CHANGED = "changed"  # it answered differently within one run
    THIS_MACHINE = "this-machine"  # the prober's own address: no firewall was met
    UNKNOWN = "unknown"


# What no remote packet can separate, where neither is shown.
INSEPARABLE: Final = frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING})

# Probes meet a packet filter.
BLOCKING: Final = frozenset({Condition.DROPPED, Condition.REJECTED})
# Too little is certain to compare the answers with others.
UNSETTLED: Final = frozenset({Condition.CHANGED, Condition.RATE_LIMITED})
# No probe comes as far as the address.
UNREACHED: Final = frozenset(
    {
        Condition.HOST_DOWN,
        Condition.LINK_DOWN,
        Condition.NO_ROUTE,
        Condition.OFF_NETWORK,
        Condition.TUNNEL_DOWN,
        Condition.WRONG_ROUTE,
    }
)


class Owner(StrEnum):
    """Who answers on an address."""

    TARGET = "target"
    GATEWAY = "gateway"  # a router, virtual address, load balancer or content network in front
    OTHER_MACHINE = "other-machine"
    THIS_MACHINE = "this-machine"
    VPN_PROGRAM = "vpn-program"  # a tunnel's end in user space, which hands connections on to 127.0.0.1
    UNKNOWN = "unknown"


class Via(StrEnum):
    """Who accepts at an open port."""

    DIRECT = "direct"  # a socket of the host accepts
    FORWARD = "forward"  # passed on, into a container or to another host
    PROXY = "proxy"  # a box that completes connections in the host's name
    GATEWAY = "gateway"  # the box in front that owns the address
    VPN_PROGRAM = "vpn-program"
    SEVERAL = "several"  # different services on different addresses
    UNKNOWN = "unknown"


class BoundBy(StrEnum):
    """What ties a socket to the addresses it is bound to."""

    ADDRESS = "address"  # bind() named the address
    DEVICE = "device"  # SO_BINDTODEVICE: any address serves, if the packet arrives by the device


class Candidate(Struct, frozen=True, kw_only=True):
    """One binding that the answers leave possible. Probabilities of a port's candidates sum to 1."""

    binding: Binding
    bound_to: tuple[IPAddress, ...] = ()
    probability: Probability


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The most probable first; what is equally probable in an order that never changes."""
    return tuple(sorted(candidates, key=lambda c: (-c.probability, c.binding, str(c.bound_to))))


class Proof(StrEnum):
    """What services are recognised by, the strongest first."""

    SSH_KEY = "ssh-key"
    CERTIFICATE = "certificate"
    PUBLIC_KEY = "public-key"  # of two certificates
    GREETING = "greeting"


class Served(Struct, frozen=True):
    """One service behind a port, as far as it shows: the addresses that show it, and by what.

    `other_than` are addresses on which another service answers; what is in neither may be either.
    """

    addresses: tuple[IPAddress, ...]
    name: str | None = None  # what it calls itself
    by: tuple[Proof, ...] = ()  # what its addresses have in common; none where it has one
    other_than: tuple[IPAddress, ...] = ()
