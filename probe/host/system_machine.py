"""The real machine's own state, in one look; see `probe.host.machine.MachineReader`.

Lives here: only what is asked, and of whom. Nothing is changed, nothing is sent, and no privilege is needed:
each part says for itself what it may not read.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from probe.host.firewall import read_firewall
from probe.host.limits import open_files, ping_allowed
from probe.host.links import read_links
from probe.host.resolvers import RESOLV_CONF, read_resolvers
from probe.host.routes import read_routes
from probe.host.tunnels import tunnel, tunnels_of
from probe.model.machine import Machine, Tunnel


@dataclass(frozen=True, slots=True)
class SystemMachine:
    """Reads this machine. `raw_missing` says why no raw packets may be sent; None: they may."""

    raw_missing: Callable[[], str | None]
    resolv_conf: Path = RESOLV_CONF

    def machine(self) -> Machine:
        """Everything, once."""
        links = read_links()
        return Machine(
            system=sys.platform,
            links=tuple(made.link for made in links),
            tunnels=tunnels_of(links),
            routes=read_routes(),
            firewall=read_firewall(),
            resolvers=read_resolvers(self.resolv_conf),
            raw_missing=self.raw_missing(),
            ping_allowed=ping_allowed(),
            open_files=open_files(),
        )

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now, counters and handshakes included; None where it is none."""
        return tunnel(interface)
