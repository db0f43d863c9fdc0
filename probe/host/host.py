"""The seam to the prober's own machine, real or simulated."""

from typing import Protocol

from probe.model.facts import Neighbour, Route
from probe.model.target import IPAddress


class Host(Protocol):
    """What the prober's machine can tell without sending a packet."""

    def route(self, destination: IPAddress) -> Route:
        """How the kernel would send to `destination`: source address, interface, link."""

    def neighbour(self, destination: IPAddress) -> Neighbour | None:
        """What the neighbour table says of an on-link address; None where it says nothing."""

    def link_address(self, destination: IPAddress) -> str | None:
        """Link-layer address of an on-link address, as 52:54:00:12:34:56; None where the table has none."""

    def own_addresses(self) -> frozenset[IPAddress]:
        """Every address of this machine."""
