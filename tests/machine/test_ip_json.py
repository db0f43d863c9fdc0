"""What `ip -j` prints, as links and routes. The texts were recorded, and cut to what is read."""

import json
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.machine.ip_json import MadeLink, parse_links, parse_routes
from probe.model.facts import LinkKind
from probe.model.machine import Link, RouteEntry, Traffic

LINKS = """[
{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"link_type":"loopback",
 "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"},
              {"family":"inet6","local":"::1","prefixlen":128,"scope":"host"}],
 "stats64":{"rx":{"bytes":9,"packets":3,"errors":0},"tx":{"bytes":7,"packets":2,"errors":0}}},
{"ifindex":2,"ifname":"wg0","flags":["POINTOPOINT","NOARP","UP","LOWER_UP"],"mtu":1420,"link_type":"none",
 "linkinfo":{"info_kind":"wireguard"},
 "addr_info":[{"family":"inet","local":"10.8.0.2","prefixlen":24},{"family":"inet6","local":"fe80::2","prefixlen":64}]},
{"ifindex":3,"ifname":"corp","flags":["POINTOPOINT","MULTICAST","NOARP"],"mtu":1500,"link_type":"none",
 "linkinfo":{"info_kind":"tun","info_data":{"type":"tun","pi":false}},"addr_info":[]},
{"ifindex":4,"ifname":"tap0","flags":["NO-CARRIER","BROADCAST","MULTICAST","UP"],"mtu":1500,"link_type":"ether",
 "linkinfo":{"info_kind":"tun","info_data":{"type":"tap","pi":false}},"addr_info":[{}]},
{"ifindex":5,"ifname":"gre1","link":null,"flags":["NOARP"],"link_type":"gre","linkinfo":{"info_kind":"gre"}},
{},
{"ifindex":6}
]"""


def made_by(maker: str, link: Link) -> Link:
    """What the kernel has made is no radio."""
    return replace(link, made_by=maker, wireless=False)


EXPECTED_LINKS = (
    MadeLink(
        Link(
            "lo",
            LinkKind.LOOPBACK,
            up=True,
            running=True,
            addresses=(ip_interface("127.0.0.1/8"), ip_interface("::1/128")),
            mtu=65536,
            traffic=Traffic(2, 3, 7, 9),
        )
    ),
    MadeLink(
        Link(
            "wg0",
            LinkKind.TUNNEL,
            up=True,
            running=True,
            addresses=(ip_interface("10.8.0.2/24"), ip_interface("fe80::2%wg0/64")),
            mtu=1420,
            made_by="wireguard",
            wireless=False,
        ),
        "wireguard",
    ),
    MadeLink(made_by("tun", Link("corp", LinkKind.TUNNEL, up=False, running=False, mtu=1500)), "tun"),
    MadeLink(made_by("tun", Link("tap0", LinkKind.ETHERNET, up=True, running=False, mtu=1500)), "tun"),
    MadeLink(made_by("gre", Link("gre1", LinkKind.TUNNEL, up=False, running=False)), "gre"),
)


def test_links() -> None:
    """All links, also those that are off, without carrier or without address."""
    assert parse_links(LINKS) == EXPECTED_LINKS


ROUTES_4 = """[
{"dst":"default","gateway":"192.0.2.254","dev":"eth0","metric":100,"flags":[]},
{"dst":"10.50.0.0/16","flags":[],"nexthops":[{"gateway":"192.0.2.2","dev":"eth0","weight":1,"flags":[]},
                                             {"gateway":"192.0.2.3","dev":"eth1","weight":1,"flags":[]}]},
{"dst":"10.51.0.0/16","via":{"family":"inet6","host":"fd00:9::2"},"dev":"eth0","prefsrc":"192.0.2.1","flags":[]},
{"dst":"10.8.0.10","dev":"wg0","scope":"link","flags":[]},
{"type":"unreachable","dst":"10.98.0.0/16","flags":[]},
{"type":"blackhole","dst":"10.99.0.0/16","dev":"lo","flags":[]},
{"type":"unicast","dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","prefsrc":"192.0.2.1","flags":[]},
{"dst":"nowhere","dev":"eth0"},
{"dst":"10.60.0.0/16","flags":[]},
{}
]"""
ROUTES_6 = """[
{"dst":"fd50::/16","metric":1024,"nexthops":[{"gateway":"fd00:9::2","dev":"eth0"},{"dev":"eth1"}]},
{"dst":"default","gateway":"fe80::1","dev":"eth0","metric":1024,"pref":"medium"}
]"""

ROUTES = [
    (
        ROUTES_4,
        4,
        [
            ("0.0.0.0/0", "eth0", "192.0.2.254", 100, None),
            ("10.50.0.0/16", "eth0", "192.0.2.2", 0, None),
            ("10.51.0.0/16", "eth0", "fd00:9::2", 0, "192.0.2.1"),
            ("10.8.0.10/32", "wg0", None, 0, None),
            ("192.0.2.0/24", "eth0", None, 0, "192.0.2.1"),
        ],
    ),
    (
        ROUTES_6,
        6,
        [("fd50::/16", "eth0", "fd00:9::2", 1024, None), ("::/0", "eth0", "fe80::1", 1024, None)],
    ),
    ("", 4, []),
    ("[]", 6, []),
]


@pytest.mark.parametrize(("text", "family", "expected"), ROUTES)
def test_routes(text: str, family: int, expected: list[tuple[str, str, str | None, int, str | None]]) -> None:
    """Routes that deliver: `default` is everything, several next hops are their first."""
    entries = tuple(
        RouteEntry(
            ip_network(to),
            dev,
            ip_address(via) if via else None,
            metric,
            ip_address(source) if source else None,
        )
        for to, dev, via, metric, source in expected
    )
    assert parse_routes(text, family) == entries


@pytest.mark.parametrize("text", ["{}", "1", "[" * 9999, 'Option "-json" is unknown', "[1"])
def test_no_list(text: str) -> None:
    """Text that is no list of objects shows nothing, which is not the same as no link."""
    assert parse_links(text) is None
    assert parse_routes(text, 4) is None


KEYS = st.sampled_from(
    ["ifname", "flags", "linkinfo", "addr_info", "dst", "dev", "gateway", "nexthops", "via", "host"]
)
LEAVES = st.none() | st.integers() | st.text() | st.sampled_from(["default", "10.0.0.0/8", "::1", "UP"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)
OBJECTS = st.lists(st.dictionaries(KEYS, JSON) | JSON)


@given(st.text() | OBJECTS.map(json.dumps), st.sampled_from([4, 6]))
def test_any_text_is_read(text: str, family: int) -> None:
    """Whatever it is given, it gives links and routes, or nothing."""
    assert all(isinstance(made, MadeLink) for made in parse_links(text) or ())
    assert all(isinstance(entry, RouteEntry) for entry in parse_routes(text, family) or ())


@given(st.text(), st.integers(0, 64))
def test_any_name_and_length_is_read(name: str, length: int) -> None:
    """Names and lengths that no kernel would give do no harm."""
    entry = {"ifname": name, "flags": [], "addr_info": [{"local": "fe80::1", "prefixlen": length}]}
    found = parse_links(json.dumps([entry]))
    assert found is not None
    assert found[0].link.name == name
