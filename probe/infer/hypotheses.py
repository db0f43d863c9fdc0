"""THE TABLE: what may be true of a port and of an address, how likely it is, and what it sounds like.

Everything here is data. A probe to a port on an address meets a *fate* on its way (it passes, a filter
drops it, ...). Which fates are usual depends on the *policy* of the address, learned from its control
ports. What is heard depends on the fate and on whether the socket covers the address.

The numbers are judgements about how servers are set up and how stacks behave, not measurements, but for
the shapes of the answers, which were measured on Linux and are described in the README.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probe.infer.heard import Heard
from probe.model.target import Protocol, Realm

EPSILON: Final = 1e-6  # nothing is impossible


class Fate(StrEnum):
    """What happens to a probe between the prober and the target's socket."""

    PASS = "pass"  # noqa: S105 - a fate, no password
    DROP = "drop"
    REJECT_HOST = "reject-host"  # ICMP error from the target's own filter
    REJECT_PATH = "reject-path"  # ICMP error from a box on the way
    RESET_HOST = "reset-host"  # reset forged by the target's own filter
    RESET_PATH = "reset-path"  # reset forged on the way
    SPOOFED = "spoofed"  # a box completes every handshake
    FORWARDED = "forwarded"  # a NAT box in front passes it on
    FRONT = "front"  # a NAT box in front answers for itself


Sounds = dict[Heard, float]

# What is heard of a TCP probe, by fate and by whether a socket covers the address.
TCP_SOUNDS: Final[dict[tuple[Fate, bool], Sounds]] = {
    (Fate.PASS, True): {
        Heard.OPEN: 0.95,
        Heard.CUT: 0.02,
        Heard.OPEN_BEHIND: 0.0245,
        Heard.OPEN_NEARER: 0.005,
        Heard.CUT_NEARER: 0.0005,
    },
    (Fate.PASS, False): {
        Heard.CLOSED: 0.97,
        Heard.CLOSED_BEHIND: 0.01,
        Heard.CUT: 0.005,
        Heard.CUT_NEARER: 0.015,
    },
    (Fate.FORWARDED, True): {Heard.OPEN_BEHIND: 0.8, Heard.OPEN: 0.19, Heard.CUT: 0.01},
    (Fate.FORWARDED, False): {Heard.CLOSED_BEHIND: 0.8, Heard.CLOSED: 0.2},
}
UDP_SOUNDS: Final[dict[tuple[Fate, bool], Sounds]] = {
    (Fate.PASS, True): {Heard.OPEN: 0.6, Heard.SILENT: 0.4},
    (Fate.PASS, False): {Heard.CLOSED: 1.0},
    (Fate.FORWARDED, True): {Heard.OPEN: 0.6, Heard.SILENT: 0.4},
    (Fate.FORWARDED, False): {Heard.CLOSED: 1.0},
    (Fate.REJECT_HOST, True): {Heard.CLOSED: 0.6, Heard.ICMP_HOST: 0.4},
    (Fate.REJECT_HOST, False): {Heard.CLOSED: 0.6, Heard.ICMP_HOST: 0.4},
}
# Fates that sound the same whether or not anything listens.
BLIND_SOUNDS: Final[dict[Fate, Sounds]] = {
    Fate.DROP: {Heard.SILENT: 1.0},
    Fate.REJECT_HOST: {Heard.ICMP_HOST: 0.97, Heard.ICMP_PATH: 0.03},
    Fate.REJECT_PATH: {Heard.ICMP_PATH: 0.97, Heard.ICMP_HOST: 0.03},
    Fate.RESET_HOST: {Heard.CLOSED: 1.0},
    Fate.RESET_PATH: {Heard.CLOSED_NEARER: 0.8, Heard.CLOSED: 0.2},
    Fate.SPOOFED: {
        Heard.OPEN: 0.6,
        Heard.OPEN_NEARER: 0.25,
        Heard.CUT: 0.1,
        Heard.CUT_NEARER: 0.05,
    },
    Fate.FRONT: {Heard.CLOSED: 1.0},
}
# Where the platform cannot tell a reset from an ICMP error, `refused` is any of these.
REFUSED_AS: Final = (Heard.CLOSED, Heard.CLOSED_NEARER, Heard.CLOSED_BEHIND, Heard.ICMP_HOST, Heard.ICMP_PATH)
# Symbols that say nothing about the target.
MUTE: Final = frozenset({Heard.LOCAL, Heard.UNMEASURED})


class Policy(StrEnum):
    """How an address treats probes in general."""

    ACCEPTS = "accepts"  # no filter by default
    DROPS = "drops"  # default-drop
    REJECTS = "rejects"  # default-reject by the host
    REJECTS_ON_PATH = "rejects-on-path"
    RESETS = "resets"  # default-reject with forged resets by the host
    RESETS_ON_PATH = "resets-on-path"
    STEALTH = "stealth"  # a stack that never resets
    DARK = "dark"  # nothing reaches it, or nothing comes back
    ANSWERS_ALL = "answers-all"  # a middlebox completes every handshake
    FRONT_REFUSES = "front-refuses"  # a NAT box that refuses what it does not forward
    FRONT_DROPS = "front-drops"  # a NAT box that drops what it does not forward


Fates = dict[Fate, float]


@dataclass(frozen=True, slots=True)
class Manners:
    """Shares of fates under a policy.

    `control` for a port that nothing uses; `exposed` for a tested port whose service listens beyond loopback
    (firewalls are opened for services), `unexposed` for one whose service does not.
    """

    control: Fates
    exposed: Fates
    unexposed: Fates
    stealth: bool = False  # the stack is silent where nothing listens


def _deny(by: Fate) -> Manners:
    """A zone that denies by default and lets chosen ports pass; now and then it treats one in another way."""
    other = Fate.REJECT_HOST if by is Fate.DROP else Fate.DROP
    return Manners(
        control={by: 0.985, other: 0.003, Fate.PASS: 0.012},
        exposed={by: 0.48, other: 0.02, Fate.PASS: 0.5},
        unexposed={by: 0.82, other: 0.015, Fate.PASS: 0.165},
    )


_PORT_RULES: Fates = {
    Fate.DROP: 0.014,
    Fate.REJECT_HOST: 0.009,
    Fate.REJECT_PATH: 0.002,
    Fate.RESET_HOST: 0.002,
    Fate.RESET_PATH: 0.001,
}
_OPEN_ZONE: Fates = {**_PORT_RULES, Fate.PASS: 1 - sum(_PORT_RULES.values())}

MANNERS: Final = MappingProxyType(
    {
        Policy.ACCEPTS: Manners(
            control={
                Fate.PASS: 0.985,
                Fate.DROP: 0.006,
                Fate.REJECT_HOST: 0.004,
                Fate.RESET_HOST: 0.003,
                Fate.SPOOFED: 0.002,
            },
            exposed=_OPEN_ZONE,
            unexposed=_OPEN_ZONE,
        ),
        Policy.DROPS: _deny(Fate.DROP),
        Policy.REJECTS: _deny(Fate.REJECT_HOST),
        Policy.REJECTS_ON_PATH: _deny(Fate.REJECT_PATH),
        Policy.RESETS: _deny(Fate.RESET_HOST),
        Policy.RESETS_ON_PATH: _deny(Fate.RESET_PATH),
        Policy.STEALTH: Manners(
            control={Fate.PASS: 1.0},
            exposed={Fate.PASS: 0.9, Fate.DROP: 0.1},
            unexposed={Fate.PASS: 0.9, Fate.DROP: 0.1},
            stealth=True,
        ),
        Policy.DARK: Manners(control={Fate.DROP: 1.0}, exposed={Fate.DROP: 1.0}, unexposed={Fate.DROP: 1.0}),
        Policy.ANSWERS_ALL: Manners(
            control={Fate.SPOOFED: 0.97, Fate.PASS: 0.03},
            exposed={Fate.SPOOFED: 0.97, Fate.PASS: 0.03},
            unexposed={Fate.SPOOFED: 0.97, Fate.PASS: 0.03},
        ),
        Policy.FRONT_REFUSES: Manners(
            control={Fate.FRONT: 1.0},
            exposed={Fate.FORWARDED: 0.45, Fate.FRONT: 0.55},
            unexposed={Fate.FORWARDED: 0.05, Fate.FRONT: 0.95},
        ),
        Policy.FRONT_DROPS: Manners(
            control={Fate.DROP: 1.0},
            exposed={Fate.FORWARDED: 0.45, Fate.DROP: 0.55},
            unexposed={Fate.FORWARDED: 0.05, Fate.DROP: 0.95},
        ),
    }
)

_PRIVATE_PRIOR = {
    Policy.ACCEPTS: 0.70,
    Policy.DROPS: 0.13,
    Policy.REJECTS: 0.07,
    Policy.REJECTS_ON_PATH: 0.01,
    Policy.RESETS: 0.002,
    Policy.RESETS_ON_PATH: 0.001,
    Policy.STEALTH: 0.02,
    Policy.DARK: 0.05,
    Policy.ANSWERS_ALL: 0.004,
    Policy.FRONT_REFUSES: 0.001,
    Policy.FRONT_DROPS: 0.002,
}
_PUBLIC_PRIOR = _PRIVATE_PRIOR | {
    Policy.ACCEPTS: 0.45,
    Policy.DROPS: 0.27,
    Policy.REJECTS_ON_PATH: 0.04,
    Policy.FRONT_REFUSES: 0.02,
    Policy.FRONT_DROPS: 0.04,
}
_FIRST_HOP_PRIOR = _PUBLIC_PRIOR | {
    Policy.ACCEPTS: 0.02,
    Policy.FRONT_REFUSES: 0.6,
    Policy.FRONT_DROPS: 0.2,
}


def policy_prior(realm: str, *, first_hop_owns_it: bool) -> dict[Policy, float]:
    """Prior weights of policies for an address of this realm.

    `first_hop_owns_it`: a public address that answers one hop away although it is no neighbour is the
    gateway's own, so a NAT box in front of the target.
    """
    if realm != Realm.PUBLIC:
        return _PRIVATE_PRIOR
    return _FIRST_HOP_PRIOR if first_hop_owns_it else _PUBLIC_PRIOR


# One rule for the port on every address of the host, beside the rules of a single address.
EVERYWHERE: Final[dict[Fate | None, float]] = {
    None: 0.961,
    Fate.DROP: 0.02,
    Fate.REJECT_HOST: 0.014,
    Fate.REJECT_PATH: 0.001,
    Fate.RESET_HOST: 0.004,
}


class Health(StrEnum):
    """Whether a listening socket answers."""

    FINE = "fine"
    FULL = "full"  # its accept queue is full: SYNs are dropped in silence


HEALTH: Final = {Health.FINE: 0.99, Health.FULL: 0.01}


@dataclass(frozen=True, slots=True)
class BindPrior:
    """Prior shares of bindings for a port that somebody asks about."""

    wildcard_v4: float = 0.22
    wildcard_dual: float = 0.17
    wildcard_v6: float = 0.012
    one_address: float = 0.13
    one_device: float = 0.02  # every address of one realm
    private_only: float = 0.015  # every address but the public ones
    several: float = 0.02  # any other set of addresses
    all_given: float = 0.004  # exactly the addresses that were probed, one by one
    loopback_v4: float = 0.11
    loopback_dual: float = 0.06
    loopback_v6: float = 0.02
    nothing: float = 0.25


@dataclass(frozen=True, slots=True)
class Standard:
    """By which shares a binding is weighed beforehand, and how much it takes to be named."""

    prior: BindPrior
    point: float


# What is usual counts, and eight in ten are enough to say it.
USUAL: Final = Standard(BindPrior(), point=0.80)
# Nothing is taken as usual: every kind of binding weighs the same, and it takes nineteen in twenty.
STRICT: Final = Standard(
    BindPrior(
        wildcard_v4=0.08,
        wildcard_dual=0.08,
        wildcard_v6=0.08,
        one_address=0.12,
        one_device=0.04,
        private_only=0.04,
        several=0.04,
        all_given=0.04,
        loopback_v4=0.08,
        loopback_dual=0.08,
        loopback_v6=0.08,
        nothing=0.24,
    ),
    point=0.95,
)

SURE: Final = 0.80  # what a policy or a fate must have to be called by its name
LISTED: Final = 0.005  # rivals with at least this much stay listed
FLOOR: Final = 0.0055  # what a rival that nothing contradicts is always given
FLOOR_TOTAL: Final = 0.055  # ... as long as all of them together get no more than this
CONTRADICTED: Final = 2e-6  # likelihood below this share of the best one: contradicted by the answers

# While a policy is learned from tested ports: one socket is seen beforehand in so many ports, and so many
# ports at most count, for ports behind one filter do not speak independently of each other.
COVERED_SEEN: Final = 0.4
PORTS_SEEN: Final = 1.0
PORTS_COUNTED: Final = 20


def sounds(protocol: Protocol, fate: Fate, *, covered: bool) -> Sounds:
    """What is heard of a probe that meets this fate."""
    table = TCP_SOUNDS if protocol is Protocol.TCP else UDP_SOUNDS
    return table.get((fate, covered)) or BLIND_SOUNDS[fate]
