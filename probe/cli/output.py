"""Where a result goes: to stdout, or to a file that appears whole or not at all."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from probe import interruption
from probe.app.invoker import acting_as_invoker
from probe.app.privileged_start import Around
from probe.cli.progress import ProgressBar
from probe.cli.terminal import discard_rest, style_of
from probe.cli.whole_file import PartFile, replace, reserved
from probe.errors import OutputError, UnwrittenError, UsageError
from probe.report.formats import Form, load, parts_of
from probe.report.style import PLAIN, TextStyle

if TYPE_CHECKING:
    from probe.model.doctor_report import DoctorReport
    from probe.model.report import Report

STDOUT = Path("-")
_CLOSED = "stdout is closed; use -o FILE"
_EFFECTIVE = os.access in os.supports_effective_ids  # what counts is as whom this process acts


@dataclass(frozen=True, slots=True)
class Destination:
    """What to print and where. `path` None: stdout; `every_row`: a row for every port of a text."""

    form: Form = Form.TABLE
    path: Path | None = None
    detail: bool = False
    every_row: bool = False
    _held: list[PartFile] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, form: Form, path: Path | None, *, detail: bool = False, every_row: bool = False
    ) -> "Destination":
        """The destination that the options ask for; `check` it before anything is probed."""
        return cls(form, None if path == STDOUT else path, detail, every_row)

    def write(self, report: "Report | DoctorReport") -> bool:
        """Render a report and write it; False where it went to a pipe that nobody reads any more.

        Raises:
            UnwrittenError: it could not be written. A file is as it was before, and stdout has the report.
        """
        return self._write(lambda: parts_of(report, self.form, self.style()))

    def around(self) -> Around:
        """What the privileged start does for this destination: load what prints there, and hold its place."""
        return Around(self._load, self.reserved)

    def _load(self) -> None:
        load(self.form)
        ProgressBar.load()

    def check(self) -> None:
        """Find out whether it can be written, before anything is probed.

        Raises:
            OutputError: stdout is closed, or the file's folder does not exist or cannot be written to.
        """
        with self.reserved():
            pass

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        """Make sure that it can be written, and hold a file open for it until it is, or until the end.

        Raises:
            OutputError: as `check`.
        """
        with contextlib.ExitStack() as stack:
            self._reserve(stack)
            try:
                yield
            finally:
                self._held.clear()

    def _reserve(self, stack: contextlib.ExitStack) -> None:
        if self.path is None:
            if sys.stdout is None:
                raise OutputError(_CLOSED)
            return
        try:
            with acting_as_invoker():
                if _is_replaced(self.path):
                    self._held.append(stack.enter_context(reserved(self.path.resolve())))
        except OSError as error:
            reason = (error.strerror or "not even looked at").lower()
            raise OutputError(f"{str(self.path)!r} cannot be written: {reason}") from None
        except RuntimeError:  # of Path.resolve
            raise OutputError(f"{str(self.path)!r} cannot be written: links lead to each other") from None

    def require_apart_from(self, packets: Path | None) -> None:
        """Refuse the packet file's own place, where one of the two would overwrite the other.

        Raises:
            UsageError: it is the same.
        """
        if self.path is None or packets is None or packets.is_char_device():
            return
        if os.path.realpath(self.path) == os.path.realpath(packets):
            raise UsageError("--pcap and -o name one file; give each its own")

    def style(self) -> TextStyle:
        """How text is laid out where it goes."""
        for_a_file = TextStyle(width=PLAIN.width, detail=self.detail)
        style = style_of(sys.stdout, detail=self.detail) if self.path is None else for_a_file
        return style._replace(every_row=self.every_row)

    def write_text(self, text: str) -> bool:
        """Write a text; False where it went to a pipe that nobody reads any more.

        Raises:
            UnwrittenError: it could not be written. A file is as it was before, and stdout has the text.
        """
        return self._write(lambda: (text,))

    def _write(self, parts: Callable[[], Iterable[str]]) -> bool:
        if self.path is None:
            return _to_stdout(parts())
        try:
            return self._to_file(self.path, parts())
        except OSError as error:
            _to_stdout(parts())
            problem = f"{str(self.path)!r} could not be written: {error.strerror}"
            raise UnwrittenError(f"{problem}; the result is printed instead") from None

    def _to_file(self, path: Path, parts: Iterable[str]) -> bool:
        try:
            with acting_as_invoker():
                if self._held:
                    self._held.pop().replace(parts)
                elif _is_special(path):
                    with open(_opened(path), "w", encoding="utf-8", newline="") as file:
                        file.writelines(parts)
                else:
                    replace(path.resolve(), parts)
        except BrokenPipeError:
            return False  # a named pipe whose reader has seen enough
        return True


def _is_replaced(path: Path) -> bool:
    """Whether a file is written by replacing it; a device or a pipe is not.

    Raises:
        OutputError: it is a folder, or in none, or may not be written to.
    """
    folder = path.resolve().parent  # a link is followed
    if path.is_dir():
        raise OutputError(f"{str(path)!r} is a folder; give -o a file")
    if not folder.is_dir():
        raise OutputError(f"{str(path)!r} cannot be written: there is no folder {str(folder)!r}")
    if _is_special(path):
        if not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
            raise OutputError(f"{str(path)!r} cannot be written: permission denied")
        return False
    return True


def _is_special(path: Path) -> bool:
    """Whether this is a device or a pipe, which is written to and never replaced."""
    return path.exists() and not path.is_file()


# Characters, and so at most PIPE_BUF bytes: a pipe takes those whole or not at all (POSIX, write()).
_AT_ONCE = 1024


def _write_whole(stream: TextIO, text: str) -> None:
    """Write all of a text. An unbuffered stream (`python -u`) loses what a signal cuts off a longer write."""
    stream.writelines(text[start : start + _AT_ONCE] for start in range(0, len(text), _AT_ONCE))


def _to_stdout(parts: Iterable[str]) -> bool:
    stream = sys.stdout
    if stream is None:
        raise OutputError(_CLOSED)
    try:
        with contextlib.suppress(io.UnsupportedOperation):  # a stream without a descriptor
            _set_blocking(stream.fileno())
        for part in parts:
            _write_whole(stream, _encodable(part, stream.encoding))
        stream.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` has: no error
        discard_rest(stream)
        return False
    except OSError as error:
        discard_rest(stream)
        raise UnwrittenError(f"stdout cannot be written: {error.strerror}") from None
    return True


def _encodable(text: str, encoding: str | None) -> str:
    """What the stream's encoding does not have is escaped rather than refused."""
    encoding = encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _opened(path: Path) -> int:
    """Open a device or a pipe. A pipe is waited for until somebody reads it, or a signal asks for the end.

    Raises:
        OSError: it cannot be opened, or nobody reads it.
    """
    flags = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    while True:
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if interruption.requested():
                raise OSError(error.errno, "nobody reads this pipe") from None
            interruption.sleep(interruption.GLANCE_S)
        else:
            _set_blocking(descriptor)
            return descriptor


def _set_blocking(descriptor: int) -> None:
    """Have writes wait for room: another program may have set the pipe to refuse what it cannot take."""
    if sys.platform != "win32":
        os.set_blocking(descriptor, True)
