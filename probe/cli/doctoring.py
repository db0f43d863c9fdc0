"""What `doctor` does once its flags are read: examine, as often as asked, and print what was found."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from probe import interruption
from probe.app.checkup import EVERY_S, CheckupRequest, Watch, begin, machine_report
from probe.app.diagnose import diagnosed_again
from probe.app.engine_request import EngineRequest
from probe.app.privileged_start import looking, started
from probe.cli.notices import note_left_out
from probe.cli.output import Destination
from probe.cli.progress import ProgressBar
from probe.errors import UsageError
from probe.model.doctor_report import Change, DoctorReport
from probe.redact.texts import redacted_report
from probe.report.as_json import render_line
from probe.report.doctor_text import render_change
from probe.report.formats import Form

EXIT_WRONG = 1
EXIT_INTERRUPTED = 130
_RAREST_S = 3600.0

Checking = Callable[[], DoctorReport]


@contextmanager
def checker(
    checkup: CheckupRequest | None, request: EngineRequest, destination: Destination, *, quiet: bool
) -> Iterator[Checking]:
    """Open what the examination works with; each call of what is yielded examines everything once.

    Raises:
        PrivilegeError: raw packets were asked for by name and are not permitted.
        BackendError: this machine lets us open no sockets.
        UsageError: the environment names no user that makes sense as the one who called sudo.
        OutputError: without privileges the result could not be written.
    """
    if checkup is None:
        with looking(destination.around()) as reader:
            yield lambda: machine_report(reader)
        return
    with started(request, destination.around(), examines=True) as session:
        check = begin(checkup, session, note_left_out(quiet=quiet))

        def checked() -> DoctorReport:
            with ProgressBar(quiet=quiet) as progress:
                return check(progress)

        yield checked


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints one report, or with `every` seconds between them as many as come until a signal ends it."""

    destination: Destination
    every: float | None = None
    redact: bool = False

    def run(self, check: Checking) -> int:
        """Check and print; return the exit code.

        Raises:
            UnwrittenError: it could not be written.
        """
        if self.every is not None:
            return exit_code(Watch(check, self._show, _now, interruption.sleep, self.every).run())
        report = diagnosed_again(redacted_report(check())) if self.redact else check()
        self.destination.write(report)
        return exit_code(report)

    def _show(self, piece: DoctorReport | Change) -> bool:
        if self.destination.form is Form.JSON:
            return self.destination.write_text(render_line(piece))
        if isinstance(piece, DoctorReport):
            return self.destination.write(piece)
        return self.destination.write_text(render_change(piece))


def printer_of(destination: Destination, every: float | None, *, redact: bool = False) -> Printer:
    """What prints, `every` seconds or once (None); `redact` replaces what names a network.

    Raises:
        UsageError: a file, which is written wholly or not at all, for lines that come one by one; or these
            redacted, which would take other replacements in each.
    """
    if every is not None and destination.path is not None:
        raise UsageError("--watch and -o exclude each other: changes are printed as they come; use > FILE")
    if every is not None and redact:
        raise UsageError("--watch and --redact exclude each other: redact one report, without --watch")
    return Printer(destination, every, redact)


def exit_code(report: DoctorReport) -> int:
    """The exit code that a report ends with."""
    if not report.complete:
        return EXIT_INTERRUPTED
    return 0 if report.well else EXIT_WRONG


def split_seconds(texts: Sequence[str]) -> tuple[float, tuple[str, ...]]:
    """Separate the number after `--watch` from the addresses: a bare number is no address.

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


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
