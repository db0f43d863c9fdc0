"""What a scenario's ports are truly bound to, worked out from its sockets and forwardings. Pure.

The truth is in the verdict's words and against the addresses that the prober is given: a port bound to
an address that nobody probes is `specific` to none of them. Filters and dead backends hide a binding; they do
not change it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from msgspec.structs import replace

from probe.lab.daemons import listens_of, published_on
from probe.lab.scenario import TARGET_ADDRESSES, Scenario, address_of, realm_of
from probe.lab.sim.stack import ListeningSocket, read_socket
from probe.model.binding import Binding
from probe.model.target import IPAddress, Port, Protocol, Realm
from probe.services.port_list import parse_ports


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
    alive = tuple(entry for entry in scenario.target.dnat if entry.alive)
    target = replace(scenario.target, dnat=alive)
    sockets = [s for s in map(read_socket, listens_of(target)) if s.port == port]
    forwards = [published_on(entry) for entry in alive if Port(Protocol.TCP, entry.port) == port]
    published = [address for address in forwards if address is not None]
    if any(map(_everywhere, sockets)) or len(published) < len(forwards):
        return Truth(Binding.WILDCARD)
    binds = [*(socket.bind for socket in sockets), *published]
    if all(bind.is_loopback for bind in binds):
        return Truth(Binding.LOOPBACK if binds else Binding.NOT_LISTENING)
    bound_to = (address_of(s) for s in scenario.addresses if _covered(s, port, scenario, sockets, published))
    return Truth(Binding.SPECIFIC, tuple(bound_to))


def _everywhere(socket: ListeningSocket) -> bool:
    return socket.bind.is_unspecified and socket.device is None


def _covered(
    symbol: str,
    port: Port,
    scenario: Scenario,
    sockets: Iterable[ListeningSocket],
    published: Collection[IPAddress],
) -> bool:
    """Whether a packet to the symbol's address finds a socket or a forwarding of the port."""
    if symbol in scenario.dead:
        return False
    local, realm = address_of(symbol), realm_of(symbol)
    if scenario.router.nat and symbol == Realm.PUBLIC:
        if port.protocol is not Protocol.TCP or port.number not in scenario.router.forward:
            return False
        local = ip_address(TARGET_ADDRESSES["inside"])
    return local in published or any(socket.covers(local, realm) for socket in sockets)
