"""This machine as far as it concerns a target: what a report keeps of it, and a diagnosis reads. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from probe.model.facts import AddressSurvey
from probe.model.machine import Firewall, Machine, Surroundings, Tunnel
from probe.model.target import IPAddress, Realm
from probe.model.tunnel_state import leads_to, peer_for


def concerning(
    machine: Machine, surveys: Sequence[AddressSurvey], others: Iterable[IPAddress] = ()
) -> Surroundings:
    """Leave out what has nothing to do with the addresses of a target.

    What stays: the links that a route takes or whose network has an address; the tunnels among them, those
    that lead to an address, and every tunnel where an address is meant to be reached by a VPN; of their peers
    those that have an address, and all where one that the tunnel carries has none; the chains of the packet
    filter that block.

    Args:
        machine: all that is known of this machine.
        surveys: of the target's addresses.
        others: addresses that the target's names have besides.
    """
    taken = {s.route.interface for s in surveys if s.route is not None and s.route.reachable}
    ips = [*(s.address.ip for s in surveys), *others]
    by_vpn = any(s.address.realm == Realm.VPN for s in surveys)
    chains = machine.firewall.chains
    return Surroundings(
        machine.system,
        tuple(link for link in machine.links if link.name in taken or any(map(link.networks_with, ips))),
        tuple(
            _with_peers_of(tunnel, surveys)
            for tunnel in machine.tunnels
            if by_vpn or tunnel.link.name in taken or any(leads_to(tunnel, ip) for ip in ips)
        ),
        firewall=Firewall(
            None if chains is None else tuple(chain for chain in chains if chain.blocking),
            machine.firewall.unread,
            machine.firewall.tools,
        ),
    )


def _with_peers_of(tunnel: Tunnel, surveys: Iterable[AddressSurvey]) -> Tunnel:
    """A tunnel with the peers that have an address; with all of them where one that it carries has none."""
    if tunnel.peers is None:
        return tunnel
    having = [(s.route, peer_for(tunnel, s.address.ip)) for s in surveys]
    carries = [peer for route, peer in having if route is not None and route.interface == tunnel.link.name]
    if None in carries:
        return tunnel
    kept = {peer.public_key for _, peer in having if peer is not None}
    return structs.replace(tunnel, peers=tuple(peer for peer in tunnel.peers if peer.public_key in kept))
