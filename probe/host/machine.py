"""The seam to everything that this machine knows of itself."""

from typing import Protocol

from probe.model.machine import Machine, Tunnel


class MachineReader(Protocol):
    """Reads this machine's own state. It changes nothing, sends nothing, and needs no privilege.

    What it may not read it says so of (`unread`, None); an absent tool is not an error.
    """

    def machine(self) -> Machine:
        """Everything, once."""

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now, counters and handshakes included; None where it is none."""
