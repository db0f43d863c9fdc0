"""The conclusions: binding, condition, candidates, and the words that back them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from probe.model.target import IPAddress, Port, TargetAddress


class Binding(StrEnum):
    """What a port's socket is bound to, as far as it can be told from outside."""

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
    UNKNOWN = "unknown"


class Via(StrEnum):
    """How an open port is served."""

    DIRECT = "direct"
    FORWARD = "forward"
    PROXY = "proxy"
    UNKNOWN = "unknown"


class BoundBy(StrEnum):
    """What ties a socket to the addresses it is bound to."""

    ADDRESS = "address"  # bind() named the address
    DEVICE = "device"  # SO_BINDTODEVICE: any address serves, if the packet arrives by the device


@dataclass(frozen=True, slots=True)
class Candidate:
    """One binding that the answers leave possible. Probabilities of a port's candidates sum to 1."""

    binding: Binding
    probability: float
    bound_to: tuple[IPAddress, ...] = ()


class Proof(StrEnum):
    """What services are told by, the strongest first."""

    SSH_KEY = "ssh-key"
    CERTIFICATE = "certificate"
    GREETING = "greeting"


@dataclass(frozen=True, slots=True)
class Served:
    """One service behind a port, as far as it shows: the addresses that show it, and by what.

    `other_than` are addresses on which another service answers; what is in neither may be either.
    """

    addresses: tuple[IPAddress, ...]
    name: str | None = None  # what it calls itself
    by: tuple[Proof, ...] = ()  # what its addresses have in common; none where it has one
    other_than: tuple[IPAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class PortVerdict:
    """What is concluded of one port, with the evidence for it and against it."""

    port: Port
    binding: Binding
    confidence: float
    candidates: tuple[Candidate, ...]  # most probable first
    bound_to: tuple[IPAddress, ...] = ()
    families: tuple[int, ...] = ()
    bound_by: BoundBy | None = None  # None: not told
    via: Via = Via.UNKNOWN
    conditions: Mapping[IPAddress, Condition] = field(default_factory=dict)
    readings: Mapping[IPAddress, str] = field(default_factory=dict)  # the rule each answer was read by
    why: str = ""  # one line for the table
    evidence: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()  # what was not excluded, in words
    next_tests: tuple[str, ...] = ()  # what would decide
    advice: tuple[str, ...] = ()
    urgency: int = 0  # of the advice: 0 nothing to do, higher comes first
    services: tuple[Served, ...] = ()  # none: nothing was shown that could be compared


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """What is concluded of the path to one address."""

    address: TargetAddress
    condition: Condition
    evidence: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    urgency: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything concluded from one scan, in the order of the target's addresses and ports."""

    addresses: tuple[AddressVerdict, ...]
    ports: tuple[PortVerdict, ...]
