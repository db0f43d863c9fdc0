"""A reader of this machine in a process of its own, which keeps privileges that the prober gives up.

It is forked before that, and keeps only what reading takes. It knows three questions, asked over a pipe:
this machine, its tunnels, and one of them. It opens no socket to the network and reads nothing that came from
there. The system's tools it runs from the system's folders, with nothing of the caller's environment. It ends
when the pipe does, or the prober.
"""

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from itertools import count
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from probe import interruption
from probe.errors import BackendError
from probe.machine.sources import MachineReader
from probe.machine.system import reverse_path_drops
from probe.machine.tools import SYSTEM_PATH
from probe.model.machine import Machine, Tunnel

_GONE = "the process that reads this machine has ended"
_ENVIRONMENT = {"LC_ALL": "C", "PATH": SYSTEM_PATH}
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Reader(MachineReader, Protocol):
    """What reads for the process: a reader of this machine that reads all of its tunnels at once, too."""

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel as it is now."""


class ReaderProcess:
    """Asks a reader in another process; see `probe.machine.sources.MachineReader`. Unix only.

    Args:
        reader: what answers there.
        settle: what that process does first: giving up what reading does not take.
    """

    def __init__(self, reader: Reader, settle: Callable[[], None]) -> None:
        self._numbers = count()
        self._pipe, far_end = Pipe()
        prober = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _live(reader, far_end, settle, prober)
        far_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process: it sees the pipe's end once it has answered, and this one's end at once."""
        self._pipe.close()
        if not interruption.requested():
            os.waitpid(self._pid, 0)

    def machine(self) -> Machine:
        """Everything, once."""
        found: Machine = self._ask("machine")
        return found

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel as it is now."""
        found: tuple[Tunnel, ...] = self._ask("tunnels")
        return found

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now; None where it is none."""
        found: Tunnel | None = self._ask(f"tunnel {interface}")
        return found

    def reverse_path_drops(self) -> int | None:
        """Packets dropped by the check of the reverse path so far; everybody may read that."""
        return reverse_path_drops()

    def _ask(self, question: str) -> Any:  # noqa: ANN401 - what the caller asked for
        """Ask, and drop what still comes of a question that nobody waited for.

        Raises:
            BackendError: the process has ended.
            StopRequestedError: a signal asked for the end meanwhile.
        """
        number = next(self._numbers)
        try:
            self._pipe.send_bytes(f"{number} {question}".encode())
            answered = None
            while answered != number:
                while not self._pipe.poll(interruption.GLANCE_S):
                    interruption.check()
                answered, error, found = self._pipe.recv()
        except (EOFError, OSError):
            raise BackendError(_GONE) from None
        if error is not None:
            raise error
        return found


def _live(reader: Reader, pipe: Connection, settle: Callable[[], None], prober: int) -> NoReturn:
    """Be that process: its whole life. Never returns into the prober's code."""
    try:
        interruption.ignore()  # the terminal's signals are the prober's matter
        settle()
        _end_with(prober)
        os.environ.clear()
        os.environ.update(_ENVIRONMENT)
        _serve(reader, pipe)
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)


def _serve(reader: Reader, pipe: Connection) -> NoReturn:
    """Answer one question after the other.

    Raises:
        EOFError, OSError: the pipe has ended.
    """
    while True:
        number, _, question = pipe.recv_bytes().decode().partition(" ")
        pipe.send((int(number), *_answer(_asked(reader, question))))


def _end_with(prober: int) -> None:
    """Have the kernel end this process, and the tool that it runs, when the prober ends (Linux)."""
    if sys.platform == "linux":
        interruption.end_by(signal.SIGTERM)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != prober:  # it ended before
            os._exit(0)


def _asked(reader: Reader, question: str) -> Callable[[], Any]:
    """What answers a question. Only interfaces that are there get to the tools."""
    whole: dict[str, Callable[[], Any]] = {"machine": reader.machine, "tunnels": reader.tunnels}
    if question in whole:
        return whole[question]
    interface = question.removeprefix("tunnel ")
    if interface not in {name for _, name in socket.if_nameindex()}:
        return lambda: None
    return lambda: reader.tunnel(interface)


def _answer(ask: Callable[[], Any]) -> tuple[Exception | None, Any]:
    """What the prober raises, or gets: a mistake of ours is raised where it can be seen."""
    try:
        return None, ask()
    except Exception as error:  # noqa: BLE001 - it is raised again in the other process
        return RuntimeError(f"{type(error).__name__}: {error}"), None
