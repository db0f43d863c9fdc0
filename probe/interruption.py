"""The signals that ask this process to end (INT, TERM, HUP): noted when they come, obeyed where that is safe.

Python runs a signal's handler between any two instructions of the main thread (its module `signal`,
"Execution of Python signal handlers"): an exception raised there may tear anything in two. So the handler
raises nothing. Within `held` it notes the first signal, and whatever loops or waits asks `requested`. A
second signal, or one that comes where nothing was measured yet, ends the process at once, with the exit code
of a program that the signal ended.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, Protocol, TypeVar

GLANCE_S = 0.05  # seconds that anything may wait without asking `requested`
_BY_SIGNAL = 128  # exit codes of programs that a signal ended start here, as a shell reports them
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Killable(Protocol):
    """A process that was started."""

    def kill(self) -> None:
        """End it at once."""


P = TypeVar("P", bound=Killable)


class StopRequestedError(Exception):
    """A wait was given up because a signal asked for the end. Raised by what waits, never by the handler."""


class _State:
    """What is known of signals in this process."""

    def __init__(self) -> None:
        self.number: int | None = None  # of the first one that came within `held`
        self.held = False
        self.unwinds = False  # it raises
        self.undo: list[Callable[[], None]] = []
        self.starting: list[object] = []  # processes that are not in `undo` yet
        self.late: list[int] = []  # signals that came meanwhile


_state = _State()


def watch() -> None:
    """Take over the signals that end a process; one that is ignored, as under nohup(1), stays ignored."""
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)


def end_by(number: int) -> None:
    """End the process at once by this signal, whatever was done about it before."""
    signal.signal(number, _on_signal)


def unwind() -> None:
    """Have the first signal raise KeyboardInterrupt: what was built is taken down on its way out."""
    _state.unwinds = True


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Have these signals wait meanwhile. What is forked then has them wait until `let_come`. Unix only.

    Before a fork has handlers of its own they would be taken by those of this process, and raise there.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_come() -> None:
    """Take these signals from now on, those that have waited first."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def ignore() -> None:
    """Leave it to another process to end this one: its terminal's signals do not count here."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Note the first signal instead of ending at once: from here on there is something to lose."""
    _state.held = True
    try:
        yield
    finally:
        _state.held = False


def requested() -> bool:
    """Whether a signal asked for the end."""
    return _state.number is not None


def number() -> int | None:
    """The signal that was noted; None where none came."""
    return _state.number


def exit_code() -> int | None:
    """The exit code that a noted signal asks for; None where none came."""
    return None if _state.number is None else _BY_SIGNAL + _state.number


def check() -> None:
    """Give up where a signal asked for the end.

    Raises:
        StopRequestedError: one did.
    """
    if requested():
        raise StopRequestedError


def sleep(seconds: float) -> None:
    """Sleep, at most until a signal asks for the end."""
    end = time.monotonic() + seconds
    while not requested() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, GLANCE_S))


@contextlib.contextmanager
def undone_by(undo: Callable[[], None]) -> Iterator[None]:
    """Have `undo` called should the process end meanwhile, as it does by a signal."""
    _state.undo.append(undo)
    try:
        yield
    finally:
        _state.undo.remove(undo)


@contextlib.contextmanager
def child(start: Callable[[], P]) -> Iterator[P]:
    """Have a process that `start` starts killed should this one end meanwhile, from its first moment on."""
    token = object()
    _state.starting.append(token)
    try:
        process = start()
        _state.undo.append(process.kill)
    finally:
        _state.starting.remove(token)
        while _state.late and not _state.starting:
            _obey(_state.late.pop())
    try:
        yield process
    finally:
        _state.undo.remove(process.kill)


def leave(code: int) -> NoReturn:
    """End the process now, without its threads, which may still wait for the network."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or its reader has gone
            stream.flush()
    _end(code)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if _state.starting:
        _state.late.append(number)
    else:
        _obey(number)


def _obey(number: int) -> None:
    if _state.number is None and (_state.held or _state.unwinds):
        _state.number = number
        if _state.unwinds:
            raise KeyboardInterrupt
        return
    _end(_BY_SIGNAL + number)


def _end(code: int) -> NoReturn:
    for undo in reversed(_state.undo):
        with contextlib.suppress(Exception):  # the process ends whatever becomes of it
            undo()
    os._exit(code)
