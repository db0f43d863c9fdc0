"""The report: the one object that every output format renders, and that `explain` reads back.

Its shape is the JSON that users rely on; key order is the order of the fields. A null or absent
value means "not measured", never "no".
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from probe.errors import UsageError
from probe.model.advice import Advice, NextTest, Rival
from probe.model.binding import Binding, BoundBy, Candidate, Condition, Owner, Probability, Served, Via
from probe.model.evidence import AddressEvidence, PortEvidence, Purpose, Reading
from probe.model.facts import TunnelHealth
from probe.model.greeting import Greeting
from probe.model.identity import Key
from probe.model.measurement import Facts, Measurement
from probe.model.probing import Aftermath, Origin, Reason, Shape, State, TcpFacts
from probe.model.sockets import ConfirmOutcome, ListedBinding
from probe.model.target import Protocol

SCHEMA = "bindprobe.report/2"

PortNumber = Annotated[int, Meta(ge=0, le=65535)]


class Vantage(Struct, frozen=True, kw_only=True):
    """Where the scan was made from."""

    name: str


class ObservationReport(Struct, frozen=True, kw_only=True):
    """How one address answered on one port. `state` null: not measured."""

    address: str
    realm: str
    vantage: str | None = None  # null: there is one vantage
    state: State | None = None
    reason: Reason
    condition: Condition
    sender: str | None = None
    rtt_ms: float | None = None
    ttl: int | None = None
    attempts: int
    icmp: tuple[int, int] | None = None
    origin: Origin | None = None
    aftermath: Aftermath | None = None
    tcp: TcpFacts | None = None
    reading: Reading | None = None
    raw_only: bool | None = None  # true: raw packets brought this answer, connect() waited for it in vain
    greeting: Greeting | None = None  # null: not asked, or nothing came
    keys: tuple[Key, ...] | None = None  # null: not asked, or none was shown


class ProbeReport(Struct, frozen=True, kw_only=True):
    """One raw question, why it was asked, and what came back.

    `address` is the destination that the packet had; with `through` it was handed to the neighbour
    `handed_to` on that interface, whatever the routes are. `ttl` null: the system's default.
    """

    address: str
    probe: Shape
    port: PortNumber | None = None  # of a control; null for the port that this is about, and without one
    protocol: Protocol | None = None
    through: str | None = None
    handed_to: str | None = None
    ttl: int | None = None
    why: Purpose
    reason: Reason
    sender: str | None = None
    reply_ttl: int | None = None
    tos: int | None = None
    flow_label: int | None = None
    window: int | None = None
    link_address: str | None = None
    attempts: int


class VerdictReport(Struct, frozen=True, kw_only=True):
    """The verdict keys that a port and a group of ports share."""

    binding: Binding
    bound_to: tuple[str, ...] = ()
    bound_by: BoundBy | None = None
    families: tuple[int, ...] = ()
    via: Via = Via.UNKNOWN
    confidence: Probability
    candidates: tuple[Candidate, ...]
    why: str = ""
    exposed_on: tuple[str, ...] = ()
    evidence: tuple[PortEvidence, ...] = ()
    rivals: tuple[Rival, ...] = ()
    next_tests: tuple[NextTest, ...] = ()
    advice: tuple[Advice, ...] = ()
    observations: tuple[ObservationReport, ...] = ()
    probes: tuple[ProbeReport, ...] | None = None  # null: no raw packets could be sent
    services: tuple[Served, ...] | None = None  # null: nothing was shown that could be compared
    truth: ListedBinding | UnsetType | None = UNSET  # null: the list does not show it
    outcome: ConfirmOutcome | UnsetType = (
        UNSET  # absent, as `truth`: there is no list of the target's sockets
    )


class PortReport(VerdictReport, frozen=True, kw_only=True):
    """One port and its verdict."""

    port: PortNumber
    protocol: Protocol
    service: str | None = None
    private: bool = False


class RestReport(VerdictReport, frozen=True, kw_only=True):
    """Ports that share one verdict and the same answers on every address, as ranges."""

    ports: str
    protocol: Protocol


class AddressReport(Struct, frozen=True, kw_only=True):
    """One address of the target, how it is reached, and what its path is like."""

    address: str
    realm: str
    vantage: str | None = None  # null: there is one vantage
    family: int
    name: str | None = None
    source: str | None = None
    interface: str | None = None
    mtu: int | None = None
    hops: int | None = None
    reply_ttl: int | None = None
    link_address: str | None = None
    path: tuple[str, ...] = ()
    condition: Condition
    owner: Owner = Owner.UNKNOWN
    tunnel: TunnelHealth | None = None  # null: no tunnel, or not asked because the address answered
    evidence: tuple[AddressEvidence, ...] = ()
    advice: tuple[Advice, ...] = ()
    probes: tuple[ProbeReport, ...] | None = None  # about the address itself: echo, who-has, controls


class Stats(Struct, frozen=True, kw_only=True):
    """What the scan cost."""

    sent: int
    answered: int
    resent: int
    rate_reached: float  # probes per second


class Report(Struct, frozen=True, kw_only=True):
    """The result of one scan."""

    schema: str = SCHEMA
    version: str
    started: str  # RFC 3339, UTC
    elapsed_s: float
    engine: str
    vantage: Vantage
    complete: bool = True  # False: interrupted, what was measured until then
    addresses: tuple[AddressReport, ...]
    ports: tuple[PortReport, ...]
    rest: tuple[RestReport, ...] | UnsetType = UNSET
    stats: Stats | None = None
    facts: Facts = Facts()
    measurements: tuple[Measurement, ...] = ()

    def port(self, number: int, protocol: str = Protocol.TCP) -> PortReport:
        """Find the row of one port.

        Raises:
            UsageError: there is none: the port was not probed, or shares a row of `rest`.
        """
        for row in self.ports:
            if row.port == number and row.protocol == protocol:
                return row
        raise UsageError(f"the report has no row of port {number}/{protocol}")
