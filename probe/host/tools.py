"""Asking the system's own tools, `ip`, `wg`, `nft` and their like: bounded in time, never through a shell.

A tool that is not installed, or that may not tell, is an answer like any other; what it said is for others
to read.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

PATIENCE_S = 2.0
_ADMINISTRATORS = ("/usr/sbin", "/sbin")  # where their tools are; users often lack it in PATH
_FORBIDDEN = ("not permitted", "permission denied", "must be root", "are you root", "requires root")


class Failure(StrEnum):
    """Why a tool did not tell what it was asked."""

    ABSENT = "not installed"
    NOT_PERMITTED = "not permitted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool printed, also where it failed half-way, and what it complained of."""

    output: str
    complaints: str = ""
    failure: Failure | None = None

    @property
    def why(self) -> str:
        """The complaint in one line; empty where there is none."""
        return next(iter(self.complained), "")

    @property
    def complained(self) -> tuple[str, ...]:
        """The complaint in one line, if there is one."""
        lines = (line.strip() for line in self.complaints.splitlines())
        return tuple(line for line in lines if line)[:1]


def ask(command: Sequence[str], within: float = PATIENCE_S, *, keep: Callable[[str], str] = str) -> Answer:
    """Run one of the system's tools for at most `within` seconds, in English, with nothing to read.

    It runs in the network namespace of the calling thread, as every child of it does. `keep` says what of its
    output is kept: a secret that a tool prints gets no further.
    """
    path = _search_path()
    program = shutil.which(command[0], path=path)
    if program is None:
        return Answer("", f"{command[0]} is not installed", Failure.ABSENT)
    environment = {**os.environ, "LC_ALL": "C", "PATH": path}
    try:
        done = subprocess.run(  # noqa: S603 - a tool of ours by name, its words are ours too
            [program, *command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer("", f"{command[0]} took longer than {within:g} s", Failure.FAILED)
    except PermissionError as problem:
        return Answer("", f"{command[0]}: {problem.strerror}", Failure.NOT_PERMITTED)
    except OSError as problem:
        return Answer("", f"{command[0]}: {problem.strerror}", Failure.FAILED)
    output = keep(done.stdout.decode(errors="replace"))
    return answer_of(output, done.stderr.decode(errors="replace"), done.returncode)


def answer_of(output: str, complaints: str, code: int) -> Answer:
    """Read how a tool ended; what it printed stands even where its exit code is not 0."""
    if code == 0:
        return Answer(output, complaints)
    forbidden = any(words in complaints.lower() for words in _FORBIDDEN)
    failure = Failure.NOT_PERMITTED if forbidden else Failure.FAILED
    return Answer(output, complaints.strip() or f"exit code {code}", failure)


def _search_path() -> str:
    own = os.environ.get("PATH", os.defpath)
    if sys.platform == "win32":
        return own
    return os.pathsep.join(dict.fromkeys([*own.split(os.pathsep), *_ADMINISTRATORS]))
