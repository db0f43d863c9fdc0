"""From what people type to addresses: literals, zones, and names that a resolver may be asked for.

Also the system's services database, for names of ports that `probe.services.registry` does not have.
"""

import re
import socket
from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from probe.errors import UsageError
from probe.model.target import IPAddress, Protocol

BOTH = frozenset({4, 6})
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")  # a last label like this makes the text an IPv4 literal
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without the root's dot
_BROADCAST = IPv4Address("255.255.255.255")


def read_host(text: str, families: Collection[int] = BOTH) -> IPAddress | str:
    """Read what stands for a host: an address, or else its name in ASCII, as the resolver takes it.

    An IPv4-mapped IPv6 address is its IPv4 address. `families`: the IP versions (4, 6) to use.

    Raises:
        UsageError: neither an address of one host nor a name; a zone that is missing or unknown here; an
            address of the other family.
    """
    literal = _literal(text)
    if literal is None:
        return _checked_name(text)
    if literal.version not in families:
        raise UsageError(f"{literal} is an IPv{literal.version} address, which the options leave out")
    return _checked_address(literal)


def usable(name: str, found: Iterable[IPAddress], left_out: Callable[[str], None]) -> tuple[IPAddress, ...]:
    """Those addresses of a name that are of one host; `left_out` is called with why, for each of the others.

    Raises:
        UsageError: none of them is.
    """
    kept: list[IPAddress] = []
    unusable: list[UsageError] = []
    for address in found:
        try:
            kept.append(_checked_address(address))
        except UsageError as error:
            unusable.append(error)
    if unusable and not kept:
        raise unusable[0]
    for problem in unusable:
        left_out(f"{name}: {problem}")
    return tuple(kept)


def _literal(text: str) -> IPAddress | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _checked_address(address: IPAddress) -> IPAddress:
    if address.is_unspecified or address.is_multicast or address == _BROADCAST:
        raise UsageError(f"{address} is not the address of one host; give an address of the target")
    return _checked_zone(address) if isinstance(address, IPv6Address) else address


def _checked_zone(address: IPv6Address) -> IPv6Address:
    """A link-local address needs the interface it is meant on, any other has none (RFC 4007 section 11)."""
    zone = address.scope_id
    if not address.is_link_local:
        if zone is not None:
            raise UsageError(f"{str(address)!r}: only a link-local address (fe80::/10) has a zone; remove it")
        return address
    if zone is None:
        raise UsageError(f"{address} is link-local; name its interface, such as {address}%eth0")
    if not _zone_exists(zone):
        known = ", ".join(name for _, name in socket.if_nameindex())
        raise UsageError(f"no interface {zone!r} here for {str(address)!r}; there are: {known}")
    return address


def _zone_exists(zone: str) -> bool:
    try:
        if zone.isascii() and zone.isdigit():
            socket.if_indextoname(int(zone))
        else:
            socket.if_nametoindex(zone)
    except (OSError, OverflowError, ValueError):  # unknown; too large a number; a NUL byte
        return False
    return True


def _checked_name(text: str) -> str:
    """The name as it goes to the resolver.

    What looks like a number never goes there: it would read `1` or `10.1` as an address of its own making.
    """
    try:
        name = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    labels = name.removesuffix(".").split(".")
    well_formed = len(name) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
    if well_formed and not _NUMBER.fullmatch(labels[-1]):
        return name
    shown = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - for the eye
    raise UsageError(f"{shown!r} is no IP address and no host name; ports go to -p")


def find_port(name: str, protocol: Protocol) -> int | None:
    """Port number of a service that the system's database (`/etc/services`) names; None where it does not."""
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return None
