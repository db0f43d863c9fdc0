"""`bindprobe schema`: the JSON Schema of the reports."""

from typing import Annotated

import typer

from probe.cli.app import app

_Doctor = Annotated[bool, typer.Option("--doctor", help="Of the report of `bindprobe doctor` instead.")]


@app.command()
def schema(*, doctor: _Doctor = False) -> None:
    """Print the JSON Schema of the --json report."""
    from probe.cli.output import Destination
    from probe.report.schema import doctor_schema, render_schema, report_schema

    Destination().write_text(render_schema(doctor_schema() if doctor else report_schema()))
