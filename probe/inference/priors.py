"""THE PRIORS: how servers, firewalls and their addresses are usually set up, before anything is heard.

Judgements, not measurements; the verdicts' calibration is measured on random worlds that were drawn without
a look at this file.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probe.inference.tables import Fate, Policy
from probe.model.target import Realm

_PRIVATE_PRIOR = {
    Policy.ACCEPTS: 0.70,
    Policy.DROPS: 0.126,
    Policy.DROPS_SYN: 0.004,
    Policy.REJECTS: 0.07,
    Policy.REJECTS_ON_PATH: 0.01,
    Policy.RESETS: 0.002,
    Policy.RESETS_ON_PATH: 0.001,
    Policy.STEALTH: 0.02,
    Policy.DARK: 0.05,
    Policy.ANSWERS_ALL: 0.004,
    Policy.FRONT_REFUSES: 1e-6,  # NAT boxes stand before public addresses
    Policy.FRONT_DROPS: 1e-6,
}
_PUBLIC_PRIOR = _PRIVATE_PRIOR | {
    Policy.ACCEPTS: 0.45,
    Policy.DROPS: 0.266,
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
    Fate.DROP: 0.018,
    Fate.DROP_SYN: 0.002,
    Fate.REJECT_HOST: 0.014,
    Fate.REJECT_PATH: 0.001,
    Fate.RESET_HOST: 0.004,
}


# A port that the host forwards into a container: whether its forward chain lets only some links through.
FORWARD_LIMITED: Final = {False: 0.85, True: 0.15}
UNLIMITED: Final = {False: 1.0}
LINK_KEPT_OUT: Final = 0.5  # ... of the links that such a chain knows


# A host whose firewall resets all that it does not let in, on every address alike.
HOST_WIDE_RESETS: Final = 0.002


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
    loopback_through_vpn: float = 0.0015  # a VPN program in user space hands connections to 127.0.0.1
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
        loopback_through_vpn=0.08,
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
