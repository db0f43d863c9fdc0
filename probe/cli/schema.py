"""`bindprobe schema`: the JSON Schema of the reports."""

from typing import Annotated

import typer

from probe.cli.app import app

_Doctor = Annotated[bool, typer.Option("--doctor", help="Of the report of `bindprobe doctor` instead.")]

_Diff = Annotated[bool, typer.Option("--diff", help="Of the comparison of `bindprobe diff` instead.")]


@app.command()
def schema(*, doctor: _Doctor = False, diff: _Diff = False) -> None:
    """Print the JSON Schema of the --json report."""
    from probe.cli.output import Destination
    from probe.report.schema import diff_schema, doctor_schema, render_schema, report_schema

    made = diff_schema if diff else doctor_schema if doctor else report_schema
    Destination().write_text(render_schema(made()))
