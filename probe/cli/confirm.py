"""`bindprobe confirm`: verdicts beside the target's own list of its sockets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probe.cli import options
from probe.cli.app import app
from probe.cli.formats import chooses_form
from probe.cli.help_layout import GroupedCommand, with_examples
from probe.errors import UsageError
from probe.report.formats import Form

if TYPE_CHECKING:
    from probe.model.sockets import SocketTable

_Ssh = Annotated[
    str | None,
    typer.Option(
        "--ssh", metavar="USER@HOST", help="List the target's sockets by one read-only command over ssh."
    ),
]
_Listing = Annotated[
    Path | None,
    typer.Option(
        "--ss",
        metavar="FILE",
        help="Output of ss -tulnpe on the target, or of netstat -an, lsof -nP -i, docker ps; - is stdin.",
    ),
]
_HELP = with_examples(
    "Compare a report's verdicts with the sockets that the target lists itself.",
    ("bindprobe confirm report.json --ssh nas", "ssh nas ss -tulnpe | bindprobe confirm report.json --ss -"),
)


@app.command(help=_HELP, cls=GroupedCommand)
@chooses_form()
def confirm(  # noqa: PLR0913 - each is a flag
    report: options.SavedReport,
    *,
    ssh: _Ssh = None,
    listing: _Listing = None,
    form: Form = Form.TABLE,
    output: options.Output = None,
    all_ports: options.AllPorts = False,
    redact: options.Redact = False,
    _color: options.Colour = options.ColourChoice.AUTO,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare a report's verdicts with the sockets that the target lists itself."""
    from probe.app.confirm import confirmed
    from probe.app.invoker import go_on_as_invoker
    from probe.cli.measure import deliver
    from probe.cli.notices import warn_of_other_machine
    from probe.cli.output import Destination
    from probe.report.formats import MOST_ROWS
    from probe.report.read import read_report

    if (ssh is None) is (listing is None):
        raise UsageError(
            "give the target's sockets: --ssh USER@HOST, or --ss FILE with the output of ss -tulnpe"
        )
    if listing is not None and listing == report:
        raise UsageError(f"the report and the list of sockets cannot both be {report}")
    destination = Destination.of(form, output, detail=verbose, every_row=all_ports)
    go_on_as_invoker()
    destination.check()
    found = read_report(report)
    sockets = _listed(ssh, listing)
    joined = confirmed([found], sockets, most_rows=None if all_ports else MOST_ROWS, redact=redact)
    warn_of_other_machine(joined, quiet=quiet)
    raise typer.Exit(deliver(joined, destination))


def _listed(ssh: str | None, listing: Path | None) -> "SocketTable":
    """The target's sockets, by ssh or from a file, as the user who called.

    Raises:
        UsageError: the file cannot be read, or lists none.
        NothingMeasuredError: ssh could not log in.
    """
    from probe.app.confirm import sockets_by_ssh
    from probe.report.read import read_text
    from probe.socktable.table import read_socket_table

    if listing is None:
        return sockets_by_ssh(ssh or "")
    return read_socket_table(read_text(listing))
