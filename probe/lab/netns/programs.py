"""Programs and commands that run on hosts of a world. Linux only; knows nothing of scenarios.

A host is named by a process that lives in it; None is the calling thread's own host.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from probe.errors import BackendError
from probe.lab.netns import enter, syscalls

_PATIENCE = 10.0  # seconds for anything to get ready
_PAUSE = 0.002


def not_installed(tools: Mapping[str, str], *folders: str) -> str | None:
    """Find which programs are missing, with their packages; None: they are all there.

    `tools`: Debian package by program. `folders`: where to look beside the usual ones.
    """
    path = ":".join([enter.environment()["PATH"], *folders])
    missing = [tool for tool in tools if shutil.which(tool, path=path) is None]
    packages = ", ".join(dict.fromkeys(tools[tool] for tool in missing))
    return f"not installed: {', '.join(missing)} (packages {packages})" if missing else None


def on_host(host: int | None, argv: Sequence[str]) -> list[str]:
    """Return the command that runs another one in the network and with the mounts of a host."""
    return [*(() if host is None else ("nsenter", "-t", str(host), "-n", "-m", "--")), *argv]


def run(host: int | None, argv: Sequence[str], text: str = "") -> str:
    """Run a command on a host to its end, `text` being its input, and return what it printed.

    Raises:
        BackendError: it is missing or fails; the message has its last line.
    """
    done = attempt(host, argv, text)
    if done.returncode != 0:
        raise BackendError(f"{argv[0]} cannot build the world: {_last_line(done.stderr) or done.returncode}")
    return done.stdout


def attempt(host: int | None, argv: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command on a host to its end, whatever comes of it.

    Raises:
        BackendError: it is not installed.
    """
    try:
        return subprocess.run(  # noqa: S603 - the lab's own commands, in a network that leads nowhere
            on_host(host, argv),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=enter.environment(),
        )
    except FileNotFoundError as error:
        raise BackendError(f"not installed: {error.filename}") from None


def await_that(what: str, condition: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until a condition holds, for `patience` seconds at most.

    Raises:
        BackendError: it does not come to hold; `what` names it.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise BackendError(f"{what} does not come up")
        time.sleep(_PAUSE)


class Program:
    """A program that runs on a host until it is ended, or the process that started it ends."""

    def __init__(
        self, host: int | None, argv: Sequence[str], text: str = "", name: str | None = None
    ) -> None:
        """Start it. `text` is its input, `name` what messages call it; none: the command.

        Raises:
            BackendError: it is not installed.
        """
        self._name = argv[0] if name is None else name
        log = os.memfd_create(self._name)
        self._log: int | None = log
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the lab's own programs
                on_host(host, argv),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=enter.environment(),
                preexec_fn=functools.partial(syscalls.die_with_parent, os.getpid()),  # noqa: PLW1509 - one call
            )
        except FileNotFoundError as error:
            os.close(log)
            raise BackendError(f"not installed: {error.filename}") from None
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        with self._process.stdin as given:
            given.write(text.encode())

    @property
    def pid(self) -> int:
        """Its process, which `await_that` and `end` know to be ours."""
        return self._process.pid

    def output(self) -> str:
        """Everything that it has printed so far; once it was ended, nothing."""
        if self._log is None:
            return ""
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode(errors="replace")

    def require_alive(self) -> None:
        """Make sure that it runs.

        Raises:
            BackendError: it has ended; its last line has the reason.
        """
        if self._process.poll() is not None:
            raise BackendError(f"{self._name} ended early: {_last_line(self.output()) or 'without a word'}")

    def await_that(self, condition: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Wait until a condition holds, for `patience` seconds at most.

        Raises:
            BackendError: it does not come to hold, or the program ends before; its last line has the reason.
        """

        def holds() -> bool:
            self.require_alive()
            return condition()

        await_that(self._name, holds, patience)

    def await_end(self) -> None:
        """Wait for it to end by itself, for a time; then it is still to be ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)

    def end(self) -> None:
        """End it at once, and reap it. Twice is no harm."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
