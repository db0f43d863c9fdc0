"""From a diagnosis to the doctor's report."""

import datetime as dt
from dataclasses import dataclass

from probe.model.diagnosis import AddressDiagnosis, Check, Diagnosis, Status, Suspicion
from probe.model.doctor_report import CauseReport, CheckReport, DoctorAddress, DoctorReport

_DIGITS = 4  # of probabilities


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """What the report says of the run itself. `names`: a check for each name that was given."""

    started: dt.datetime
    version: str
    names: tuple[Check, ...] = ()


def assemble_doctor(diagnosis: Diagnosis, facts: DoctorFacts) -> DoctorReport:
    """Make the report; checks, addresses and causes keep their order."""
    return DoctorReport(
        version=facts.version,
        started=facts.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        elapsed_s=round(diagnosis.elapsed, 3),
        well=diagnosis.well and all(name.status is Status.OK for name in facts.names),
        complete=diagnosis.complete,
        machine=tuple(map(_check, (*diagnosis.machine, *facts.names))),
        addresses=tuple(map(_address, diagnosis.addresses)),
    )


def _check(check: Check) -> CheckReport:
    return CheckReport(check=check.check, status=check.status, found=check.found, fix=check.fix)


def _address(diagnosis: AddressDiagnosis) -> DoctorAddress:
    return DoctorAddress(
        address=str(diagnosis.address.ip),
        realm=diagnosis.address.realm,
        name=diagnosis.address.name,
        condition=diagnosis.condition,
        well=diagnosis.well,
        measured=diagnosis.measured,
        causes=tuple(map(_cause, diagnosis.causes)),
    )


def _cause(suspicion: Suspicion) -> CauseReport:
    return CauseReport(
        cause=suspicion.cause,
        probability=round(suspicion.probability, _DIGITS),
        evidence=suspicion.evidence,
        fix=tuple(map(str, suspicion.fix)),
    )
