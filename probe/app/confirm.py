"""Verdicts confirmed: what the target lists of its own sockets joins the measurement, and both are judged."""

from collections.abc import Sequence

from msgspec.structs import replace

from probe.app.infer import judged, merged
from probe.errors import NothingMeasuredError, UsageError
from probe.machine import tools
from probe.model.report import Report
from probe.model.sockets import SocketTable
from probe.socktable.table import read_socket_table

# Read-only, of any POSIX shell: the first list that the machine has, its addresses, what Docker publishes.
LISTING = (
    "PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; "
    "ss -tulnpe 2>/dev/null || netstat -tulnp 2>/dev/null || netstat -an 2>/dev/null || "
    "cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null || lsof -nP -i 2>/dev/null; "
    "ip -o addr 2>/dev/null; docker ps 2>/dev/null; true"
)


_PATIENCE_S = 120.0  # of the whole command: a user may have to type a password
_SSH = ("ssh", "-T", "-x", "-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=10", "--")
_MOST = 32 * 2**20  # characters of a list


def sockets_by_ssh(destination: str) -> SocketTable:
    """List the sockets of a machine by one command over ssh. Nothing is written or installed there.

    It is the system's ssh, with the user's settings, agent and known hosts: it asks for passwords on the
    terminal itself, and complains on stderr.

    Args:
        destination: as ssh takes it: [USER@]HOST, a name of ~/.ssh/config, ssh://USER@HOST:PORT.

    Raises:
        UsageError: no destination, ssh is not installed, or the machine has no tool that lists sockets.
        NothingMeasuredError: ssh could not log in.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    if not destination or destination.startswith("-") or any(map(str.isspace, destination)):
        raise UsageError(f"{destination!r} is no destination for ssh; give USER@HOST")
    answer = tools.ask((*_SSH, destination, f"exec sh -c '{LISTING}'"), _PATIENCE_S, complains_itself=True)
    if answer.failure is tools.ToolFailure.ABSENT:
        raise UsageError("ssh is not installed; run ss -tulnpe on the target and give its output with --ss")
    if answer.failure is not None and not answer.output:
        raise NothingMeasuredError(f"ssh {destination} failed ({answer.why})")
    if len(answer.output) > _MOST:
        raise UsageError(f"{destination} printed more than {_MOST >> 20} MB, which is no list of sockets")
    return read_socket_table(answer.output)


def confirmed(
    reports: Sequence[Report], sockets: SocketTable, *, most_rows: int | None = None, redact: bool = False
) -> Report:
    """Judge reports of one target again beside its own list of sockets.

    Args:
        reports: as `infer` takes them.
        sockets: what the target lists.
        most_rows: where there are more ports, those that are alike share a row; None: each has its own.
        redact: replace what names a network.

    Raises:
        UsageError: a report has no measurement that can be judged, or two are of one vantage.
    """
    known = merged(reports)
    facts = replace(known.facts, sockets=sockets)
    return judged(known.measurements, facts, most_rows=most_rows, redact=redact)


def is_elsewhere(report: Report) -> bool:
    """Whether the list names its machine's addresses, and none of them is one of the target's inside.

    A public address may be a router's that forwards.
    """
    sockets = report.facts.sockets
    inside = {one.address for one in report.addresses if one.realm != "public"}
    return sockets is not None and bool(sockets.addresses and inside) and not inside & set(sockets.addresses)
