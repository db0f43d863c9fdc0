"""What `scan` does once its flags are read: check them, measure, and hand the report over."""

import datetime as dt
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probe import interruption
from probe.app.engine_request import EngineRequest
from probe.app.plan import make_plan
from probe.app.privileged_start import started
from probe.app.scan import Reporting, scan
from probe.app.session import Backends, permitted_follow_ups
from probe.app.target import Target, resolve_target
from probe.app.way_out import require_sources
from probe.backends.clients import SystemClients
from probe.backends.system_host import SystemHost
from probe.cli.notices import (
    announce,
    hint,
    note_left_out,
    offer_tunnels,
    warn_of_changes,
    warn_of_other_machine,
    warn_of_packets,
)
from probe.cli.output import Destination
from probe.cli.progress import LiveView
from probe.errors import NothingMeasuredError, UsageError
from probe.machine.interfaces import interfaces
from probe.model.binding import UNREACHED, Binding
from probe.model.facts import HERE
from probe.model.plan import Timing
from probe.model.target import ResolvedTarget
from probe.report.formats import MOST_ROWS, Form

if TYPE_CHECKING:
    from probe.model.report import Report
    from probe.model.sockets import SocketTable

EXIT_INCONCLUSIVE = 5
EXIT_INTERRUPTED = 130


def print_plan(
    target: Target, timing: Timing, destination: Destination, request: EngineRequest, *, quiet: bool
) -> None:
    """Print what would be asked, and which raw packets might follow.

    Raises:
        UsageError: a format that plans do not have, or no target.
        NothingMeasuredError: a name has no address.
        UnwrittenError: it could not be written.
    """
    if destination.form not in {Form.TABLE, Form.JSON}:
        raise UsageError(f"--plan and --{destination.form} exclude each other; a plan is text or --json")
    destination.check()
    way = request.way
    host = SystemHost(way=way)
    resolved = resolve_target(target, host, SystemClients(), note_left_out(quiet=quiet))
    require_sources(way, (address.ip for address in resolved.addresses))
    plan = make_plan(resolved, timing, host, controls=request.controls)
    from probe.report.plan_text import render_plan, render_plan_json

    follow_ups, missing = permitted_follow_ups(request)
    hint(missing, quiet=quiet, detail=destination.detail)
    if destination.form is Form.JSON:
        destination.write_text(render_plan_json(plan, follow_ups))
    else:
        destination.write_text(render_plan(plan, destination.style(), follow_ups, request.inquiry))


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan is run and shown."""

    quiet: bool = False
    strict: bool = False
    all_ports: bool = False
    redact: bool = False
    confirm: str | None = None  # where ssh finds the target's own list of sockets
    every: float = 0.0  # seconds between scans that go on until a signal; 0: one is made
    metrics: Destination | None = None  # where Prometheus finds what the last scan found


def run(
    target: Target, timing: Timing, destination: Destination, request: EngineRequest, how: ScanOptions
) -> int:
    """Find the target, probe it, and hand the report over; return the exit code.

    Raises:
        UsageError: no target.
        PrivilegeError: raw packets were asked for by name and are not permitted, or privileges are left.
        NothingMeasuredError: a name has no address, ssh cannot log in, or not one probe could be sent.
        OutputError: the result cannot be written.
    """
    with started(request, destination.around()) as session:
        backends = session.backends
        left_out = note_left_out(quiet=how.quiet)
        resolved = resolve_target(target, backends.host, backends.clients, left_out)
        hint(session.missing, quiet=how.quiet, detail=destination.detail)
        offer_tunnels(resolved, interfaces, quiet=how.quiet)
        announce(request, resolved, backends.host)
        sockets = _listed(how.confirm)
        with interruption.held():
            began = dt.datetime.now(dt.UTC)
            report = measure(resolved, timing, backends, how, sockets)
            keep_metrics(how, report, began)
            warn_of_other_machine(report, quiet=how.quiet)
            warn_of_packets(session.capture)
            warn_of_changes(report, quiet=how.quiet)
            return deliver(report, destination, strict=how.strict)


def _listed(destination: str | None) -> "SocketTable | None":
    """What the target lists of its sockets, before it is scanned: a user may have to type a password."""
    if destination is None:
        return None
    from probe.app.confirm import sockets_by_ssh

    return sockets_by_ssh(destination)


def measure(
    target: ResolvedTarget,
    timing: Timing,
    backends: Backends,
    how: ScanOptions,
    sockets: "SocketTable | None" = None,
) -> "Report":
    """Probe with what is at hand and conclude, beside what the target lists of its sockets.

    Raises:
        NothingMeasuredError: not one probe could be sent.
    """
    view = LiveView({one.ip: one.realm for one in target.addresses}, quiet=how.quiet)
    reporting = Reporting(
        vantage=platform.node() or HERE,
        strict=how.strict,
        most_rows=None if how.all_ports else MOST_ROWS,
        redact=how.redact,
        sockets=sockets,
        watcher=view.watcher,
    )
    with view:
        return scan(target, timing, backends, progress=view, how=reporting)


def keep_metrics(how: ScanOptions, report: "Report | None", began: dt.datetime) -> None:
    """Write the metrics of a scan where they were asked for; None: it measured nothing.

    Raises:
        UnwrittenError: they could not be written.
    """
    if how.metrics is None:
        return
    from probe.report.prometheus import render_prometheus

    how.metrics.write_text(render_prometheus(report, began))


def deliver(report: "Report", destination: Destination, *, strict: bool = False) -> int:
    """Write a report and return the exit code that it ends with.

    Raises:
        UnwrittenError: it could not be written.
    """
    destination.write(report)
    if not report.complete:
        return EXIT_INTERRUPTED
    if all(address.condition in UNREACHED for address in report.addresses):
        return NothingMeasuredError.exit_code
    return EXIT_INCONCLUSIVE if strict and _inconclusive(report) else 0


def _inconclusive(report: "Report") -> bool:
    verdicts = (*report.ports, *(report.rest or ()))
    return any(one.binding is Binding.UNDETERMINED for one in verdicts)
