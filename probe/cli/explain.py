"""`bindprobe explain`: how the verdict on one port of a report came about."""

from typing import TYPE_CHECKING, Annotated

import typer

from probe.cli import options
from probe.cli.app import app
from probe.cli.help_layout import GroupedCommand, with_examples

if TYPE_CHECKING:
    from probe.model.target import Port

_PortText = Annotated[str, typer.Argument(metavar="PORT", help="8000, U:53, 53/udp or a service's name.")]


_HELP = with_examples(
    "Explain a verdict: evidence, rule, candidates, rivals, and what would settle it.",
    ("bindprobe explain report.json 5432", "bindprobe 192.168.1.20 --json | bindprobe explain - ssh"),
)


@app.command(help=_HELP, cls=GroupedCommand)
def explain(report: options.SavedReport, port: _PortText) -> None:
    """Explain a verdict: evidence, rule, candidates, rivals, and what would settle it."""
    from probe.app.invoker import acting_as_invoker
    from probe.cli.output import Destination
    from probe.report.explanation import render_explanation
    from probe.report.read import read_report

    wanted = one_port(port)
    with acting_as_invoker():
        found = read_report(report)
    destination = Destination()
    destination.write_text(render_explanation(found, wanted, destination.style()))


def one_port(text: str) -> "Port":
    """Read exactly one port; `53/udp`, as reports print it, is one too.

    Raises:
        UsageError: no port, or more than one.
    """
    from probe.app.target import read_ports
    from probe.errors import UsageError

    number, slash, protocol = text.partition("/")
    letter = {"tcp": "T:", "udp": "U:"}.get(protocol.lower(), "") if slash else ""
    ports = read_ports(letter + number if letter else text)
    if len(ports) != 1:
        raise UsageError(f"{text!r} names {len(ports)} ports; explain takes one")
    return ports[0]
