"""A reader of this machine in a process of its own, which keeps the privileges that the prober gives up.

It is forked before that. It knows two questions, this machine and one of its tunnels, asked over a pipe; it
opens no socket to the network and reads nothing that came from there. It ends when the pipe does.
"""

import os
import signal
import socket
from collections.abc import Callable
from itertools import count
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from probe.errors import BackendError
from probe.host.machine import MachineReader
from probe.model.machine import Machine, Tunnel

_GONE = "the process that reads this machine has ended"


class ReaderProcess:
    """Asks a reader in another process; see `probe.host.machine.MachineReader`. Unix only."""

    def __init__(self, reader: MachineReader) -> None:
        self._numbers = count()
        self._pipe, far_end = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _serve_and_exit(reader, far_end)
        far_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process: it sees the pipe's end once it has answered."""
        self._pipe.close()
        os.waitpid(self._pid, 0)

    def machine(self) -> Machine:
        """Everything, once."""
        found: Machine = self._ask("")
        return found

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now; None where it is none."""
        found: Tunnel | None = self._ask(interface)
        return found

    def _ask(self, interface: str) -> Any:  # noqa: ANN401 - what the caller asked for
        """Ask, and drop what still comes of a question that Ctrl-C ended.

        Raises:
            BackendError: the process has ended.
        """
        number = next(self._numbers)
        try:
            self._pipe.send_bytes(f"{number} {interface}".encode())
            answered = None
            while answered != number:
                answered, error, found = self._pipe.recv()
        except (EOFError, OSError):
            raise BackendError(_GONE) from None
        if error is not None:
            raise error
        return found


def _serve_and_exit(reader: MachineReader, pipe: Connection) -> None:
    """Answer until the pipe ends. Ctrl-C is the prober's matter, and so is all that its exit would do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            number, _, interface = pipe.recv_bytes().decode().partition(" ")
            pipe.send((int(number), *_answer(_question(reader, interface))))
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)


def _question(reader: MachineReader, interface: str) -> Callable[[], Machine | Tunnel | None]:
    if not interface:
        return reader.machine
    if interface not in {name for _, name in socket.if_nameindex()}:
        return lambda: None
    return lambda: reader.tunnel(interface)


def _answer(ask: Callable[[], Any]) -> tuple[Exception | None, Any]:
    """What the prober raises, or gets: a mistake of ours is told where it can be seen."""
    try:
        return None, ask()
    except Exception as error:  # noqa: BLE001 - it is raised again in the other process
        return RuntimeError(f"{type(error).__name__}: {error}"), None
