"""Asking the system's own tools, `ip`, `wg`, `nft` and their like: bounded in time, never through a shell.

A tool that is not installed, or that may not answer, is an answer like any other; its output is for others
to read.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probe import interruption

PATIENCE_S = 2.0
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # where no user may plant a tool
_ADMINISTRATORS = ("/usr/sbin", "/sbin")  # where their tools are; users often lack it in PATH
_FORBIDDEN = ("not permitted", "permission denied", "must be root", "are you root", "requires root")


class ToolFailure(StrEnum):
    """Why a tool did not report what it was asked."""

    ABSENT = "not installed"
    NOT_PERMITTED = "not permitted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool printed, also where it failed half-way, and what it complained of."""

    output: str
    complaints: str = ""
    failure: ToolFailure | None = None

    @property
    def why(self) -> str:
        """The complaint in one line; empty where there is none."""
        return next(iter(self.complained), "")

    @property
    def complained(self) -> tuple[str, ...]:
        """The complaint in one line, if there is one."""
        lines = (line.strip() for line in self.complaints.splitlines())
        return tuple(line for line in lines if line)[:1]


def ask(
    command: Sequence[str],
    within: float = PATIENCE_S,
    *,
    keep: Callable[[str], str] = str,
    complains_itself: bool = False,
) -> ToolOutput:
    """Run one of the system's tools for at most `within` seconds, in English, with nothing to read.

    It runs in the network namespace of the calling thread, as its children do. `keep` returns what of its
    output is kept: a secret that a tool prints gets no further. What `complains_itself` does so on stderr.

    Raises:
        StopRequestedError: a signal asked for the end meanwhile.
    """
    program = find(command[0])
    if program is None:
        return ToolOutput("", f"{command[0]} is not installed", ToolFailure.ABSENT)
    try:
        complaints = None if complains_itself else subprocess.PIPE
        return _ended([program, *command[1:]], time.monotonic() + within, keep, complaints)
    except subprocess.TimeoutExpired:
        return ToolOutput("", f"{command[0]} took longer than {within:g} s", ToolFailure.FAILED)
    except PermissionError as problem:
        return ToolOutput("", f"{command[0]}: {problem.strerror}", ToolFailure.NOT_PERMITTED)
    except OSError as problem:
        return ToolOutput("", f"{command[0]}: {problem.strerror}", ToolFailure.FAILED)


def _ended(
    command: Sequence[str], end: float, keep: Callable[[str], str], complaints: int | None
) -> ToolOutput:
    """Run a command to its end, and end it where that takes longer than until `end`, or a signal comes.

    Raises:
        OSError: it cannot be started.
        StopRequestedError: a signal asked for the end meanwhile.
        subprocess.TimeoutExpired: it took too long.
    """
    quiet, kept = subprocess.DEVNULL, subprocess.PIPE

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, env=environment(), stdin=quiet, stdout=kept, stderr=complaints)  # noqa: S603 - a tool of ours by name, its words are ours too

    with interruption.child(start) as process, process:
        try:
            output, complaint = _communicated(process, end)
        except BaseException:
            process.kill()
            raise
    kept_output = keep(output.decode(errors="replace"))
    return answer_of(kept_output, (complaint or b"").decode(errors="replace"), process.returncode)


def _communicated(process: "subprocess.Popen[bytes]", end: float) -> tuple[bytes, bytes | None]:
    """All that a process prints, looking out for signals meanwhile."""
    while True:
        interruption.check()
        try:
            return process.communicate(timeout=interruption.GLANCE_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                raise


def answer_of(output: str, complaints: str, code: int) -> ToolOutput:
    """Read how a tool ended; what it printed stands even where its exit code is not 0."""
    if code == 0:
        return ToolOutput(output, complaints)
    forbidden = any(words in complaints.lower() for words in _FORBIDDEN)
    failure = ToolFailure.NOT_PERMITTED if forbidden else ToolFailure.FAILED
    return ToolOutput(output, complaints.strip() or f"exit code {code}", failure)


def find(program: str) -> str | None:
    """Where a tool is; None where it is not installed."""
    return shutil.which(program, path=_search_path())


def environment() -> dict[str, str]:
    """What a tool finds in its environment: English, and its own tools where ours are."""
    return {**os.environ, "LC_ALL": "C", "PATH": _search_path()}


def _search_path() -> str:
    own = os.environ.get("PATH", os.defpath)
    if sys.platform == "win32":
        return own
    return os.pathsep.join(dict.fromkeys([*own.split(os.pathsep), *_ADMINISTRATORS]))
