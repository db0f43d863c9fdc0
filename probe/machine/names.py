"""From what people type to addresses: literals, zones, and names that the system's resolver knows.

Also the system's services database, for names of ports that `probe.services.registry` does not have.
"""

import re
import socket
import time
from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Event, Thread
from typing import Any

from probe import interruption
from probe.errors import NothingMeasuredError, UsageError
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.target import IPAddress, Protocol

BOTH = frozenset({4, 6})
LONGEST_S = 3.0  # that a name is looked up; a name server that works answers within this
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")  # a last label like this makes the text an IPv4 literal
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without the root's dot
_Answer = tuple[int, int, int, str, Any]  # as getaddrinfo(3) gives it
_BROADCAST = IPv4Address("255.255.255.255")


def _nothing(_: str) -> None:
    """Leave it at that."""


def resolve(
    text: str, families: Collection[int] = BOTH, left_out: Callable[[str], None] = _nothing
) -> list[IPAddress]:
    """Find every address of a name, or read a literal; only IP versions in `families` (4, 6).

    Keeps the resolver's order and merges doubles. An IPv4-mapped IPv6 address is its IPv4 address. Of several
    addresses of a name those are left out that are of no one host; `left_out` is called with why, for each.

    Raises:
        UsageError: neither an address of one host nor a name; a zone that is missing or unknown here; a
            literal of the other family.
        NothingMeasuredError: the name is unknown, has no such address, or cannot be looked up now.
    """
    literal = _literal(text)
    if literal is None:
        name = _checked_name(text)
        return _usable(name, _look_up(name, families), left_out)
    if literal.version not in families:
        raise UsageError(f"{literal} is an IPv{literal.version} address, which the options leave out")
    return [_checked_address(literal)]


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


def _look_up(name: str, families: Collection[int]) -> list[IPAddress]:
    family = SOCKET_FAMILIES[next(iter(families))] if len(families) == 1 else socket.AF_UNSPEC
    try:
        answers = _answers(name, family)
    except socket.gaierror as error:
        raise NothingMeasuredError(_why_unresolved(name, families, error)) from None
    return list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))


def _usable(name: str, found: Iterable[IPAddress], left_out: Callable[[str], None]) -> list[IPAddress]:
    usable: list[IPAddress] = []
    unusable: list[UsageError] = []
    for address in found:
        try:
            usable.append(_checked_address(address))
        except UsageError as error:
            unusable.append(error)
    if unusable and not usable:
        raise unusable[0]
    for problem in unusable:
        left_out(f"{name}: {problem}")
    return usable


def _answers(name: str, family: socket.AddressFamily) -> list[_Answer]:
    """Ask the system's resolver, which waits for name servers for 20 s or more and obeys no signal.

    It does so in a thread of its own, so that this one goes on after `LONGEST_S`, or ends, meanwhile.

    Raises:
        socket.gaierror: no such name, or none that can be looked up now.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    found: list[_Answer] = []
    failures: list[socket.gaierror] = []
    done = Event()

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(name, None, family, socket.SOCK_STREAM))
        except socket.gaierror as error:
            failures.append(error)
        done.set()

    Thread(target=look_up, daemon=True).start()
    given_up = time.monotonic() + LONGEST_S
    while not done.wait(interruption.GLANCE_S):
        interruption.check()
        if time.monotonic() >= given_up:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer in time")
    for failure in failures:
        raise failure
    return found


def _why_unresolved(name: str, families: Collection[int], error: socket.gaierror) -> str:
    if error.errno == socket.EAI_AGAIN:
        return f"{name} cannot be looked up now: the name server does not answer; give an IP address"
    only = f" with an IPv{next(iter(families))} address" if len(families) == 1 else ""
    return f"no host {name}{only} is known: check the spelling, or give an IP address"


def find_port(name: str, protocol: Protocol) -> int | None:
    """Port number of a service that the system's database (`/etc/services`) names; None where it does not."""
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return None
