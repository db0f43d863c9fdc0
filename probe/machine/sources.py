"""The seam to the prober's own machine, real or simulated."""

from typing import Protocol

from probe.model.facts import Neighbour, Route
from probe.model.machine import Machine, Tunnel
from probe.model.target import IPAddress


class Host(Protocol):
    """What can be read of the prober's machine without sending a packet."""

    def route(self, destination: IPAddress) -> Route:
        """How the kernel would send to `destination`: source address, interface, link."""

    def neighbour(self, destination: IPAddress) -> Neighbour | None:
        """What the neighbour table has of an on-link address; None where it has nothing."""

    def link_address(self, destination: IPAddress) -> str | None:
        """Link-layer address of an on-link address, as 52:54:00:12:34:56; None where the table has none."""

    def own_addresses(self) -> frozenset[IPAddress]:
        """Every address of this machine."""

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel of this machine, with what can be read of its peers. This may run commands."""


# --- this machine's own state ---


class MachineReader(Protocol):
    """Reads this machine's own state. It changes nothing, sends nothing, and needs no privilege.

    What it may not read it marks (`unread`, None); an absent tool is not an error.
    """

    def machine(self) -> Machine:
        """Everything, once."""

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now, counters and handshakes included; None where it is none."""

    def reverse_path_drops(self) -> int | None:
        """Packets that the check of the reverse path has dropped so far; None where that is not known."""
