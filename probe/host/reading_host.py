"""This machine for a scan that gives its privileges up: another process keeps them, to read the tunnels."""

from probe.host.machine import MachineReader
from probe.host.system import SystemHost
from probe.model.machine import Tunnel


class ReadingHost(SystemHost):
    """The machine itself, except that its tunnels are what a reader tells."""

    def __init__(self, reader: MachineReader) -> None:
        self._reader = reader

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel of this machine, read with the reader's privileges.

        Raises:
            BackendError: the reader has ended.
        """
        return self._reader.machine().tunnels
