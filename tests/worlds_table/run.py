"""Runs `bindprobe lab run` in several worlds at once, engines one after the other; each run is a process.

A world takes its own place: namespaces are entered, containers are controlled from outside of them.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from probe.errors import BackendError
from probe.lab.result import CheckResult, from_json
from worlds_table.grid import GridColumn

PROGRAM = (sys.executable, "-m", "probe")
_PAUSE = 0.05  # seconds between two looks at what runs
_MADE = {0, 1}  # exit codes of a run that was made, whatever was found


@dataclass(frozen=True, slots=True)
class TableRun:
    """What came of a column: results, or why this machine has no such world."""

    results: tuple[CheckResult, ...] = ()
    lacking: str | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """A column under way. What it prints goes to files: nobody reads meanwhile."""

    column: GridColumn
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]


def run_columns(
    jobs: Mapping[GridColumn, Sequence[str]],
    done: Callable[[GridColumn, TableRun], None],
    program: Sequence[str] = PROGRAM,
) -> dict[GridColumn, TableRun]:
    """Run the named scenarios of each column. Where a world cannot be had, its other columns are not tried.

    `done`: called when a column has ended. `program`: the command line of this program.

    Raises:
        BackendError: a run ended without results; the message has its last words.
    """
    outcomes: dict[GridColumn, TableRun] = {}
    waiting = [column for column, names in jobs.items() if names]
    with _interrupts_noted() as raise_what_came, _all_ended() as running:
        while waiting or running:
            raise_what_came()
            for column in _next(waiting, running):
                waiting.remove(column)
                running.append(_start(column, jobs[column], program))
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                outcome = outcomes[one.column] = _outcome(one)
                done(one.column, outcome)
                if outcome.lacking is not None:
                    waiting = [column for column in waiting if column.world != one.column.world]
            time.sleep(_PAUSE)
    return outcomes


def _next(waiting: Sequence[GridColumn], running: Sequence[_Run]) -> list[GridColumn]:
    """The first column of each world that is idle."""
    busy = {one.column.world for one in running}
    first = {column.world: column for column in reversed(waiting) if column.world not in busy}
    return list(first.values())


def _start(column: GridColumn, names: Sequence[str], program: Sequence[str]) -> _Run:
    words = ("lab", "run", *names, "--world", column.world, "--engine", column.engine, "--json", "--quiet")
    output, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has ended
    process = subprocess.Popen(
        (*program, *words), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
    )
    return _Run(column, process, output, errors)


def _outcome(run: _Run) -> TableRun:
    printed, complaint = _read(run.output), _read(run.errors).decode(errors="replace").strip()
    last = complaint.splitlines()[-1].removeprefix("bindprobe: ") if complaint else ""
    code = run.process.returncode
    column = f"{run.column.world} {run.column.engine}"
    if code in _MADE:
        try:
            return TableRun(from_json(printed))
        except ValueError as error:
            raise BackendError(f"{column} printed no results: {error}") from None
    if code == BackendError.exit_code:
        return TableRun(lacking=last or f"exit code {code}")
    raise BackendError(f"{column} ended with exit code {code}: {last or 'no reason'}")


def _read(file: IO[bytes]) -> bytes:
    with file:
        file.seek(0)
        return file.read()


@contextlib.contextmanager
def _all_ended() -> Iterator[list[_Run]]:
    """A list of runs of which none outlives this: those under way are interrupted, and end themselves.

    A signal goes to the whole group of a run, as from a terminal: who enters a namespace passes none on.
    """
    running: list[_Run] = []
    try:
        yield running
    finally:
        for one in running:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(one.process.pid, signal.SIGINT)
        for one in running:
            one.process.wait()
            one.output.close()
            one.errors.close()


@contextlib.contextmanager
def _interrupts_noted() -> Iterator[Callable[[], None]]:
    """Note SIGINT and SIGTERM; what is yielded raises KeyboardInterrupt if one has come.

    At any other moment it might find a run that is started and not in the list, or tidying up.
    """
    came: list[int] = []

    def raise_what_came() -> None:
        if came:
            raise KeyboardInterrupt

    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield raise_what_came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
