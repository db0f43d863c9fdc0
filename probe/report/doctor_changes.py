"""What changed from one report of the doctor to the next, and the line that says so."""

import datetime as dt
from collections.abc import Iterator, Mapping

from probe.model.diagnosis import Cause
from probe.model.doctor_report import Change, DoctorReport, Kind
from probe.model.machine_checks import Status
from probe.report.escape import printable

_ABSENT = "absent"  # an address that a name did not have, a tunnel that was not there


def changes(before: DoctorReport, after: DoctorReport, now: dt.datetime) -> Iterator[Change]:
    """Every address whose likeliest cause, and every check whose status changed; checks first."""
    old, new = _state(before), _state(after)
    time = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for kind, subject in dict.fromkeys((*new, *old)):
        was, is_now = old.get((kind, subject)), new.get((kind, subject))
        if was is not is_now:
            yield Change(time=time, kind=kind, subject=subject, before=was, after=is_now, well=after.well)


def _state(report: DoctorReport) -> Mapping[tuple[Kind, str], Cause | Status]:
    checks = {(Kind.CHECK, check.check): check.status for check in report.machine}
    return checks | {(Kind.ADDRESS, one.address): one.causes[0].cause for one in report.addresses}


def render_change(change: Change, zone: dt.tzinfo | None = None) -> str:
    """One line with the time of day in `zone` (None: the system's own). Ends with a newline."""
    time = dt.datetime.fromisoformat(change.time).astimezone(zone)
    step = f"{change.before or _ABSENT} -> {change.after or _ABSENT}"
    return f"{time:%H:%M:%S}  {printable(change.subject)}  {step}\n"
