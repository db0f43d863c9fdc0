"""Progress on stderr: only on a terminal, and only once a run has lasted long enough to make one wonder.

A scan's is a live view: beside the bar a line for each address, with the ports that were found open so far.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from probe import interruption
from probe.cli.terminal import is_terminal
from probe.model.probing import Observation, Shape, State
from probe.model.target import IPAddress, Protocol
from probe.services.selection import is_outcome_of_port

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
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

        self._bar = self._made(Console(file=sys.stderr))
        self._task = self._bar.add_task(_TITLE, total=None)
        self._gone.enter_context(interruption.undone_by(self._bar.stop))  # it hides the terminal's cursor
        self._bar.start()

    def _made(self, console: "Console") -> "Progress":
        from rich.progress import Progress

        return Progress(console=console, transient=True, auto_refresh=False)


_MOST_LINES = 8  # addresses that have a line of their own
_OPEN = "green"


class LiveView(ProgressBar):
    """The progress of a scan: the bar, and below it each address with its open ports.

    Where colours are not wanted (NO_COLOR) it is the bar alone.

    Args:
        addresses: those that are probed, each with its realm.
        quiet: show nothing.
        clock: seconds, from any start.
    """

    def __init__(
        self, addresses: Mapping[IPAddress, str], *, quiet: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(quiet=quiet, clock=clock)
        self._open: dict[IPAddress, dict[str, None]] = {address: {} for address in addresses}
        self._settled = dict.fromkeys(addresses, 0)
        self._realms = addresses

    @property
    def watcher(self) -> Callable[[Sequence[Observation]], None] | None:
        """What takes the outcomes of a scan as they come; None where nobody looks."""
        return self._take if self._wanted and not os.environ.get("NO_COLOR") else None

    def _take(self, observations: Sequence[Observation]) -> None:
        for one in observations:
            question = one.question
            if (
                is_outcome_of_port(one)
                and question.shape is Shape.OPENING
                and question.address in self._settled
            ):
                self._settled[question.address] += 1
                if one.state is State.OPEN:
                    udp = "" if question.port.protocol is Protocol.TCP else "/udp"
                    self._open[question.address][f"{question.port.number}{udp}"] = None

    def lines(self) -> Iterator[tuple[str, str]]:
        """A line for each address, in two parts: how far it is, and what is open there."""
        width = max(len(f"{realm} {address}") for address, realm in self._realms.items())
        for address, realm in list(self._realms.items())[:_MOST_LINES]:
            asked = self._settled[address]
            ports = ", ".join(self._open[address])
            head = f"{realm} {address}".ljust(width)
            yield f"{head}  {asked} {'port' if asked == 1 else 'ports'}", f"  open: {ports}" if ports else ""
        left = len(self._realms) - _MOST_LINES
        if left > 0:
            yield f"and {left} more", ""

    def _made(self, console: "Console") -> "Progress":
        if self.watcher is None:
            return super()._made(console)
        from rich.progress import Progress
        from rich.text import Text

        view = self

        class BarAndAddresses(Progress):
            def get_renderables(self) -> "Iterator[RenderableType]":
                yield self.make_tasks_table(self.tasks)
                for head, ports in view.lines():
                    yield Text.assemble(head, (ports, _OPEN), no_wrap=True, overflow="ellipsis")

        return BarAndAddresses(console=console, transient=True, auto_refresh=False)
