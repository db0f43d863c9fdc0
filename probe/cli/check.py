"""`bindprobe check`: a target compared with what is expected of it, for CI and cron."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe.app.engines import Engine
from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import OUTPUT, PROBING, GroupedCommand, with_examples
from probe.report.formats import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.app.engine_request import EngineRequest
    from probe.cli.output import Destination
    from probe.model.expectation import CheckReport, Expectations
    from probe.model.plan import Timing
    from probe.model.report import Report

EXIT_UNMET = 1
EXIT_UNSETTLED = 5
EXIT_INTERRUPTED = 130
_AGAIN_S = 1.0  # between scans of --wait

_HELP = with_examples(
    "Scan a target and compare it with a file of expectations. Ends with 1 where one is not met.",
    ("bindprobe check expect.toml", "bindprobe check expect.toml --wait 60 --junit results.xml"),
)
_Expectations = Annotated[
    Path, typer.Argument(metavar="EXPECT.toml", help="Expectations, as bindprobe learn writes them.")
]
_Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Check a saved report, and scan nothing; - is stdin."),
]
_Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Also write JUnit's XML.", rich_help_panel=OUTPUT),
]
_GitHub = Annotated[
    bool,
    typer.Option(
        "--github", help="Annotate lines of the file, in a GitHub workflow.", rich_help_panel=OUTPUT
    ),
]
_Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="TIME",
        parser=options.seconds,
        help="Scan again for so long (30s, 2m) while something is not met: services come up.",
        rich_help_panel=PROBING,
    ),
]
_Strict = Annotated[
    bool,
    typer.Option("--strict", help="End with 5 where something is unsettled.", rich_help_panel=OUTPUT),
]


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form((Form.TABLE, Form.JSON))
def check(  # noqa: PLR0913 - each is a flag
    expectations: _Expectations,
    *,
    report: _Report = None,
    wait: _Wait = None,
    engine: options.EngineChoice = Engine.AUTO,
    timeout: options.Timeout = 1.0,
    retries: options.Retries = 2,
    rate: options.Rate = None,
    form: Form = Form.TABLE,
    output: options.Output = None,
    junit: _Junit = None,
    github: _GitHub = False,
    strict: _Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Scan a target and compare it with a file of expectations."""
    from probe.app.engine_request import EngineRequest
    from probe.app.expectations import read_expectations
    from probe.app.invoker import acting_as_invoker
    from probe.cli.output import Destination
    from probe.model.plan import Timing
    from probe.report.read import read_text

    with acting_as_invoker():
        wanted = read_expectations(read_text(expectations), str(expectations))
    destination = Destination.of(form, output)
    beside = None if junit is None else Destination.of(Form.TABLE, junit)
    for one in filter(None, (destination, beside)):
        one.check()
    if report is not None:
        found = _of_saved(report, wanted)
    else:
        request, timing = EngineRequest(engine), Timing(timeout, retries, rate)
        found = _of_scans(wanted, timing, request, destination, wait=wait or 0.0, quiet=quiet)
    raise typer.Exit(_delivered(found, str(expectations), destination, beside, github=github, strict=strict))


def _of_saved(path: Path, wanted: "Expectations") -> "CheckReport":
    """Check a saved report.

    Raises:
        UsageError: it cannot be read, or has no measurement.
    """
    from probe.app.check import check_report
    from probe.app.infer import whole
    from probe.app.invoker import acting_as_invoker
    from probe.report.read import read_report

    with acting_as_invoker():
        return check_report(whole(read_report(path)), wanted)


def _of_scans(
    wanted: "Expectations",
    timing: "Timing",
    request: "EngineRequest",
    destination: "Destination",
    *,
    wait: float,
    quiet: bool,
) -> "CheckReport":
    """Scan the target that the file names, again and again for `wait` seconds while something is not met.

    Raises:
        UsageError: the file names no address, or no port.
        Others: as a scan.
    """
    from probe import interruption
    from probe.app.check import check_report, target_of
    from probe.app.privileged_start import started
    from probe.app.target import resolve_target
    from probe.cli import measure
    from probe.cli.notices import hint, note_left_out

    target = target_of(wanted)
    with started(request, destination.around()) as session:
        backends = session.backends
        resolved = resolve_target(target, backends.host, backends.clients, note_left_out(quiet=quiet))
        hint(session.missing, quiet=quiet, where="bindprobe scan -v shows how")

        def scanned() -> "Report":
            how = measure.ScanOptions(quiet=quiet, all_ports=True)
            return measure.measure(resolved, timing, backends, how)

        with interruption.held():
            return _until_met(lambda: check_report(scanned(), wanted), wait)


def _until_met(check_once: "Callable[[], CheckReport]", wait: float) -> "CheckReport":
    """The first check that is met, or the last of those that began within `wait` seconds."""
    from probe import interruption
    from probe.model.expectation import CheckOutcome

    end = time.monotonic() + wait
    while True:
        found = check_once()
        unmet = any(one.outcome is CheckOutcome.UNMET for one in found.checked)
        if not unmet or not found.complete or time.monotonic() + _AGAIN_S > end:
            return found
        try:
            interruption.sleep(_AGAIN_S)
        except interruption.StopRequestedError:
            return found


def _delivered(
    found: "CheckReport",
    name: str,
    destination: "Destination",
    beside: "Destination | None",
    *,
    github: bool,
    strict: bool,
) -> int:
    """Write all that was asked for; the exit code.

    Raises:
        UnwrittenError: it could not be written.
    """
    from probe.model.expectation import CheckOutcome
    from probe.report.as_json import render_indented
    from probe.report.expectation_text import render_annotations, render_check, render_junit

    text = render_indented(found) if destination.form is Form.JSON else render_check(found)
    destination.write_text(text + (render_annotations(found, name) if github else ""))
    if beside is not None:
        beside.write_text(render_junit(found, name))
    outcomes = {one.outcome for one in found.checked}
    if not found.complete:
        return EXIT_INTERRUPTED
    if CheckOutcome.UNMET in outcomes:
        return EXIT_UNMET
    return EXIT_UNSETTLED if strict and CheckOutcome.UNSETTLED in outcomes else 0
