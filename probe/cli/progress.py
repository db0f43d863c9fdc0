"""Progress on stderr: only on a terminal, and only once a run has lasted long enough to make one wonder."""

import contextlib
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from probe import interruption
from probe.cli.terminal import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_S = 1.0
_REFRESH_S = 0.1
_TITLE = "probing"


class ProgressBar:
    """A callback for the engine. Shows nothing before one second, and nothing where nobody looks.

    Drawn in the caller's thread: the engine stays the only one that runs.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = not quiet and is_terminal(sys.stderr)
        self._clock = clock
        self._next = clock() + _PATIENCE_S
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._gone = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                self._bar.stop()
        self._gone.close()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` questions are settled."""
        now = self._clock()
        if not self._wanted or now < self._next:
            return
        self._next = now + _REFRESH_S
        try:
            self._draw(done, total)
        except OSError:  # the terminal is gone; what is measured still counts
            self._wanted, self._bar = False, None

    @classmethod
    def load(cls) -> None:
        """Load all that a bar on this terminal takes, by drawing one where nobody sees it."""
        if not is_terminal(sys.stderr):
            return
        from io import StringIO

        from rich.console import Console
        from rich.progress import Progress

        console = Console(file=StringIO(), force_terminal=True)
        with Progress(console=console, transient=True, auto_refresh=False) as bar:
            bar.update(bar.add_task(_TITLE, total=None), completed=1, total=2, refresh=True)

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            self._start()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, refresh=True)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(file=sys.stderr), transient=True, auto_refresh=False)
        self._task = self._bar.add_task(_TITLE, total=None)
        self._gone.enter_context(interruption.undone_by(self._bar.stop))  # it hides the terminal's cursor
        self._bar.start()
