"""The way out that a user chose for probes: an interface, source addresses, or neither."""

from dataclasses import dataclass

from probe.model.target import IPAddress


@dataclass(frozen=True, slots=True)
class WayOut:
    """How probes leave this machine.

    Args:
        interface: the one to leave by; None: as the routing table has it.
        sources: the addresses to send from, at most one of each family; of a family without one the kernel
            chooses.
    """

    interface: str | None = None
    sources: tuple[IPAddress, ...] = ()

    def source(self, version: int) -> IPAddress | None:
        """The source address of an IP version; None: the kernel chooses."""
        return next((one for one in self.sources if one.version == version), None)


USUAL_WAY = WayOut()
