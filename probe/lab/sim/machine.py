"""The prober's own state in the world in memory, as a reader of this machine tells it."""

from ipaddress import ip_interface

from probe.lab.sim.box import Box
from probe.lab.sim.host import INTERFACES
from probe.lab.sim.topology import PREFIX_LENGTH
from probe.model.machine import Link, Machine, Tunnel


class SimMachine:
    """Reads the prober; see `probe.machine.sources.MachineReader`."""

    def __init__(self, prober: Box) -> None:
        self._prober = prober

    def machine(self) -> Machine:
        """Everything, once."""
        return Machine("linux", tuple(map(self._link, INTERFACES)), ())

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now; None where it is none."""
        del interface
        return None

    def reverse_path_drops(self) -> int | None:
        """Packets that the check of the reverse path has dropped so far."""
        return None

    def _link(self, realm: str) -> Link:
        name, kind, mtu = INTERFACES[realm]
        own = (ip for ip, there in self._prober.addresses.items() if there == realm)
        addresses = tuple(ip_interface(f"{ip}/{PREFIX_LENGTH[ip.version]}") for ip in own)
        return Link(name, kind, up=True, running=True, addresses=addresses, mtu=mtu)
