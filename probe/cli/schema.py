"""`bindprobe schema`: the JSON Schema of the report."""

from probe.cli.app import app


@app.command()
def schema() -> None:
    """Print the JSON Schema of the --json report."""
    from probe.cli.output import Destination
    from probe.report.schema import render_schema

    Destination().write_text(render_schema())
