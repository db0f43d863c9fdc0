"""THE PRIORS: how servers, firewalls and their addresses are usually set up, before any response.

Judgements, not measurements; the verdicts' calibration is measured on random worlds that were drawn without
a look at this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probe.inference.tables import Policy
from probe.model.binding import Owner
from probe.model.disposition import Disposition
from probe.model.target import Protocol, Realm

_PRIVATE_PRIOR = {
    Policy.ACCEPTS: 0.70,
    Policy.DROPS: 0.126,
    Policy.DROPS_SYN: 0.004,
    Policy.REJECTS: 0.07,
    Policy.REJECTS_ON_PATH: 0.01,
    Policy.RESETS: 0.00003,
    Policy.RESETS_ON_PATH: 0.001,
    Policy.STEALTH: 0.004,
    Policy.DARK: 0.05,
    Policy.ANSWERS_ALL: 0.004,
}
_PUBLIC_PRIOR = _PRIVATE_PRIOR | {Policy.ACCEPTS: 0.45, Policy.DROPS: 0.266, Policy.REJECTS_ON_PATH: 0.04}


def policy_prior(realm: str) -> Mapping[Policy, float]:
    """Prior weights of the policies of an address of this realm that is the target's own."""
    return _PUBLIC_PRIOR if realm == Realm.PUBLIC else _PRIVATE_PRIOR


# Who has an address: NAT boxes, load balancers and content networks stand before public ones, and a program
# in user space, or a container beside the host, may end a VPN and hand connections to 127.0.0.1. Where
# no answer separates them from the target's own kernel, these shares are what a verdict keeps back for them.
# The target has what is left.
_OTHER = {Owner.OTHER_MACHINE: 0.0004}
_OWNERS: Final[Mapping[str, Mapping[Owner, float]]] = {
    Realm.PUBLIC: {Owner.OTHER_MACHINE: 1e-7, Owner.GATEWAY: 0.2},  # another machine looks like a gateway
    Realm.VPN: {**_OTHER, Owner.GATEWAY: 2e-6, Owner.VPN_PROGRAM: 0.06},
}


# How many times likelier another machine is where something was measured that compares it with the target.
OTHER_WHERE_SEEN: Final = 25.0


def owner_prior(realm: str) -> dict[Owner, float]:
    """Shares of who has an address of this realm, where no sign shows it."""
    others = _OWNERS.get(realm, {**_OTHER, Owner.GATEWAY: 2e-6})
    return {Owner.TARGET: 1 - sum(others.values()), **others}


# How others than the target treat probes: a gateway may forward ports, or accept for itself alone. One that
# is further away than the first hop is no router of the prober's own network.
OTHERS_POLICIES: Final[Mapping[Owner, Mapping[Policy, float]]] = {
    Owner.GATEWAY: {
        Policy.FRONT_REFUSES: 0.34,
        Policy.FRONT_DROPS: 0.4,
        Policy.ACCEPTS: 0.15,
        Policy.DROPS: 0.1,
        Policy.ANSWERS_ALL: 0.01,
    },
    Owner.OTHER_MACHINE: {Policy.ACCEPTS: 0.6, Policy.DROPS: 0.3, Policy.REJECTS: 0.1},
    Owner.VPN_PROGRAM: {Policy.ACCEPTS: 0.9, Policy.DROPS: 0.1},
}
FAR_GATEWAY: Final[Mapping[Policy, float]] = {
    Policy.FRONT_REFUSES: 0.1,
    Policy.FRONT_DROPS: 0.5,
    Policy.ACCEPTS: 0.25,
    Policy.DROPS: 0.14,
    Policy.ANSWERS_ALL: 0.01,
}


# One rule for the port on every address of the host, beside the rules of a single address.
EVERYWHERE: Final[dict[Disposition | None, float]] = {
    None: 0.96,
    Disposition.TAKEN_HERE: 0.003,
    Disposition.DROP: 0.018,
    Disposition.DROP_SYN: 0.002,
    Disposition.REJECT_HOST: 0.014,
    Disposition.REJECT_PATH: 0.001,
    Disposition.RESET_HOST: 0.002,
}


# A port that the host forwards into a container: whether its forward chain lets only some links through.
FORWARD_LIMITED: Final = {False: 0.85, True: 0.15}
UNLIMITED: Final = {False: 1.0}
LINK_KEPT_OUT: Final = 0.5  # ... of the links that such a chain knows


# How often one policy holds on all addresses of a host, beside a policy of each address's own.
ONE_POLICY: Final = 0.3
# How often one list of ports is let pass, on whatever address the host denies by default; and how often an
# address of such a host follows it.
ONE_LIST: Final = 0.45
BY_LIST: Final = 0.85


class Health(StrEnum):
    """Whether a listening socket answers, on every address that it covers."""

    FINE = "fine"
    FULL = "full"  # TCP: its accept queue is full, and SYNs are dropped in silence
    QUIET = "quiet"  # UDP: its service has no answer to what it is asked


HEALTH: Final[Mapping[Protocol, Mapping[Health, float]]] = {
    Protocol.TCP: {Health.FINE: 0.99, Health.FULL: 0.01},
    Protocol.UDP: {Health.FINE: 0.6, Health.QUIET: 0.4},
}


# Who binds to chosen addresses keeps a service from the others, and mostly from the public one: how likely a
# set of addresses with a public one is, beside one without.
PUBLIC_TOO: Final = 0.6


@dataclass(frozen=True, slots=True)
class BindPrior:
    """Prior shares of bindings for a port that somebody asks about."""

    wildcard_v4: float = 0.22
    wildcard_dual: float = 0.17
    wildcard_v6: float = 0.02
    one_address: float = 0.13
    one_device: float = 0.02  # every address of one realm
    private_only: float = 0.038  # every address but the public ones
    several: float = 0.02  # any other set of addresses
    all_given: float = 0.004  # exactly the addresses that were probed, one by one
    public: float = PUBLIC_TOO
    loopback_v4: float = 0.13
    loopback_dual: float = 0.07
    loopback_v6: float = 0.02
    nothing: float = 0.207


# How a host binds its services: learned from all of its ports together. What most hosts do is `BindPrior`.
_EVERYWHERE_STYLE: Final = BindPrior(
    wildcard_v4=0.37,
    wildcard_dual=0.29,
    wildcard_v6=0.006,
    one_address=0.05,
    one_device=0.008,
    private_only=0.03,
    several=0.03,
    loopback_v4=0.07,
    loopback_dual=0.03,
    loopback_v6=0.01,
    nothing=0.13,
)
_INWARD_STYLE: Final = BindPrior(
    wildcard_v4=0.05,
    wildcard_dual=0.04,
    wildcard_v6=0.004,
    one_address=0.06,
    one_device=0.01,
    private_only=0.008,
    several=0.01,
    all_given=0.002,
    loopback_v4=0.3,
    loopback_dual=0.12,
    loopback_v6=0.05,
    nothing=0.4,
)
_CHOSEN_STYLE: Final = BindPrior(
    wildcard_v4=0.06,
    wildcard_dual=0.05,
    wildcard_v6=0.007,
    one_address=0.42,
    one_device=0.06,
    private_only=0.05,
    several=0.13,
    all_given=0.01,
    loopback_v4=0.08,
    loopback_dual=0.03,
    loopback_v6=0.02,
    nothing=0.12,
)
_BOTH_STYLE: Final = BindPrior(
    wildcard_v4=0.15,
    wildcard_dual=0.11,
    wildcard_v6=0.014,
    one_address=0.24,
    one_device=0.04,
    private_only=0.03,
    several=0.06,
    all_given=0.01,
    loopback_v4=0.1,
    loopback_dual=0.05,
    loopback_v6=0.02,
    nothing=0.2,
)
# Hardly anything listens: a range of ports was asked.
_SPARSE_STYLE: Final = BindPrior(
    wildcard_v4=0.008,
    wildcard_dual=0.006,
    wildcard_v6=0.0006,
    one_address=0.007,
    one_device=0.001,
    private_only=0.0012,
    several=0.003,
    all_given=0.0002,
    loopback_v4=0.3,
    loopback_dual=0.12,
    loopback_v6=0.05,
    nothing=0.5,
)


@dataclass(frozen=True, slots=True)
class Standard:
    """By which shares a binding is weighed beforehand, and how much it takes to be named.

    `styles` are ways to bind services, each with its weight: which one a host follows is learned. `one_set`
    is the weight of one more for every set of addresses that some port is open on: half of the services are
    bound to that set, and the others follow `beside`. For the sets of most ports there is one more: few ports
    are bound to the set, and the others follow `hardly`. None: there are no such.
    """

    styles: tuple[tuple[float, BindPrior], ...]
    point: float
    one_set: float = 0.0
    beside: BindPrior | None = None
    hardly: BindPrior | None = None


# What is usual counts, and eight in ten are enough to name it.
USUAL: Final = Standard(
    (
        (0.42, BindPrior()),
        (0.18, _EVERYWHERE_STYLE),
        (0.15, _INWARD_STYLE),
        (0.03, _SPARSE_STYLE),
        (0.1, _BOTH_STYLE),
        (0.12, _CHOSEN_STYLE),
    ),
    point=0.80,
    one_set=0.012,
    beside=_BOTH_STYLE,
    hardly=_INWARD_STYLE,
)
BOUND_TO_SET: Final = 0.5  # share of the services of a host that mostly binds to one set of addresses
BOUND_HARDLY: Final = 0.2  # ... where most of the ports that were asked have no service to be reached
HARDLY_STYLE: Final = 0.3  # how likely that is beforehand, beside half of them
BOUND_TO_SETS: Final = 0.7  # ... of one that binds each to some set, evenly over those that are seen
SETS_STYLE: Final = 2.0  # how much likelier that is beforehand than one of them
# Nothing is taken as usual: every kind of binding weighs the same, and it takes nineteen in twenty.
STRICT: Final = Standard(
    (
        (
            1.0,
            BindPrior(
                wildcard_v4=0.08,
                wildcard_dual=0.08,
                wildcard_v6=0.08,
                one_address=0.12,
                one_device=0.04,
                private_only=0.04,
                several=0.04,
                all_given=0.04,
                public=1.0,
                loopback_v4=0.08,
                loopback_dual=0.08,
                loopback_v6=0.08,
                nothing=0.24,
            ),
        ),
    ),
    point=0.95,
)

SURE: Final = 0.80  # what a policy or a disposition must have to be called by its name
LISTED: Final = 0.005  # rivals with at least this much stay listed
FLOOR: Final = 0.0055  # what a rival that nothing contradicts is always given
FLOOR_TOTAL: Final = 0.055  # ... as long as all of them together get no more than this
CONTRADICTED: Final = 2e-6  # likelihood below this share of the best one: contradicted by the answers

PROGRAM_MARKS: Final = 0.03  # resets that a VPN program makes show the mark of what they refuse
NOT_ITS_OWN: Final = 1e-3  # chance that a host binds to an address that is not its own
OTHER_LISTENS: Final = 0.4  # share of the tested ports on which a machine that is not the target accepts
TO_ANOTHER_HOST: Final = 0.15  # share of the ports that a box in front would forward to another host

# Ports that are alike on every address do not speak independently of each other: so many count in full, and
# of more their logarithm.
COUNTED_IN_FULL: Final = 12
# How many times likelier a firewall that resets is taken where raw packets could show it: sockets do not
# expect what they cannot see.
RESETS_WHERE_SEEN: Final = 60.0
FORGED_UNSEEN: Final = 0.031  # what all interfaces keep where a refusal decides that sockets cannot trace
