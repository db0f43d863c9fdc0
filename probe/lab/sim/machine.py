"""The prober's own state in the world in memory, as a reader of this machine reports it."""

from collections.abc import Iterator
from ipaddress import ip_interface

from probe.lab.netns.rules import ANSWERS_IN, QUESTIONS_OUT, filter_lines
from probe.lab.scenario import Scenario, ScenarioLink
from probe.lab.sim import tunnel as tunnels
from probe.lab.sim.host import KINDS, LOOPBACK
from probe.lab.sim.links import PREFIX_LENGTH, name_servers
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.prober import Prober
from probe.model.facts import LinkKind
from probe.model.machine import (
    Chain,
    Firewall,
    Hook,
    Link,
    Machine,
    Resolvers,
    RouteEntry,
    Traffic,
    Tunnel,
)
from probe.model.target import Realm

_FILES = (1 << 20, 1 << 20)  # open files, soft and hard limit
_LOOPBACK_ADDRESSES = ("127.0.0.1/8", "::1/128")
_BLOCKING = ("drop", "reject")


class SimMachine:
    """Reads the prober; see `probe.machine.sources.MachineReader`.

    Args:
        scenario: what the prober is set up like.
        network: what it is in.
        prober: the machine.
        tunnel: that the vpn link is; None: it is a plain link.
    """

    def __init__(
        self, scenario: Scenario, network: SimNetwork, prober: Prober, tunnel: tunnels.SimTunnel | None
    ) -> None:
        self._scenario = scenario
        self._network = network
        self._prober = prober
        self._tunnel = tunnel

    def machine(self) -> Machine:
        """Everything, once."""
        own = tuple(map(ip_interface, _LOOPBACK_ADDRESSES))
        loopback = Link(LOOPBACK, LinkKind.LOOPBACK, up=True, running=True, addresses=own)
        return Machine(
            system="linux",
            links=(loopback, *map(self._link, dict.fromkeys(self._prober.addresses.values()))),
            tunnels=self.tunnels(),
            routes=tuple(self._routes()),
            firewall=Firewall(tuple(self._chains())),
            resolvers=Resolvers(tuple(name_servers(self._scenario)), source="/etc/resolv.conf"),
            ping_allowed=True,
            open_files=_FILES,
        )

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel as it is now."""
        if self._tunnel is None:
            return ()
        return (Tunnel(self._link(Realm.VPN), self._tunnel.kind, peers=self._tunnel.peers()),)

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now; None where it is none."""
        return next((one for one in self.tunnels() if one.link.name == interface), None)

    def reverse_path_drops(self) -> int | None:
        """Packets that the check of the reverse path has dropped so far."""
        return self._prober.reverse_path_drops

    def _link(self, name: str) -> Link:
        own = (ip for ip, realm in self._prober.addresses.items() if realm == name)
        counted = self._network.counted(self._prober, name)
        vpn = self._scenario.vpn
        on = name != Realm.VPN or vpn is None or vpn.up
        link = self._scenario.links.get(name, ScenarioLink())
        return Link(
            name,
            KINDS[name],
            up=on,
            running=on and not link.unplugged,
            addresses=tuple(ip_interface(f"{ip}/{PREFIX_LENGTH[ip.version]}") for ip in own),
            mtu=self._prober.mtu_of(name),
            traffic=Traffic(
                counted.sent_packets, counted.received_packets, counted.sent_bytes, counted.received_bytes
            ),
            reverse_path=int(self._prober.firewall.strict_reverse_path),
            wireless=link.wireless,
        )

    def _routes(self) -> Iterator[RouteEntry]:
        for way in self._network.ways(self._prober):
            realm = self._prober.addresses[way.source]
            yield RouteEntry(way.prefix, realm, way.gateway, source=way.source)

    def _chains(self) -> Iterator[Chain]:
        """The chains that a scenario's rules make, as the world of real hosts has them."""
        prober = self._scenario.prober
        for hook, listed, view in (
            (Hook.INPUT, prober.incoming, ANSWERS_IN),
            (Hook.OUTPUT, prober.outgoing, QUESTIONS_OUT),
        ):
            lines = filter_lines(listed, view)
            blocking = tuple(line for line in lines if any(word in line.split() for word in _BLOCKING))
            if listed:
                yield Chain("nft", "inet", "filter", hook.value, hook, blocking)
