"""From a measurement to the causes of what is wrong, whether the examination was just made or read back.

Pure. The same measurement and facts give the same causes, to the last digit.
"""

from collections.abc import Sequence

from msgspec import structs

from probe.app.infer import check_version
from probe.diagnosis import diagnose
from probe.engine.rows import unfold_exam
from probe.errors import UsageError
from probe.inference import infer
from probe.model.diagnosis import AddressDiagnosis
from probe.model.doctor_report import DoctorReport
from probe.model.exam import AddressExam
from probe.model.machine_checks import NAME_RULES, Status
from probe.model.measurement import Facts, Measurement
from probe.report.doctor_document import doctor_address
from probe.services.port_list import port_set


def diagnosed(
    measurement: Measurement, facts: Facts, exams: Sequence[AddressExam] | None = None
) -> tuple[AddressDiagnosis, ...]:
    """Rank the causes of what is wrong with each address of an examination.

    Args:
        measurement: one with exams.
        facts: what the user stated.
        exams: what it was made of; None: they are gone.

    Raises:
        UsageError: it is a scan's, which has no look at the machine, or a port that there is not.
    """
    if measurement.machine is None:
        raise UsageError("a scan's measurement does not show why an address is silent; run doctor")
    if exams is None:
        exams = [unfold_exam(one, measurement.vantage, facts) for one in measurement.addresses]
    verdict = infer([exam.survey for exam in exams], facts)
    return diagnose(exams, measurement.machine, verdict, port_set(facts.named))


def diagnosed_again(report: DoctorReport) -> DoctorReport:
    """Make the doctor's report again from its measurement and what the user stated.

    The checks of this machine stay: a measurement has no more of it than concerns the target.

    Raises:
        UsageError: its measurement is of another version, or has too little.
    """
    if not report.measurements:
        return report
    check_version(report.measurements)
    found = [one for measured in report.measurements for one in diagnosed(measured, report.facts)]
    names = (check for check in report.machine if check.found.rule in NAME_RULES)
    return structs.replace(
        report,
        well=all(one.well for one in found) and all(name.status is Status.OK for name in names),
        addresses=(*map(doctor_address, found), *(one for one in report.addresses if one.address is None)),
    )
