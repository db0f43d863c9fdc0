"""Other addresses in place of real ones: what they keep, and what they never give away."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    other = replacements(addresses)
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
    for one, new in replacements(addresses).items():
        assert not place(one).startswith("IPv") or any(new in network for network in free)


def test_nothing_real_stands_for_another() -> None:
    """Where a network that would be given is itself in use, the next one is."""
    used = [
        ip_address(text) for text in ("192.168.0.9", "192.168.1.9", "192.0.2.9", "8.8.8.8", "2001:db8::9")
    ]
    other = replacements(used)
    assert {subnet(ip) for ip in other.values()}.isdisjoint({subnet(ip) for ip in used})
    assert str(other[ip_address("8.8.8.8")]) == "198.51.100.1"


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"]
)
def test_nobodys_addresses_stay(text: str) -> None:
    """Loopback, multicast, the unspecified address and broadcast say nothing of a network."""
    assert is_plain(ip_address(text))
    assert replacements([ip_address(text)]) == {}


def test_a_full_subnet_has_room() -> None:
    """All addresses of a /24 find a place in one."""
    full = [ip_address("10.1.2.0") + n for n in range(256)]
    other = replacements(full)
    assert len({subnet(ip) for ip in other.values()}) == 1
    assert len(set(other.values())) == 256


def test_link_local_addresses_keep_their_one_network() -> None:
    """There is only one, so it is used though it is met; the scope is none of the address."""
    other = replacements([ip_address("fe80::5054:ff:fe12:3456%eth0"), ip_address("fe80::9%wlan0")])
    assert set(map(str, other.values())) == {"fe80::1", "fe80::2"}
