"""Other addresses in place of real ones: documentation addresses, or private ones of the same range.

Kept are family, equality, order within a range, which of them share a /24 (IPv6: a /64), and what is nobody's
secret: loopback, multicast, the unspecified address. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from itertools import chain, groupby

from probe.model.target import IPAddress

_SUBNET = {4: 24, 6: 64}  # prefix lengths
_MOST_RANKED = 254  # addresses of a subnet that are counted from 1

# Ranges whose addresses stay among themselves (RFC 1918, 6598, 3927, 4193, 4291). The others get those
# of documentation (RFC 5737, 3849), then of benchmarking (RFC 2544), then reserved ones.
_OWN_RANGES: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))
) + tuple(map(ip_network, ("fc00::/7", "fe80::/64")))
_PLACES: Mapping[str, tuple[str, ...]] = {"fc00::/7": ("fd00:db8::/48",)}
_PUBLIC = {
    4: ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/4"),
    6: ("2001:db8::/32",),
}


def replacements(addresses: Iterable[IPAddress]) -> dict[IPAddress, IPAddress]:
    """Find another address for each. Scopes are left out: an address with one is given by its bare form."""
    by_range: dict[str, list[int]] = {}
    for ip in sorted({bare(one) for one in addresses}, key=lambda ip: (ip.version, int(ip))):
        if not is_plain(ip):
            by_range.setdefault(_range_of(ip), []).append(int(ip))
    out: dict[IPAddress, IPAddress] = {}
    for name, numbers in by_range.items():
        version = 4 if "." in name else 6
        kind: type[IPv4Address | IPv6Address] = IPv4Address if version == 4 else IPv6Address  # noqa: PLR2004
        out |= {kind(old): kind(new) for old, new in _ranked(numbers, version, _places(name, version))}
    return out


def bare(ip: IPAddress) -> IPAddress:
    """An address without its scope."""
    if isinstance(ip, IPv6Address) and ip.scope_id is not None:
        return IPv6Address(int(ip))
    return ip


def is_plain(ip: IPAddress) -> bool:
    """Whether an address says nothing of anybody's network."""
    return ip.is_loopback or ip.is_multicast or ip.is_unspecified or int(ip) == 2**32 - 1


def _range_of(ip: IPAddress) -> str:
    return next((str(n) for n in _OWN_RANGES if ip.version == n.version and ip in n), _PUBLIC[ip.version][0])


def _places(name: str, version: int) -> tuple[str, ...]:
    if name == _PUBLIC[version][0]:
        return _PUBLIC[version]
    return _PLACES.get(name, (name,))


def _ranked(numbers: Sequence[int], version: int, places: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Old and new numbers: the subnets one after the other, and in each the addresses.

    A subnet that is met is taken where no other is left alone: what is real shall not stand for another.
    """
    width = (32 if version == 4 else 128) - _SUBNET[version]  # noqa: PLR2004 - IP version
    met = {number >> width for number in numbers}
    others = (base for base in _subnets(places, width) if base >> width not in met)
    free = chain(others, _subnets(places, width))
    for _, members in groupby(numbers, key=lambda number: number >> width):
        base, listed = next(free), list(members)
        first = 1 if len(listed) <= _MOST_RANKED else 0
        yield from ((old, base + first + rank) for rank, old in enumerate(listed))


def _subnets(places: Iterable[str], width: int) -> Iterator[int]:
    for place in places:
        first, last = ip_network(place)[0], ip_network(place)[-1]
        yield from range(int(first), int(last), 1 << width)


def read_address(text: str) -> IPAddress | None:
    """Read an address; None where a text is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None
