"""Which address symbols a world has a use for, and how their addresses are written. Pure."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_interface

from probe.lab.daemons import listens_of
from probe.lab.scenario import TARGET_ADDRESSES, Scenario, address_of, realm_of

_PREFIX = {4: 24, 6: 64}


def symbols_in_use(scenario: Scenario) -> tuple[str, ...]:
    """Return the symbols in use: given to the prober, bound by a socket, named, or part of a wrong route.

    Raises:
        ScenarioError: an address that the prober is given is neither a symbol nor an address.
    """
    for symbol in scenario.addresses:
        address_of(symbol)
    wanted = {*scenario.addresses, *_mentioned(scenario)} & TARGET_ADDRESSES.keys() - {"inside"}
    return tuple(symbol for symbol in TARGET_ADDRESSES if symbol in wanted)


def _mentioned(scenario: Scenario) -> Iterator[str]:
    yield from (listen.bind for listen in listens_of(scenario.target))
    yield from (entry.address for entry in scenario.target.dnat if entry.address is not None)
    for names in scenario.prober.names:
        yield from names.values()
    for symbol, realm in scenario.prober.routes.items():
        yield like(symbol, realm)


def like(symbol: str, realm: str) -> str:
    """The symbol of another realm, of the same family: `lan6` for `vpn6` and `lan`."""
    return realm + symbol.removeprefix(realm_of(symbol))


def realms(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """The realms of symbols, each once, in their order."""
    return tuple(dict.fromkeys(realm_of(symbol) for symbol in symbols))


def version(address: str) -> int:
    """IP version of an address: 4 or 6."""
    return ip_address(address).version


def with_prefix(address: str) -> str:
    """An address with the prefix length that its link has in these worlds."""
    return f"{address}/{_PREFIX[version(address)]}"


def alone(address: str) -> str:
    """An address as a network of its own."""
    return f"{address}/{ip_address(address).max_prefixlen}"


def network(address: str) -> str:
    """The network of an address on its link."""
    return str(ip_interface(with_prefix(address)).network)
