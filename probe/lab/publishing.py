"""How a target publishes the ports of its container, as all worlds mean it. Pure.

Measured with Docker 20.10 on Linux: its rules match a destination address, or every local one, and forward
IPv4 past the input chain. Its userland proxy listens where the port is published, and for all addresses on
[::] too: IPv6 is served by the host itself. Without the proxy the engine keeps an IPv4 socket, and IPv6 is
refused. Either socket swallows what the rules leave alone, such as a FIN of no connection. Docker lets
nothing else be forwarded.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from probe.errors import ScenarioError
from probe.lab.scenario import Dnat, Forwarder, Listen, Serves, TargetHost, address_of

_ANY, _ANY6 = "0.0.0.0", "::"  # noqa: S104 - the wildcard addresses, as names
# Where a socket of the host listens too, by whether the port is published on all addresses.
_EVERYWHERE: Mapping[Forwarder, tuple[str, ...]] = {
    Forwarder.RULES: (),
    Forwarder.DOCKER: (_ANY, _ANY6),
    Forwarder.DOCKER_NO_PROXY: (_ANY,),
}


def published_on(entry: Dnat) -> IPv4Address | None:
    """The one address of the target on which a port is published; None: on all.

    Raises:
        ScenarioError: it is no IPv4 address.
    """
    if entry.address is None:
        return None
    address = address_of(entry.address)
    if not isinstance(address, IPv4Address):
        raise ScenarioError(f"port {entry.port} is published on {address}: only IPv4 is forwarded")
    return address


def guards(target: TargetHost) -> bool:
    """Whether only published ports are forwarded: Docker sees to it where the host did not forward before."""
    return bool(target.dnat) and target.dnat_by is not Forwarder.RULES and not target.forwards


def engine_sockets(target: TargetHost) -> Iterator[Listen]:
    """The sockets of the host by which Docker keeps or serves its published ports.

    Raises:
        ScenarioError: a port is published on what is no IPv4 address.
    """
    everywhere = _EVERYWHERE[target.dnat_by]
    for entry in target.dnat if everywhere else ():
        for bind in everywhere if published_on(entry) is None else (str(published_on(entry)),):
            serves = Serves.HOLD if entry.alive else Serves.CLOSE
            yield Listen(port=entry.port, bind=bind, v6only=bind == _ANY6, serves=serves)
