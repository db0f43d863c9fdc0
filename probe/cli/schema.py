"""`bindprobe schema`: the JSON Schema of the reports."""

from typing import Annotated

import typer

from probe.cli.app import app

_Doctor = Annotated[bool, typer.Option("--doctor", help="Of the report of `bindprobe doctor` instead.")]

_Diff = Annotated[bool, typer.Option("--diff", help="Of the comparison of `bindprobe diff` instead.")]


_Watch = Annotated[bool, typer.Option("--watch", help="Of a line of `bindprobe scan --watch` instead.")]


@app.command()
def schema(*, doctor: _Doctor = False, diff: _Diff = False, watch: _Watch = False) -> None:
    """Print the JSON Schema of the --json report."""
    from probe.cli.output import Destination
    from probe.report.schema import diff_schema, doctor_schema, render_schema, report_schema, watch_schema

    chosen = ((watch, watch_schema), (diff, diff_schema), (doctor, doctor_schema))
    made = next((one for wanted, one in chosen if wanted), report_schema)
    Destination().write_text(render_schema(made()))
