"""The report: the one object that every output format renders, and that `explain` reads back.

Its shape is the JSON that users rely on; key order is the order of the fields. A null or absent
value means "not measured", never "no".
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from probe.model.probing import Aftermath, Origin, Reason, Role, State
from probe.model.target import Protocol
from probe.model.verdict import Binding, Condition, Via

SCHEMA = "bindprobe.report/1"

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
PortNumber = Annotated[int, Meta(ge=0, le=65535)]


class Vantage(Struct, frozen=True, kw_only=True):
    """Where the scan was made from."""

    name: str


class CandidateReport(Struct, frozen=True, kw_only=True):
    """One binding that the answers leave possible."""

    binding: Binding
    bound_to: tuple[str, ...] = ()
    probability: Probability


class TcpReport(Struct, frozen=True, kw_only=True):
    """What the kernel tells of an accepted connection."""

    mss: int
    window_scale: int | None = None
    timestamps: bool
    sack: bool


class ObservationReport(Struct, frozen=True, kw_only=True):
    """How one address answered on one port. `state` null: not measured."""

    address: str
    realm: str
    state: State | None = None
    reason: Reason
    condition: Condition
    sender: str | None = field(default=None, name="from")
    rtt_ms: float | None = None
    ttl: int | None = None
    attempts: int
    icmp: tuple[int, int] | None = None
    origin: Origin | None = None
    aftermath: Aftermath | None = None
    tcp: TcpReport | None = None
    reading: str | None = None


class ControlReport(Struct, frozen=True, kw_only=True):
    """How an address answered on a port that nothing uses; a canary is a control asked again later."""

    port: PortNumber
    protocol: Protocol
    role: Role
    state: State | None = None
    reason: Reason
    sender: str | None = field(default=None, name="from")
    rtt_ms: float | None = None
    attempts: int


class VerdictReport(Struct, frozen=True, kw_only=True):
    """The verdict keys that a port and a group of ports share."""

    binding: Binding
    bound_to: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    via: Via = Via.UNKNOWN
    confidence: Probability
    candidates: tuple[CandidateReport, ...]
    why: str = ""
    evidence: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    next_tests: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    urgency: int = 0
    observations: tuple[ObservationReport, ...] = ()


class PortReport(VerdictReport, frozen=True, kw_only=True):
    """One port and its verdict."""

    port: PortNumber
    protocol: Protocol
    service: str | None = None


class RestReport(VerdictReport, frozen=True, kw_only=True):
    """Ports that share one verdict and the same answers on every address, as ranges."""

    ports: str
    protocol: Protocol


class AddressReport(Struct, frozen=True, kw_only=True):
    """One address of the target, how it is reached, and what its path is like."""

    address: str
    realm: str
    family: int
    name: str | None = None
    source: str | None = None
    interface: str | None = None
    mtu: int | None = None
    hops: int | None = None
    reply_ttl: int | None = None
    path: tuple[str, ...] = ()
    condition: Condition
    evidence: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    urgency: int = 0
    controls: tuple[ControlReport, ...] = ()


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
