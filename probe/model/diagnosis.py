"""What `doctor` concludes: checks of this machine, and for each address the causes of what is wrong."""

from dataclasses import dataclass
from enum import StrEnum

from probe.model.target import TargetAddress
from probe.model.verdict import Condition


class Cause(StrEnum):
    """Why an address, or a port on it, does not answer as it should."""

    NONE = "none"
    HANDSHAKE_NEVER = "handshake-never"
    TUNNEL_STALE = "tunnel-stale"
    TUNNEL_DOWN = "tunnel-down"  # its interface is off or gone
    NOT_IN_ALLOWED_IPS = "not-in-allowed-ips"
    PEER_REJECTS_SOURCE = "peer-rejects-source"
    NO_RETURN_ROUTE = "no-return-route"
    WRONG_ROUTE = "wrong-route"
    SUBNET_OVERLAP = "subnet-overlap"
    LOCAL_FIREWALL = "local-firewall"
    REVERSE_PATH_FILTER = "reverse-path-filter"
    TARGET_FIREWALL = "target-firewall"
    PATH_FIREWALL = "path-firewall"
    MTU_BLACK_HOLE = "mtu-black-hole"
    DNS = "dns"
    HOST_DOWN = "host-down"
    NO_SUCH_ADDRESS = "no-such-address"  # the far end is there and says that nobody has it
    CLIENT_ISOLATION = "client-isolation"
    HAIRPIN = "hairpin"
    NOT_FORWARDED = "not-forwarded"
    NOT_BOUND = "not-bound"


class Status(StrEnum):
    """How one check of this machine ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"  # could not be looked into; never a fault


@dataclass(frozen=True, slots=True)
class Check:
    """One check of this machine. `check` is its name, such as `tunnel wg0`."""

    check: str
    status: Status
    found: str
    fix: str | None = None


class Place(StrEnum):
    """Whose shell a command is for. It takes root there."""

    HERE = "here"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing to do: a command for a shell of `place`, or a sentence (no place)."""

    text: str
    place: Place | None = None

    def __str__(self) -> str:
        return self.text if self.place is None else f"{self.place}# {self.text}"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One cause, how probable it is, what speaks for it, and what mends it, best first."""

    cause: Cause
    probability: float
    evidence: tuple[str, ...] = ()
    fix: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressDiagnosis:
    """One address. `causes` most probable first, summing to 1; where all is well the first is `none`."""

    address: TargetAddress
    condition: Condition
    causes: tuple[Suspicion, ...]
    measured: tuple[str, ...] = ()  # in words: route, ping, ports, counters and so on

    @property
    def well(self) -> bool:
        """Whether nothing seems wrong."""
        return self.causes[0].cause is Cause.NONE


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that `doctor` found, in the order of asking."""

    machine: tuple[Check, ...]
    addresses: tuple[AddressDiagnosis, ...] = ()
    elapsed: float = 0.0  # seconds
    complete: bool = True

    @property
    def well(self) -> bool:
        """Whether every address is well, and without addresses: whether no check of this machine failed."""
        if self.addresses:
            return all(address.well for address in self.addresses)
        return all(check.status is not Status.FAIL for check in self.machine)
