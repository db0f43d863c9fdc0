"""A scan made again and again: what changed from one to the next, and when none could be made.

Pure but for what is handed in. A scan that measures nothing is a gap, not a change; a port is compared with
the last scan in which its address was reached, so that what changed meanwhile shows once it is back.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from probe import interruption
from probe.app.diff import address_differences, is_reached, port_differences
from probe.errors import NothingMeasuredError
from probe.model.binding import Binding
from probe.model.report import PortReport, Report
from probe.model.target import Port
from probe.model.watching import WatchEvent, WatchKind


@dataclass(frozen=True, slots=True)
class ScanWatch:
    """What the loop works with.

    Args:
        scan: makes one scan, with a row for every port.
        show: prints the first report, or an event; whether anybody reads it still.
        now: the time of day.
        pause: waits so many seconds.
        every: seconds from the end of one scan to the start of the next.
    """

    scan: Callable[[], Report]
    show: Callable[[Report | WatchEvent], bool]
    now: Callable[[], dt.datetime]
    pause: Callable[[float], None]
    every: float

    def run(self) -> Report | None:
        """Scan until a signal asks for the end, or nobody reads; the last scan that measured something."""
        comparison = Comparison()
        reading = True
        while reading:
            began = self.now()
            try:
                report = self.scan()
            except NothingMeasuredError as problem:
                pieces = comparison.missed(str(problem), began)
            else:
                if not report.complete:
                    break
                pieces = comparison.take(report, began)
            reading = all(self.show(piece) for piece in pieces)
            if reading:
                self.pause(self.every)
            reading = reading and not interruption.requested()
        return comparison.last


class Comparison:
    """What the scans until now have shown."""

    def __init__(self) -> None:
        self.last: Report | None = None
        self._ports: Report | None = None  # each port as its addresses answered when they were last reached
        self._missing = False

    def missed(self, why: str, time: dt.datetime) -> list[Report | WatchEvent]:
        """A scan that measured nothing: a gap, the first time."""
        if self._missing:
            return []
        self._missing = True
        return [WatchEvent(time=_text(time), kind=WatchKind.GAP, why=why)]

    def take(self, report: Report, time: dt.datetime) -> list[Report | WatchEvent]:
        """A scan: the first in full, of a later one what changed."""
        missing, self._missing = self._missing, False
        before, self.last = self.last, report
        if before is None or self._ports is None:
            self._ports = report
            return [report]
        changes = *address_differences(before, report), *port_differences(self._ports, report)
        self._ports = _with_what_was_known(report, self._ports)
        return [
            *([WatchEvent(time=_text(time), kind=WatchKind.RESUMED)] if missing else []),
            *(WatchEvent(time=_text(time), kind=WatchKind.CHANGED, difference=one) for one in changes),
        ]


def _text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _with_what_was_known(report: Report, before: Report) -> Report:
    """A report whose addresses that were not reached answer as they did before, as then reached."""
    known = {(one.vantage, one.address): one for one in before.addresses}
    lost = {
        place
        for one in report.addresses
        if not is_reached(one) and (place := (one.vantage, one.address)) in known and is_reached(known[place])
    }
    if not lost:
        return report
    ports = {Port(one.protocol, one.port): one for one in before.ports}
    addresses = (
        known[one.vantage, one.address] if (one.vantage, one.address) in lost else one
        for one in report.addresses
    )
    return replace(
        report,
        addresses=tuple(addresses),
        ports=tuple(_joined(one, ports.get(Port(one.protocol, one.port)), lost) for one in report.ports),
    )


def _joined(port: PortReport, before: PortReport | None, lost: set[tuple[str | None, str]]) -> PortReport:
    if before is None:
        return port
    known = {(one.vantage, one.address): one for one in before.observations}
    answers = (
        known.get((one.vantage, one.address), one) if (one.vantage, one.address) in lost else one
        for one in port.observations
    )
    named = before if port.binding is Binding.UNDETERMINED else port
    return replace(port, observations=tuple(answers), binding=named.binding, bound_to=named.bound_to)
