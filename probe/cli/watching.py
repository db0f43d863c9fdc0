"""What `scan --watch` does once the flags are read: scan again and again, and print what changes."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from probe import interruption
from probe.app.engine_request import EngineRequest
from probe.app.privileged_start import started
from probe.app.session import Backends, Session
from probe.app.target import LeftOut, Target, resolve_target
from probe.app.watch import ScanWatch
from probe.cli import measure
from probe.cli.measure import keep_metrics
from probe.cli.notices import announce, hint, note_left_out, offer_tunnels, warn_of_packets
from probe.cli.output import Destination
from probe.engine.sparing import SparingBackend, SparingClients
from probe.errors import NothingMeasuredError, UsageError
from probe.machine.interfaces import interfaces
from probe.model.plan import Timing
from probe.model.report import Report
from probe.model.watching import WatchEvent
from probe.report.as_json import render_line
from probe.report.difference_text import render_event
from probe.report.formats import Form

_LINES = {Form.JSON, Form.NDJSON}


def require_sense(destination: Destination, how: measure.ScanOptions) -> None:
    """Refuse what cannot be printed line by line.

    Raises:
        UsageError: a file or a format that is whole or nothing, or what holds for one report alone.
    """
    if destination.path is not None:
        raise UsageError("--watch and -o exclude each other: changes are printed as they come; use > FILE")
    if destination.form not in {Form.TABLE, *_LINES}:
        raise UsageError(f"--watch prints text, --json or --ndjson, and no --{destination.form}")
    for given, flag in ((how.redact, "--redact"), (how.strict, "--strict"), (how.confirm, "--confirm")):
        if given:
            raise UsageError(f"--watch and {flag} exclude each other: {flag} is about one report")


def watch(
    target: Target, timing: Timing, destination: Destination, request: EngineRequest, how: measure.ScanOptions
) -> int:
    """Scan, print the report, then what changes, until a signal asks for the end; return the exit code.

    Raises:
        UsageError, PrivilegeError, OutputError: as `measure.run`.
    """
    with started(request, destination.around()) as session:
        hint(session.missing, quiet=how.quiet, detail=destination.detail)
        scans = _Scans.of(session, target, timing, request, replace(how, all_ports=True))
        with interruption.held():
            show = partial(_show, destination)
            last = ScanWatch(scans, show, _now, interruption.sleep, how.every).run()
            warn_of_packets(session.capture)
            return 0 if last is not None else NothingMeasuredError.exit_code


@dataclass(slots=True)
class _Scans:
    """Makes one scan a call: names are looked up each time, and what accepts is asked once a minute."""

    target: Target
    timing: Timing
    request: EngineRequest
    how: measure.ScanOptions
    backends: Backends
    sparing: Sequence[SparingBackend]  # of the backends
    left_out: LeftOut
    begun: bool = False

    @classmethod
    def of(
        cls,
        session: Session,
        target: Target,
        timing: Timing,
        request: EngineRequest,
        how: measure.ScanOptions,
    ) -> Self:
        """Scans with what the session has open."""
        backends = session.backends
        sparing = SparingBackend(backends.backend)
        raw = None if backends.raw is None else SparingBackend(backends.raw)
        clients = SparingClients(backends.clients, sparing.now)
        spared = replace(backends, backend=sparing, raw=raw, clients=clients)
        both = [sparing] if raw is None else [sparing, raw]
        return cls(target, timing, request, how, spared, both, note_left_out(quiet=how.quiet))

    def __call__(self) -> Report:
        """Scan once, and keep the metrics.

        Raises:
            NothingMeasuredError: a name has no address, or not one probe could be sent.
            UnwrittenError: the metrics could not be written.
        """
        began = _now()
        try:
            report = self._scanned()
        except NothingMeasuredError:
            keep_metrics(self.how, None, began)
            raise
        keep_metrics(self.how, report, began)
        return report

    def _scanned(self) -> Report:
        for one in self.sparing:
            one.begin_round()
        host = self.backends.host
        resolved = resolve_target(self.target, host, self.backends.clients, self.left_out)
        if not self.begun:
            self.begun = True
            offer_tunnels(resolved, interfaces, quiet=self.how.quiet)
            announce(self.request, resolved, host)
        return measure.measure(resolved, self.timing, self.backends, self.how)


def _show(destination: Destination, piece: Report | WatchEvent) -> bool:
    if isinstance(piece, WatchEvent) and destination.form is Form.TABLE:
        return destination.write_text(render_event(piece))
    if isinstance(piece, WatchEvent) or destination.form is Form.JSON:
        return destination.write_text(render_line(piece))
    return destination.write(piece)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
