"""What a scenario's ports are truly bound to, worked out from its sockets and forwardings. Pure.

The truth is told in the verdict's words and against the addresses that the prober is given: a port bound to
an address that nobody probes is `specific` to none of them. Filters and dead backends hide a binding; they do
not change it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from probe.lab.daemons import listens_of
from probe.lab.scenario import TARGET_ADDRESSES, Dnat, Scenario, address_of, realm_of
from probe.lab.sim.sockets import ListeningSocket, read_socket
from probe.model.target import IPAddress, Port, Protocol, Realm
from probe.model.verdict import Binding
from probe.ports import parse_ports


@dataclass(frozen=True, slots=True)
class Truth:
    """A port's binding. `bound_to`, for `specific` alone: the probed addresses that it covers, in order."""

    binding: Binding
    bound_to: tuple[IPAddress, ...] = ()


def truth(scenario: Scenario) -> dict[Port, Truth]:
    """The true binding of every scanned port.

    Raises:
        ScenarioError: a symbol that is no address.
        UsageError: a port list that cannot be read.
    """
    return {port: _truth_of(port, scenario) for port in parse_ports(scenario.scan.ports)}


def _truth_of(port: Port, scenario: Scenario) -> Truth:
    sockets = [s for s in map(read_socket, listens_of(scenario.target)) if s.port == port]
    published = [d for d in scenario.target.dnat if Port(Protocol.TCP, d.port) == port and d.alive]
    if any(map(_everywhere, sockets)) or any(not entry.on for entry in published):
        return Truth(Binding.WILDCARD)
    if all(socket.bind.is_loopback for socket in sockets) and not published:
        return Truth(Binding.LOOPBACK if sockets else Binding.NOT_LISTENING)
    bound_to = (address_of(s) for s in scenario.addresses if _covered(s, port, scenario, sockets, published))
    return Truth(Binding.SPECIFIC, tuple(bound_to))


def _everywhere(socket: ListeningSocket) -> bool:
    return socket.bind.is_unspecified and socket.device is None


def _covered(
    symbol: str,
    port: Port,
    scenario: Scenario,
    sockets: Iterable[ListeningSocket],
    published: Iterable[Dnat],
) -> bool:
    """Whether a packet to the symbol's address finds a socket or a forwarding of the port."""
    if symbol in scenario.dead:
        return False
    local, realm = address_of(symbol), realm_of(symbol)
    if scenario.router.nat and symbol == Realm.PUBLIC:
        if port.protocol is not Protocol.TCP or port.number not in scenario.router.forward:
            return False
        local = ip_address(TARGET_ADDRESSES["inside"])
    if local.version == 4 and any(realm in map(realm_of, entry.on) for entry in published):  # noqa: PLR2004 - IPv4
        return True
    return any(socket.covers(local, realm) for socket in sockets)
