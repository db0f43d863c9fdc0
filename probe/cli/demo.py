"""`bindprobe demo`: a scan of a small network of its own; no other machine is touched."""

from typing import TYPE_CHECKING, Annotated

import typer

from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.report.formats import Form

if TYPE_CHECKING:
    from probe.model.report import Report

SCENARIO = "demo"
_NEXT = (
    "next: bindprobe demo --json -o report.json && bindprobe explain report.json 9090",
    "next: bindprobe ADDRESS, a host of your own; more addresses of it tell more",
)

_World = Annotated[
    options.WorldKind | None,
    typer.Option("--world", help="Where it runs; without it, in namespaces where the machine lets us."),
]


_HELP = with_examples(
    "Scan a small network that is built for it, and print what was found.",
    ("bindprobe demo", "bindprobe demo --picture"),
)


def _state_what_is_given(report: "Report") -> None:
    """Print the command line that a user would have typed for this network."""
    from probe.cli.terminal import note

    flags = [f"--{one.realm} {one.address}" for one in report.addresses]
    note(f"as: bindprobe {' '.join(flags)} -p {report.facts.named} --running {report.facts.running}")


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form()
def demo(
    context: typer.Context,
    *,
    world: _World = None,
    form: Form = Form.TABLE,
    output: options.Output = None,
    _color: options.Colour = options.ColourChoice.AUTO,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Scan a small network that is built for it, and print what was found."""
    from probe import interruption
    from probe.app.invoker import trust_no_tool_of_the_user
    from probe.cli.measure import deliver
    from probe.cli.output import Destination
    from probe.cli.terminal import note
    from probe.cli.worlds import enter_world, scan_world, settle_world

    trust_no_tool_of_the_user()
    interruption.unwind()  # a world is taken down on the way out
    destination = Destination.of(form, output, detail=verbose)
    destination.check()
    kind = settle_world(world, quiet=quiet)
    code = enter_world(kind, context.obj)
    if code is None:
        report = scan_world(SCENARIO, kind, quiet=quiet)
        to_a_reader = not quiet and form is Form.TABLE and output is None
        if to_a_reader:
            _state_what_is_given(report)
        code = deliver(report, destination)
        if to_a_reader:
            for line in _NEXT:
                note(line)
    raise typer.Exit(code)
