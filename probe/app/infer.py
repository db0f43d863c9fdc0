"""From measurements to the report, whether the scan was just made or its report read back.

Pure. The same measurements and facts give the same verdicts, to the last digit.
"""

from collections import Counter
from collections.abc import Sequence

from probe.engine.rows import unfold
from probe.errors import UsageError
from probe.explain.wording import worded
from probe.inference import infer
from probe.model.facts import AddressSurvey
from probe.model.measurement import VERSION, Facts, Judged, Measurement
from probe.model.report import Report
from probe.model.sockets import SocketTable
from probe.report.document import assemble
from probe.report.grouping import grouped
from probe.services.port_list import format_port_list, port_set
from probe.version import __version__


def judged(
    measurements: Sequence[Measurement],
    facts: Facts,
    *,
    most_rows: int | None = None,
    surveys: Sequence[AddressSurvey] | None = None,
    redact: bool = False,
) -> Report:
    """Conclude what the measurements of one target allow, and report it.

    Args:
        measurements: at least one; each of a vantage of its own.
        facts: what the user stated.
        most_rows: where there are more ports, those that are alike share a row; None: each has its own.
        surveys: what the measurements were made of, in their order: these have each probe's round-trip time,
            where a row has the median of many. None: they are gone.
        redact: replace what names a network, before anything is concluded of it.

    Raises:
        UsageError: there is no measurement, one is of another version, two are of one vantage, or a port that
            there is not, in a row or in the facts.
    """
    _check(measurements)
    if redact:
        from probe.redact.measurements import redacted

        without = redacted(measurements, facts)
        measurements, facts, surveys = without.measurements, without.facts, None
    return worded(_assembled(measurements, facts, most_rows, surveys))


def _check(measurements: Sequence[Measurement]) -> None:
    """Raise a UsageError where the measurements cannot be judged together.

    Two of one vantage would count every answer twice.
    """
    if not measurements:
        raise UsageError("there are no measurements to infer from")
    check_version(measurements)
    vantages = Counter(one.vantage for one in measurements)
    vantage, times = vantages.most_common(1)[0]
    if times > 1:
        raise UsageError(f"two measurements are of the vantage {vantage!r}; give one of each, or name them")


def _assembled(
    measurements: Sequence[Measurement],
    facts: Facts,
    most_rows: int | None,
    surveys: Sequence[AddressSurvey] | None,
) -> Report:
    """The report without its sentences; what it is made of is gone before they are written."""
    unfolded = tuple(unfold(address, one.vantage, facts) for one in measurements for address in one.addresses)
    verdict = infer(unfolded, facts)
    shown = surveys or unfolded
    del unfolded  # of many ports as large as the surveys
    report = assemble(shown, verdict, measurements, facts, version=__version__)
    return report if most_rows is None else grouped(report, most_rows)


def merged(reports: Sequence[Report], *, strict: bool = False) -> Judged:
    """Take the measurements of several reports on one target together, and what their users stated.

    Raises:
        UsageError: a report has none.
    """
    if not all(report.measurements for report in reports):
        raise UsageError("a report has no measurements to infer from")
    stated = [report.facts for report in reports]
    running = {port for facts in stated for port in port_set(facts.running)}
    named = {port for facts in stated for port in port_set(facts.named)}
    return Judged(
        measurements=tuple(one for report in reports for one in report.measurements),
        facts=Facts(
            running=format_port_list(sorted(running)),
            named=format_port_list(sorted(named)),
            strict=strict or any(facts.strict for facts in stated),
            realms={ip: realm for facts in reversed(stated) for ip, realm in facts.realms.items()},
            sockets=_joined([facts.sockets for facts in stated if facts.sockets is not None]),
        ),
    )


def whole(report: Report) -> Report:
    """The report with a row for every port, judged by this program, whichever version made it.

    Raises:
        UsageError: it has no measurement that can be judged.
    """
    known = merged([report])
    return judged(known.measurements, known.facts)


def _joined(tables: Sequence[SocketTable]) -> SocketTable | None:
    """What the target lists by several reports, as one list; None where none has any."""
    if not tables:
        return None
    return SocketTable(
        listeners=tuple(dict.fromkeys(one for table in tables for one in table.listeners)),
        complete=tuple(sorted({one for table in tables for one in table.complete})),
        addresses={ip: name for table in reversed(tables) for ip, name in table.addresses.items()},
    )


def check_version(measurements: Sequence[Measurement]) -> None:
    """Raise a UsageError that names a measurement which another version has made."""
    other = next((one for one in measurements if one.version != VERSION), None)
    if other is not None:
        known = f"this bindprobe reads {VERSION}"
        raise UsageError(f"the measurement of {other.vantage!r} is of version {other.version}; {known}")
