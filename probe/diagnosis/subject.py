"""One address under diagnosis, with all that is known around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from probe.model.binding import Condition
from probe.model.exam import AddressExam
from probe.model.facts import LinkKind, Route
from probe.model.machine import Link, Peer, Surroundings, Tunnel
from probe.model.probing import Observation, State
from probe.model.target import IPAddress, Port, Realm
from probe.model.tunnel_state import leads_to, peer_for
from probe.model.verdict import Verdict

# What asks for nothing. UDP's silence may be a service that has nothing to answer.
_FINE = frozenset({None, State.OPEN, State.OPEN_FILTERED})
MOST = 0.5  # share of the probes from which on a counter is taken to have counted them


@dataclass(frozen=True, slots=True)
class ExamContext:
    """What the diagnosis of one address looks at."""

    exam: AddressExam
    others: Sequence[AddressExam]  # of the same target
    machine: Surroundings
    verdict: Verdict
    named: frozenset[Port] = frozenset()  # ports that the user wants to work
    only: tuple[Port, ...] = ()  # of the troubled ports, those that are looked at; none: all

    @property
    def ip(self) -> IPAddress:
        """The address."""
        return self.exam.address.ip

    @property
    def route(self) -> Route:
        """How this machine sends to the address."""
        return self.exam.survey.route or Route(self.ip)

    @property
    def source(self) -> IPAddress | None:
        """This machine's own address there."""
        return self.route.source

    @property
    def wants_vpn(self) -> bool:
        """Whether the address is meant to be reached by a VPN."""
        return self.exam.address.realm == Realm.VPN

    @property
    def by_tunnel(self) -> bool:
        """Whether the route leaves by a tunnel."""
        return self.route.reachable and self.route.kind is LinkKind.TUNNEL

    @property
    def taken(self) -> Tunnel | None:
        """The tunnel that the route leaves by."""
        return self.machine.tunnel(self.route.interface) if self.route.reachable else None

    @property
    def meant(self) -> Tunnel | None:
        """The tunnel that has the address, by its own network or by what its peers may have."""
        having = [tunnel for tunnel in self.machine.tunnels if leads_to(tunnel, self.ip)]
        taken = self.taken
        return taken if taken in having else next(iter(having), None)

    @property
    def peer(self) -> Peer | None:
        """The WireGuard peer that packets for the address go to; the only one where none has it."""
        tunnel = self.taken
        if tunnel is None or not tunnel.peers:
            return None
        found = peer_for(tunnel, self.ip)
        return found or (tunnel.peers[0] if len(tunnel.peers) == 1 else None)

    @property
    def condition(self) -> Condition:
        """What the scan concludes of the way to the address."""
        found = (a.condition for a in self.verdict.addresses if a.address.ip == self.ip)
        return next(found, Condition.UNKNOWN)

    @property
    def is_kept(self) -> bool:
        """Whether the interface did not count the probes as sent."""
        passage = self.exam.passage
        return passage is not None and passage.sent_packets < passage.probes * MOST

    def is_other_way(self, other: AddressExam) -> bool:
        """Whether another address is a neighbour on another link: its host can be handed packets there."""
        route = other.survey.route
        if route is None or not route.on_link or route.kind is not LinkKind.ETHERNET:
            return False
        return route.interface != self.route.interface and other.address.family == self.ip.version

    def claiming(self) -> tuple[Link, ...]:
        """The links that are up and whose own network has the address."""
        return tuple(
            link
            for link in self.machine.links
            if link.up and any(network.prefixlen > 0 for network in link.networks_with(self.ip))
        )

    def troubled_ports(self) -> tuple[Port, ...]:
        """The ports that ought to answer here and do not, or not so that a program gets it."""
        return tuple(
            port
            for port, observation in sorted(self.exam.survey.tested().items())
            if self._fails(port, observation)
            and self._ought_to_answer(port)
            and port in (self.only or (port,))
        )

    def about(self, ports: tuple[Port, ...]) -> "ExamContext":
        """The same address with a look at these of its troubled ports alone."""
        return replace(self, only=ports)

    def _fails(self, port: Port, observation: Observation) -> bool:
        return observation.state not in _FINE or observation.raw_only or self.turns_away(port)

    def turns_away(self, port: Port) -> bool:
        """Whether the program of a port refuses this machine here."""
        conditions = next((p.conditions for p in self.verdict.ports if p.port == port), {})
        return conditions.get(self.exam.survey.seen) is Condition.TURNED_AWAY

    def _ought_to_answer(self, port: Port) -> bool:
        if port in self.named:
            return True
        return self.exam.address.realm != Realm.PUBLIC and bool(self.open_at(port))

    def open_at(self, port: Port) -> tuple[str, ...]:
        """Where else the port is open."""
        return tuple(
            str(other.address.ip)
            for other in self.others
            if (seen := other.survey.tested().get(port)) is not None and seen.state is State.OPEN
        )
