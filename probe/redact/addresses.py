"""Other addresses in place of real ones: documentation addresses, or private ones of the same range.

Kept are family, equality, order within a range, which of them share a /24 (IPv6: a /64) or a network that is
met, and what is nobody's secret: loopback, multicast, the unspecified address. Pure.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from probe.model.machine import Network
from probe.model.target import IPAddress

_SUBNET = {4: 24, 6: 64}  # prefix lengths
_WIDEST = {4: 8, 6: 32}  # prefix length: a public network so wide stands for everything

# Ranges whose addresses stay among themselves (RFC 1918, 6598, 3927, 4193, 4291). The others get those
# of documentation (RFC 5737, 3849), then of benchmarking (RFC 2544), then reserved ones.
_OWN_RANGES: tuple[Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))
) + tuple(map(ip_network, ("fc00::/7", "fe80::/64")))
_PLACES: Mapping[str, tuple[str, ...]] = {"fc00::/7": ("fd00:db8::/48",)}
_PUBLIC = {
    4: ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/4"),
    6: ("2001:db8::/32",),
}


@dataclass(slots=True)
class _Block:
    """Consecutive addresses as numbers: a network, or one address; and the blocks inside of it."""

    first: int
    size: int
    inside: "list[_Block]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Replacements:
    """What stands for each address and network that was met."""

    addresses: Mapping[IPAddress, IPAddress]
    networks: Mapping[Network, Network]


def replacements(addresses: Iterable[IPAddress], networks: Iterable[Network] = ()) -> Replacements:
    """Find another address for each, and another network, with the same of the addresses in it.

    Scopes are left out: an address with one is given by its bare form. A network as wide as its range, or
    wider, is none of anybody's: it stays.
    """
    numbers: dict[str, set[int]] = {}
    for ip in map(bare, addresses):
        if not is_plain(ip):
            numbers.setdefault(_range_of(ip), set()).add(int(ip))
    wide: dict[str, set[Network]] = {}
    for network in networks:
        name = _range_of(network.network_address)
        if _names_one(network, name):
            wide.setdefault(name, set()).add(network)
    new_addresses: dict[IPAddress, IPAddress] = {}
    new_networks: dict[Network, Network] = {}
    for name in numbers.keys() | wide.keys():
        kind = IPv4Address if "." in name else IPv6Address
        named = wide.get(name, set())
        placed = _placed(name, numbers.get(name, set()), named)
        new_addresses |= {kind(n): kind(placed[n, 1]) for n in numbers.get(name, ())}
        for network in named:
            new = placed.get((int(network.network_address), network.num_addresses))
            if new is not None:
                new_networks[network] = ip_network(f"{kind(new)}/{network.prefixlen}")
    return Replacements(new_addresses, new_networks)


def bare(ip: IPAddress) -> IPAddress:
    """An address without its scope."""
    if isinstance(ip, IPv6Address) and ip.scope_id is not None:
        return IPv6Address(int(ip))
    return ip


def is_plain(ip: IPAddress) -> bool:
    """Whether an address gives nobody's network away."""
    return ip.is_loopback or ip.is_multicast or ip.is_unspecified or int(ip) == 2**32 - 1


def _range_of(ip: IPAddress) -> str:
    return next((str(n) for n in _OWN_RANGES if ip.version == n.version and ip in n), _PUBLIC[ip.version][0])


def _names_one(network: Network, name: str) -> bool:
    """Whether a network names one: it is no address alone, and narrower than its range."""
    if network.prefixlen == network.max_prefixlen or is_plain(network.network_address):
        return False
    own = next((n for n in _OWN_RANGES if str(n) == name), None)
    return network.prefixlen > (_WIDEST[network.version] if own is None else own.prefixlen)


def _placed(name: str, numbers: Collection[int], named: Iterable[Network]) -> dict[tuple[int, int], int]:
    """Where each block of a range goes, by its first number and its size.

    A block that is met is taken where no other is left alone: what is real shall not stand for another. Where
    wide networks leave no room, only their addresses are placed.
    """
    version = 4 if "." in name else 6
    width = (32 if version == 4 else 128) - _SUBNET[version]  # noqa: PLR2004 - IP version
    subnets = {(number >> width << width, 1 << width) for number in numbers}
    single = {(number, 1) for number in numbers}
    wide = {(int(n.network_address), n.num_addresses) for n in named}
    texts = _PUBLIC[version] if name == _PUBLIC[version][0] else _PLACES.get(name, (name,))
    places = [ip_network(text) for text in texts]
    for blocks in (single | subnets | wide, single | subnets):
        nested = _nested(blocks)
        for met in (nested, []):
            tops = _laid_out(nested, places, met)
            if tops is not None:
                return dict(_all_placed(tops))
    raise ValueError(f"no room for {len(numbers)} addresses of {name}")  # more than there are


def _nested(blocks: Iterable[tuple[int, int]]) -> list[_Block]:
    """Blocks inside of each other; two networks overlap only so."""
    tops: list[_Block] = []
    around: list[_Block] = []
    for first, size in sorted(blocks, key=lambda block: (block[0], -block[1])):
        block = _Block(first, size)
        while around and around[-1].first + around[-1].size <= first:
            around.pop()
        (around[-1].inside if around else tops).append(block)
        around.append(block)
    return tops


def _laid_out(
    blocks: Sequence[_Block], places: Sequence[Network], met: Sequence[_Block]
) -> list[tuple[_Block, int]] | None:
    """A place for each block, in order and aligned to its size, not where one is `met`; None: no room."""
    out: list[tuple[_Block, int]] = []
    rest = iter(places)
    place = next(rest)
    cursor = int(place[0])
    for block in blocks:
        while True:
            cursor = _aligned(cursor, block.size)
            if cursor + block.size - 1 > int(place[-1]):
                following = next(rest, None)
                if following is None:
                    return None
                place, cursor = following, int(following[0])
            elif any(_overlap(cursor, block.size, one) for one in met):
                cursor += block.size
            else:
                break
        out.append((block, cursor))
        cursor += block.size
    return out


def _overlap(first: int, size: int, other: _Block) -> bool:
    return first < other.first + other.size and other.first < first + size


def _aligned(number: int, size: int) -> int:
    return -(-number // size) * size


def _all_placed(tops: Iterable[tuple[_Block, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Every block with its place: what is inside of one stays so, in its order, packed from its beginning.

    The first number of a network is none of its hosts': it goes to nobody who does not have it.
    """
    for block, place in tops:
        yield (block.first, block.size), place
        cursor = place
        if block.inside and block.inside[0].first > block.first:
            cursor += 1
        inside: list[tuple[_Block, int]] = []
        for one in block.inside:
            cursor = _aligned(cursor, one.size)
            inside.append((one, cursor))
            cursor += one.size
        yield from _all_placed(inside)


def read_address(text: str) -> IPAddress | None:
    """Read an address; None where a text is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None
