"""Other addresses in place of real ones: what they keep, and what they never give away."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.redact import addresses
from probe.redact.addresses import bare, is_plain, replacements

RANGES = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/64",
)
ADDRESSES = st.lists(
    st.one_of(
        st.ip_addresses(v=4),
        st.ip_addresses(v=6),
        *(st.ip_addresses(network=network) for network in RANGES),
    ),
    max_size=40,
)


def subnet(ip: IPv4Address | IPv6Address) -> object:
    return ip_network(f"{ip}/{24 if ip.version == 4 else 64}", strict=False)


def place(ip: IPv4Address | IPv6Address) -> str:
    """Which range an address is of."""
    return next((n for n in RANGES if ip in ip_network(n)), f"IPv{ip.version}")


@given(ADDRESSES)
def test_what_is_kept(addresses: list[IPv4Address | IPv6Address]) -> None:
    """Every address has one other of its family and range; neighbours stay neighbours, in their order."""
    other = replacements(addresses).addresses
    assert other.keys() == {bare(ip) for ip in addresses if not is_plain(ip)}
    assert len(set(other.values())) == len(other)
    for one, new in other.items():
        assert (new.version, place(new)) == (one.version, place(one))
        for two, its in other.items():
            if one.version == two.version:
                assert (subnet(one) == subnet(two)) == (subnet(new) == subnet(its))
                if place(one) == place(two) != f"IPv{one.version}":
                    assert (int(one) < int(two)) == (int(new) < int(its))


@given(ADDRESSES)
def test_public_ones_become_documentation(addresses: list[IPv4Address | IPv6Address]) -> None:
    """No address that may belong to somebody is put in the place of another."""
    free = [
        ip_network(n)
        for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/4")
    ]
    free.append(ip_network("2001:db8::/32"))
    for one, new in replacements(addresses).addresses.items():
        assert not place(one).startswith("IPv") or any(new in network for network in free)


def test_nothing_real_stands_for_another() -> None:
    """Where a network that would be given is itself in use, the next one is."""
    used = [
        ip_address(text) for text in ("192.168.0.9", "192.168.1.9", "192.0.2.9", "8.8.8.8", "2001:db8::9")
    ]
    other = replacements(used).addresses
    assert {subnet(ip) for ip in other.values()}.isdisjoint({subnet(ip) for ip in used})
    assert str(other[ip_address("8.8.8.8")]) == "198.51.100.1"


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"]
)
def test_nobodys_addresses_stay(text: str) -> None:
    """Loopback, multicast, the unspecified address and broadcast show nothing of a network."""
    assert is_plain(ip_address(text))
    assert replacements([ip_address(text)]).addresses == {}


def test_a_full_subnet_has_room() -> None:
    """All addresses of a /24 find a place in one."""
    full = [ip_address("10.1.2.0") + n for n in range(256)]
    other = replacements(full).addresses
    assert len({subnet(ip) for ip in other.values()}) == 1
    assert len(set(other.values())) == 256


def test_link_local_addresses_keep_their_one_network() -> None:
    """There is only one, so it is used though it is met; the scope is none of the address."""
    other = replacements([ip_address("fe80::5054:ff:fe12:3456%eth0"), ip_address("fe80::9%wlan0")]).addresses
    assert set(map(str, other.values())) == {"fe80::1", "fe80::2"}


def network_in(within: str, longest: int) -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """Networks of a range, narrower than it."""
    range_of = ip_network(within)
    return st.builds(
        lambda ip, prefix: ip_network(f"{ip}/{prefix}", strict=False),
        st.ip_addresses(network=range_of),
        st.integers(range_of.prefixlen + 1, longest),
    )


@given(
    st.lists(st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="172.16.0.0/12"))),
    st.lists(st.one_of(network_in("10.0.0.0/8", 31), network_in("172.16.0.0/12", 31)), max_size=8),
)
def test_networks_keep_their_addresses(
    addresses: list[IPv4Address | IPv6Address], networks: list[IPv4Network | IPv6Network]
) -> None:
    """Each has the same of the addresses in it, whatever its prefix, and is as wide as before."""
    other = replacements(addresses, networks)
    assert other.networks.keys() == set(networks)
    for network, new in other.networks.items():
        assert new.prefixlen == network.prefixlen
        for ip, its in other.addresses.items():
            assert (ip in network) == (its in new)
        for narrower, its_new in other.networks.items():
            assert narrower.subnet_of(network) == its_new.subnet_of(new)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8", "2000::/3", "192.0.2.9/32"])
def test_networks_of_nobody_stay(text: str) -> None:
    """What stands for everything, or for a whole range, names no network; an address alone is none."""
    assert replacements([], [ip_network(text)]).networks == {}


def test_networks_without_room() -> None:
    """Where documentation has no room for a public network, its addresses are placed without it."""
    inside = ip_address("2600:1::5")
    wide = [ip_network("2600::/33"), ip_network("2600:8000::/33"), ip_network("2601::/33")]
    other = replacements([inside], wide)
    assert other.networks == {}
    assert str(other.addresses[inside]) == "2001:db8::1"


def test_a_range_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """More networks than a range has are a mistake of the caller's, which nobody meets by chance."""
    monkeypatch.setattr(addresses, "_PLACES", {"fc00::/7": ("fd00:db8::/63",)})
    with pytest.raises(ValueError, match="no room for 3 addresses"):
        replacements(ip_address(f"fd00:{n}::1") for n in range(3))
