"""What `doctor` concludes: checks of this machine, and for each address the causes of what is wrong."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.binding import Condition
from probe.model.fixes import Fix
from probe.model.machine_checks import Check, Status
from probe.model.measured_facts import MeasuredFact
from probe.model.measurement import Facts, Measurement
from probe.model.symptoms import CauseEvidence
from probe.model.target import Port, TargetAddress


class Cause(StrEnum):
    """Why an address, or a port on it, does not answer as it should."""

    NONE = "none"
    LINK_DOWN = "link-down"  # this machine's own
    WRONG_ADDRESS = "wrong-address"  # nobody has it: a typing error, or the target got another one
    OFF_NETWORK = "off-network"  # a private address of a network that this machine is not in
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
    NO_SUCH_ADDRESS = "no-such-address"  # the far end is there and reports that nobody has it
    CLIENT_ISOLATION = "client-isolation"
    HAIRPIN = "hairpin"
    NOT_FORWARDED = "not-forwarded"
    NOT_BOUND = "not-bound"
    SERVICE_REFUSES_PEER = "service-refuses-peer"


class Look(StrEnum):
    """What this machine shows to root alone."""

    PACKET_FILTER = "packet-filter"
    TUNNEL_PEERS = "tunnel-peers"
    RETURN_PATH = "return-path"  # by raw packets: whether, and by which link, answers come back


class RootWouldShow(Struct, frozen=True, kw_only=True):
    """What root would show that separates the likeliest causes."""

    looks: Annotated[tuple[Look, ...], Meta(description="What would be looked at, too.")]
    causes: Annotated[tuple[Cause, ...], Meta(description="The causes that it would separate.")]
    text: Annotated[str, Meta(description="The same as a sentence.")] = ""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One cause, how probable it is, what speaks for it, and what mends it, best first.

    `ports`: those on which it is to blame; none: it is about the address. Where ports differ, a cause stands
    once for each group of them that it may trouble.
    """

    cause: Cause
    probability: float
    evidence: tuple[CauseEvidence, ...] = ()
    fix: tuple[Fix, ...] = ()
    ports: tuple[Port, ...] = ()

    @property
    def port(self) -> Port | None:
        """The one port; None: the address, or several ports."""
        return self.ports[0] if len(self.ports) == 1 else None


@dataclass(frozen=True, slots=True)
class AddressDiagnosis:
    """One address. `causes` most probable first, summing to 1; where all is well the first is `none`."""

    address: TargetAddress
    condition: Condition
    causes: tuple[Suspicion, ...]
    measured: tuple[MeasuredFact, ...] = ()
    as_root: RootWouldShow | None = None  # None: nothing that would change much

    @property
    def well(self) -> bool:
        """Whether nothing seems wrong."""
        return self.causes[0].cause is Cause.NONE


@dataclass(frozen=True, slots=True)
class NameDiagnosis:
    """A name that has no address. `realm` None: the user gave none, and it cannot be worked out."""

    name: str
    realm: str | None
    causes: tuple[Suspicion, ...]
    measured: tuple[MeasuredFact, ...] = ()


class Proposal(Struct, frozen=True, kw_only=True):
    """Addresses behind a tunnel of this machine that could be examined."""

    interface: Annotated[str, Meta(description="Interface of the tunnel.")]
    addresses: Annotated[tuple[str, ...], Meta(description="Addresses that it leads to.")]
    customary: Annotated[
        bool, Meta(description="Whether the address is no known one, but the first of the tunnel's network.")
    ] = False
    text: Annotated[str, Meta(description="The same as a sentence.")] = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that `doctor` found, in the order of asking."""

    machine: tuple[Check, ...]
    addresses: tuple[AddressDiagnosis, ...] = ()
    elapsed: float = 0.0  # seconds
    complete: bool = True
    measurement: Measurement | None = None  # what it is made of; None: this machine alone was looked at
    facts: Facts = field(default_factory=Facts)  # what the user stated
    proposed: tuple[Proposal, ...] = ()  # where no address was given

    @property
    def well(self) -> bool:
        """Whether every address is well, and without addresses: whether no check of this machine failed."""
        if self.addresses:
            return all(address.well for address in self.addresses)
        return all(check.status is not Status.FAIL for check in self.machine)
