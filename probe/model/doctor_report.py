"""The doctor's report: what `--json` prints and the text shows. Key order is the order of the fields.

A null means "not measured", never "no".
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from probe.model.binding import Condition, Probability
from probe.model.diagnosis import Cause, Proposal, RootWouldShow
from probe.model.fixes import Fix
from probe.model.machine_checks import Check
from probe.model.measured_facts import MeasuredFact
from probe.model.measurement import Facts, Measurement
from probe.model.report import PortNumber
from probe.model.symptoms import CauseEvidence
from probe.model.target import Protocol

DOCTOR_SCHEMA: Final = "bindprobe.doctor/2"
CHANGE_SCHEMA = "bindprobe.doctor-change/1"


class CauseReport(Struct, frozen=True, kw_only=True):
    """One cause of an address, or of one port of it."""

    cause: Annotated[Cause, Meta(description="Why the address, or the port, does not answer as it should.")]
    probability: Annotated[
        Probability, Meta(description="Its share of the blame; all of an address sum to 1.")
    ]
    port: Annotated[
        PortNumber | None, Meta(description="The port that it is about; null: the address, or several ports.")
    ] = None
    protocol: Annotated[Protocol | None, Meta(description="Protocol of `port`.")] = None
    ports: Annotated[
        tuple[str, ...], Meta(description="The ports that it is about, as `8000/tcp`; empty: the address.")
    ] = ()
    evidence: Annotated[
        tuple[CauseEvidence, ...], Meta(description="The evidence for it, the strongest first.")
    ] = ()
    fix: Annotated[tuple[Fix, ...], Meta(description="What mends it, best first.")] = ()


class DoctorAddress(Struct, frozen=True, kw_only=True):
    """One address."""

    address: Annotated[str | None, Meta(description="The address; null: `name` has none.")]
    realm: Annotated[
        str | None,
        Meta(
            description="Its realm: lan, vpn, public, loopback, or a name of the user's own; null: not known."
        ),
    ]
    name: Annotated[str | None, Meta(description="The name that it was resolved from.")] = None
    condition: Annotated[Condition, Meta(description="The condition of the path to it.")]
    well: Annotated[bool, Meta(description="Whether nothing seems wrong.")]
    measured: Annotated[
        tuple[MeasuredFact, ...],
        Meta(description="Route, ping, ports, counters and so on, as far as measured."),
    ] = ()
    causes: Annotated[tuple[CauseReport, ...], Meta(description="Its causes, most probable first.")]
    as_root: Annotated[
        RootWouldShow | None,
        Meta(description="What root would show that separates the causes; null: nothing that matters."),
    ] = None


class DoctorReport(Struct, frozen=True, kw_only=True):
    """What the doctor found."""

    schema: Annotated[Literal["bindprobe.doctor/2"], Meta(description="Name and version of this format.")] = (
        DOCTOR_SCHEMA
    )
    version: Annotated[str, Meta(description="Version of bindprobe.")]
    started: Annotated[str, Meta(description="When it began: RFC 3339, UTC.")]
    elapsed_s: Annotated[float, Meta(description="How long it took, in seconds.")]
    well: Annotated[bool, Meta(description="Whether every address is well; without one, every check.")]
    complete: Annotated[bool, Meta(description="False: interrupted; this was found until then.")] = True
    machine: Annotated[tuple[Check, ...], Meta(description="The checks of this machine.")]
    addresses: Annotated[
        tuple[DoctorAddress, ...],
        Meta(description="The addresses as given, then names without one."),
    ] = ()
    proposed: Annotated[
        tuple[Proposal, ...],
        Meta(description="Without an address: what could be examined behind this machine's tunnels."),
    ] = ()
    facts: Annotated[Facts, Meta(description="What the user stated.")] = Facts()
    measurements: Annotated[
        tuple[Measurement, ...],
        Meta(description="All that was measured, and nothing that was concluded; without an address none."),
    ] = ()


class Kind(StrEnum):
    """What a change is of."""

    ADDRESS = "address"
    CHECK = "check"


class Change(Struct, frozen=True, kw_only=True):
    """One change that `--watch` saw.

    `before` and `after` are the likeliest cause of an address, or the status of a check; null: it was not
    there. `well`: whether every address is well now.
    """

    schema: str = CHANGE_SCHEMA
    time: str  # RFC 3339, UTC
    kind: Kind
    subject: str
    before: str | None
    after: str | None
    well: bool
