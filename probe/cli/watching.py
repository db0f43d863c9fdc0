"""`--watch`: check again and again until all is well, and show what changed. Owns no clock of its own."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from probe import interruption
from probe.errors import UsageError
from probe.model.doctor_report import Change, DoctorReport
from probe.report.doctor_text import changes

EXIT_WRONG = 1
EXIT_INTERRUPTED = 130
EVERY_S = 5.0
_RAREST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the loop works with.

    `show` prints a report in full or a change in a line, and says whether anybody reads it still. `pause`
    waits so many seconds, from the end of one check to the start of the next.
    """

    check: Callable[[], DoctorReport]
    show: Callable[[DoctorReport | Change], bool]
    now: Callable[[], dt.datetime]
    pause: Callable[[float], None]
    every: float = EVERY_S

    def until_well(self) -> int:
        """Check until all is well, a signal asks for the end, or nobody reads; return the exit code."""
        report = self.check()
        read = self.show(report)
        while read and report.complete and not report.well:
            self.pause(self.every)
            if interruption.requested():
                break
            before, report = report, self.check()
            if report.complete:
                read = all(self.show(change) for change in changes(before, report, self.now()))
        return exit_code(report)


def exit_code(report: DoctorReport) -> int:
    """The exit code that a report ends with."""
    if not report.complete:
        return EXIT_INTERRUPTED
    return 0 if report.well else EXIT_WRONG


def split_seconds(texts: Sequence[str]) -> tuple[float, tuple[str, ...]]:
    """Tell the number after `--watch` from the addresses: a bare number is no address.

    Raises:
        UsageError: two numbers, or one that is no sensible pause.
    """
    numbers = [text for text in texts if _is_number(text)]
    if len(numbers) > 1:
        raise UsageError(f"--watch {' '.join(numbers)}: give one number of seconds")
    every = float(numbers[0]) if numbers else EVERY_S
    if not 0 < every <= _RAREST_S:
        raise UsageError(f"--watch {numbers[0]}: give more than 0 and at most {_RAREST_S:g} seconds")
    return every, tuple(text for text in texts if text not in numbers)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()
