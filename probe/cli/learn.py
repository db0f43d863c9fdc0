"""`bindprobe learn`: a file of expectations from a report."""

from probe.cli import options
from probe.cli.app import app
from probe.cli.help_layout import GroupedCommand, with_examples

_HELP = with_examples(
    "Write what a report found as expectations, for bindprobe check.",
    ("bindprobe learn report.json -o expect.toml", "bindprobe 192.168.1.20 --json | bindprobe learn -"),
)


@app.command(help=_HELP, cls=GroupedCommand)
def learn(report: options.SavedReport, *, output: options.Output = None) -> None:
    """Write what a report found as expectations."""
    from probe.app.expectations import learned
    from probe.app.infer import whole
    from probe.app.invoker import acting_as_invoker
    from probe.cli.output import Destination
    from probe.report.formats import Form
    from probe.report.read import read_report

    destination = Destination.of(Form.TABLE, output)
    destination.check()
    with acting_as_invoker():
        found = read_report(report)
    destination.write_text(learned(whole(found)))
