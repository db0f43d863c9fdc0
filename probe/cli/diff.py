"""`bindprobe diff`: what changed between two reports of one target."""

from pathlib import Path
from typing import Annotated

import typer

from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.errors import UsageError
from probe.report.formats import Form

EXIT_DIFFERENT = 1

_Old = Annotated[Path, typer.Argument(metavar="OLD.json", help="A report made with --json; - is stdin.")]
_New = Annotated[Path, typer.Argument(metavar="NEW.json", help="A later one of the same target.")]


_HELP = with_examples(
    "Compare two reports: what opened, closed, moved. Ends with 1 where something changed.",
    ("bindprobe diff monday.json tuesday.json", "bindprobe diff old.json new.json --json"),
)


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form((Form.TABLE, Form.JSON))
def diff(
    old: _Old,
    new: _New,
    *,
    form: Form = Form.TABLE,
    output: options.Output = None,
) -> None:
    """Compare two reports: what opened, closed, moved. Ends with 1 where something changed."""
    from probe.app.diff import compare
    from probe.app.invoker import acting_as_invoker
    from probe.cli.output import Destination
    from probe.report.as_json import render_indented
    from probe.report.difference_text import render_differences
    from probe.report.read import read_report

    if old == new:
        raise UsageError(f"two reports are compared, and {old} is one")
    destination = Destination.of(form, output)
    destination.check()
    with acting_as_invoker():
        reports = read_report(old), read_report(new)
    found = compare(*reports)
    style = destination.style()
    text = render_indented(found) if form is Form.JSON else render_differences(found, style)
    destination.write_text(text)
    raise typer.Exit(EXIT_DIFFERENT if found.differences else 0)
