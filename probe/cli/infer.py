"""`bindprobe infer`: verdicts again, from the measurements that a report keeps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe.cli import options
from probe.cli.app import app

if TYPE_CHECKING:
    from probe.model.report import Report

_Reports = Annotated[
    list[Path],
    typer.Argument(
        metavar="REPORT.json...",
        help="Reports of one target made with --json, each from a vantage of its own; - is stdin.",
    ),
]


@app.command()
def infer(  # noqa: PLR0913 - each is a flag
    reports: _Reports,
    *,
    picture: options.Picture = False,
    as_json: options.AsJson = False,
    as_ndjson: options.AsNdjson = False,
    as_csv: options.AsCsv = False,
    as_markdown: options.AsMarkdown = False,
    output: options.Output = None,
    strict: options.Strict = False,
    all_ports: options.AllPorts = False,
    redact: options.Redact = False,
    verbose: options.Verbose = False,
) -> None:
    """Infer again what each port is bound to, from saved measurements of one or several vantages."""
    from probe.cli.measure import deliver
    from probe.cli.output import choose, forms_of
    from probe.report.grouping import MOST_ROWS

    forms = forms_of(
        picture=picture, as_json=as_json, as_ndjson=as_ndjson, as_csv=as_csv, as_markdown=as_markdown
    )
    destination = choose(forms, output, detail=verbose)
    destination.check()
    most_rows = None if all_ports else MOST_ROWS
    report = _inferred(reports, strict=strict, redact=redact, most_rows=most_rows)
    raise typer.Exit(deliver(report, destination, strict=report.facts.strict))


def _inferred(paths: Sequence[Path], *, strict: bool, redact: bool, most_rows: int | None) -> "Report":
    """Read the reports and judge what they measured.

    Raises:
        UsageError: one cannot be read, or two are of one vantage.
    """
    from probe.app.infer import merged
    from probe.app.invoker import acting_as_invoker
    from probe.app.saved import infer as infer_again
    from probe.app.saved import load
    from probe.cli.output import STDOUT
    from probe.redact.measurements import redacted
    from probe.report.read import read_stdin

    with acting_as_invoker():
        found = [read_stdin() if path == STDOUT else load(path) for path in paths]
    known = merged(found, strict=strict)
    if redact:
        known = redacted(known.measurements, known.facts)
    return infer_again(known.measurements, known.facts, most_rows=most_rows)
