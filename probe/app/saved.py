"""What is saved and judged again: reports read back, measurements inferred from, reports rendered."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from probe.app.infer import judged
from probe.errors import UsageError
from probe.model.doctor_report import DoctorReport
from probe.model.measurement import Facts, Measurement
from probe.model.report import Report
from probe.report.formats import Form, render_as
from probe.report.read import read_report
from probe.report.style import TextStyle


def load(path: str | PathLike[str]) -> Report:
    """Read a report that was saved as JSON, from a file or, for `-`, standard input.

    Raises:
        UsageError: the file cannot be read, is not complete JSON, or is no report; named.
    """
    return read_report(Path(path))


def infer(
    measurements: Measurement | Iterable[Measurement],
    facts: Facts | None = None,
    *,
    most_rows: int | None = None,
) -> Report:
    """Infer what each port is bound to. The same measurements and facts give the same verdicts.

    Args:
        measurements: of one target, each from a vantage of its own.
        facts: what is known beside them; None: nothing.
        most_rows: where there are more ports, those that are alike share a row; None: each has its own.

    Raises:
        UsageError: there are no measurements, one is of another version, two are of one vantage, or a port
            list is wrong.
    """
    every = (measurements,) if isinstance(measurements, Measurement) else tuple(measurements)
    return judged(every, facts or Facts(), most_rows=most_rows)


def render(
    report: Report | DoctorReport, form: str = Form.JSON, *, width: int = 80, detail: bool = False
) -> str:
    """Render a report: `json`, `ndjson`, `csv`, `md`, `table`, `picture`; the doctor's: `json`, `table`.

    Args:
        report: what to render.
        form: the format.
        width: columns of a text.
        detail: whether a text has evidence and rivals too.

    Raises:
        UsageError: there is no such format.
    """
    chosen = next((one for one in Form if one == form), None)
    if chosen is None:
        raise UsageError(f"no format {form!r}: choose {', '.join(Form)}")
    return render_as(report, chosen, TextStyle(width=width, detail=detail))
