"""The way out in the user's words, checked against this machine and the target before anything is sent."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address

from probe.errors import UsageError
from probe.machine.interfaces import Interface, interfaces
from probe.model.target import IPAddress
from probe.model.way_out import USUAL_WAY, WayOut


def own_way(interface: str | None, sources: Sequence[str]) -> WayOut:
    """Read the way out, and make sure that this machine has it.

    Raises:
        UsageError: no such interface, a source that is no address or none of this machine's, or two sources
            of one family.
    """
    if interface is None and not sources:
        return USUAL_WAY
    known = interfaces()
    _require_interface(interface, known)
    read = tuple(_read_source(text, interface) for text in sources)
    own = frozenset[IPAddress]().union(*(one.own() for one in known))
    for source in read:
        if source not in own and not source.is_loopback:
            raise UsageError(f"--source {source}: this machine has no such address")
    if len({source.version for source in read}) < len(read):
        raise UsageError(f"--source {' '.join(map(str, read))}: give one address of each family")
    return WayOut(interface, read)


def _require_interface(name: str | None, known: Sequence[Interface]) -> None:
    names = [one.name for one in known]
    if name is not None and name not in names:
        raise UsageError(f"--interface {name}: this machine has {', '.join(names)}")


def _read_source(text: str, interface: str | None) -> IPAddress:
    """A source address; a link-local one without its link is taken to be of the chosen interface."""
    try:
        source = ip_address(text)
    except ValueError:
        raise UsageError(f"--source {text!r} is no IPv4 or IPv6 address") from None
    scoped = isinstance(source, IPv6Address) and source.scope_id is not None
    if interface is not None and source.version == 6 and source.is_link_local and not scoped:  # noqa: PLR2004 - IP version
        return IPv6Address(f"{source}%{interface}")
    return source


def require_sources(way: WayOut, addresses: Iterable[IPAddress]) -> None:
    """Make sure that every address can be reached from a source that was given, if any was.

    Raises:
        UsageError: the sources are of the other family.
    """
    for address in addresses:
        if way.sources and way.source(address.version) is None:
            given = ", ".join(map(str, way.sources))
            raise UsageError(
                f"--source {given}: {address} is IPv{address.version}; give a source of its family too,"
                f" or leave it out by -{10 - address.version}"
            )
