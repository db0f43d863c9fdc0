"""From a diagnosis to the doctor's report; here every statement gets its sentence."""

import datetime as dt
from dataclasses import dataclass

from probe.explain.causes import explained_evidence, explained_root
from probe.explain.checks import explained_check, explained_proposal
from probe.explain.fixes import explained_fix
from probe.explain.measured import explained_fact
from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Diagnosis, NameDiagnosis, Suspicion
from probe.model.doctor_report import CauseReport, DoctorAddress, DoctorReport
from probe.model.machine_checks import Check, Status

_DIGITS = 4  # of probabilities


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """What the report has of the run itself. `names`: a check of each; `lost`: names without an address."""

    started: dt.datetime
    version: str
    names: tuple[Check, ...] = ()
    lost: tuple[NameDiagnosis, ...] = ()


def assemble_doctor(diagnosis: Diagnosis, facts: DoctorFacts) -> DoctorReport:
    """Make the report; checks, addresses and causes keep their order."""
    return DoctorReport(
        version=facts.version,
        started=facts.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        elapsed_s=round(diagnosis.elapsed, 3),
        well=diagnosis.well and all(name.status is Status.OK for name in facts.names),
        complete=diagnosis.complete,
        machine=tuple(map(explained_check, (*diagnosis.machine, *facts.names))),
        addresses=(*map(doctor_address, diagnosis.addresses), *map(_lost, facts.lost)),
        proposed=tuple(map(explained_proposal, diagnosis.proposed)),
        facts=diagnosis.facts,
        measurements=() if diagnosis.measurement is None else (diagnosis.measurement,),
    )


def doctor_address(diagnosis: AddressDiagnosis) -> DoctorAddress:
    """One address as the report has it, with its sentences."""
    return DoctorAddress(
        address=str(diagnosis.address.ip),
        realm=diagnosis.address.realm,
        name=diagnosis.address.name,
        condition=diagnosis.condition,
        well=diagnosis.well,
        measured=tuple(map(explained_fact, diagnosis.measured)),
        causes=tuple(map(_cause, diagnosis.causes)),
        as_root=None if diagnosis.as_root is None else explained_root(diagnosis.as_root),
    )


def _lost(diagnosis: NameDiagnosis) -> DoctorAddress:
    """A name without an address, in the place of the address that it should have."""
    return DoctorAddress(
        address=None,
        realm=diagnosis.realm,
        name=diagnosis.name,
        condition=Condition.UNKNOWN,
        well=False,
        measured=tuple(map(explained_fact, diagnosis.measured)),
        causes=tuple(map(_cause, diagnosis.causes)),
    )


def _cause(suspicion: Suspicion) -> CauseReport:
    port = suspicion.port
    return CauseReport(
        cause=suspicion.cause,
        probability=round(suspicion.probability, _DIGITS),
        port=None if port is None else port.number,
        protocol=None if port is None else port.protocol,
        ports=tuple(map(str, suspicion.ports)),
        evidence=tuple(map(explained_evidence, suspicion.evidence)),
        fix=tuple(map(explained_fix, suspicion.fix)),
    )
