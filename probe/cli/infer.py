"""`bindprobe infer`: verdicts and causes again, from the measurements that a report keeps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.errors import UsageError
from probe.report.formats import Form

if TYPE_CHECKING:
    from probe.cli.output import Destination
    from probe.model.doctor_report import DoctorReport
    from probe.model.report import Report

_Reports = Annotated[
    list[Path],
    typer.Argument(
        metavar="REPORT.json...",
        help="Reports of one target made by scan --json, each from a vantage of its own, or one of doctor's; "
        "- is stdin.",
    ),
]


_HELP = with_examples(
    "Judge saved measurements again: what each port is bound to, or why an address is silent.",
    ("bindprobe infer report.json", "bindprobe infer home.json office.json --md"),
)


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form()
def infer(  # noqa: PLR0913 - each is a flag
    reports: _Reports,
    *,
    form: Form = Form.TABLE,
    output: options.Output = None,
    strict: options.Strict = False,
    all_ports: options.AllPorts = False,
    redact: options.Redact = False,
    _color: options.Colour = options.ColourChoice.AUTO,
    verbose: options.Verbose = False,
) -> None:
    """Judge saved measurements again: what each port is bound to, or why an address is silent."""
    from probe.cli.measure import deliver
    from probe.cli.output import Destination
    from probe.model.report import Report
    from probe.report.formats import MOST_ROWS

    destination = Destination.of(form, output, detail=verbose, every_row=all_ports)
    destination.check()
    most_rows = None if all_ports else MOST_ROWS
    found = _read(reports)
    scans = [one for one in found if isinstance(one, Report)]
    if len(scans) < len(found):
        raise typer.Exit(_diagnosed(found, destination, redact=redact))
    report = _inferred(scans, strict=strict, redact=redact, most_rows=most_rows)
    raise typer.Exit(deliver(report, destination, strict=report.facts.strict))


def _read(paths: Sequence[Path]) -> "list[Report | DoctorReport]":
    """Read the reports as the user who called.

    Raises:
        UsageError: one cannot be read.
    """
    from probe.app.invoker import acting_as_invoker
    from probe.report.read import read_any

    with acting_as_invoker():
        return [read_any(path) for path in paths]


def _inferred(found: "Sequence[Report]", *, strict: bool, redact: bool, most_rows: int | None) -> "Report":
    """Judge what the reports measured.

    Raises:
        UsageError: one has no measurement that can be judged, or two are of one vantage.
    """
    from probe.app.infer import judged, merged

    known = merged(found, strict=strict)
    return judged(known.measurements, known.facts, most_rows=most_rows, redact=redact)


def _diagnosed(found: "Sequence[Report | DoctorReport]", destination: "Destination", *, redact: bool) -> int:
    """Diagnose again what the doctor measured, print it, and return the exit code.

    Raises:
        UsageError: more than one report, or a format that the doctor's has not.
        UnwrittenError: it could not be written.
    """
    from probe.app.diagnose import diagnosed_again
    from probe.cli.doctoring import Printer
    from probe.model.doctor_report import DoctorReport

    report = found[0]
    if len(found) > 1 or not isinstance(report, DoctorReport):
        raise UsageError("a doctor's report is judged alone: it has one vantage; give one file")
    return Printer(destination, redact=redact).run(lambda: diagnosed_again(report))
