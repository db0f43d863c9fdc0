"""The doctor's report: what `--json` prints and the text shows. Key order is the order of the fields.

A null means "not measured", never "no".
"""

from enum import StrEnum

from msgspec import Struct

from probe.model.diagnosis import Cause, Status
from probe.model.report import Probability
from probe.model.verdict import Condition

DOCTOR_SCHEMA = "bindprobe.doctor/1"
CHANGE_SCHEMA = "bindprobe.doctor-change/1"


class CheckReport(Struct, frozen=True, kw_only=True):
    """One check of this machine. `fix` null: there is nothing to do, or nothing that is known."""

    check: str
    status: Status
    found: str
    fix: str | None = None


class CauseReport(Struct, frozen=True, kw_only=True):
    """One cause. A `fix` that is a command starts with the shell it is for: `here# ` or `target# `."""

    cause: Cause
    probability: Probability
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()


class DoctorAddress(Struct, frozen=True, kw_only=True):
    """One address; its causes sum to 1, the most probable first."""

    address: str
    realm: str
    name: str | None = None
    condition: Condition
    well: bool
    measured: tuple[str, ...] = ()  # route, ping, ports, counters and so on, in words
    causes: tuple[CauseReport, ...]


class DoctorReport(Struct, frozen=True, kw_only=True):
    """What the doctor found."""

    schema: str = DOCTOR_SCHEMA
    version: str
    started: str  # RFC 3339, UTC
    elapsed_s: float
    well: bool
    complete: bool = True  # False: interrupted, what was found until then
    machine: tuple[CheckReport, ...]
    addresses: tuple[DoctorAddress, ...] = ()


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
