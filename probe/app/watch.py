"""Watching: check again and again until all is well, and show what changed. Owns no clock of its own."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from probe import interruption
from probe.model.doctor_report import Change, DoctorReport
from probe.report.doctor_text import changes

EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the loop works with.

    `show` prints a report in full or a change in a line, and returns whether anybody reads it still. `pause`
    waits so many seconds, from the end of one check to the start of the next.
    """

    check: Callable[[], DoctorReport]
    show: Callable[[DoctorReport | Change], bool]
    now: Callable[[], dt.datetime]
    pause: Callable[[float], None]
    every: float = EVERY_S

    def until_well(self) -> DoctorReport:
        """Check until all is well, a signal asks for the end, or nobody reads; return the last report."""
        report = self.check()
        read = self.show(report)
        while read and report.complete and not report.well:
            self.pause(self.every)
            if interruption.requested():
                break
            before, report = report, self.check()
            if report.complete:
                read = all(self.show(change) for change in changes(before, report, self.now()))
        return report
