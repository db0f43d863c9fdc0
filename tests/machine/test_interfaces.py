"""What kind of link an interface is, by what each system reports of it."""

from ipaddress import ip_address, ip_interface
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from probe.machine.interfaces import Interface, address_of, interfaces, link_kind
from probe.model.facts import LinkKind

ETHERNET, TUNNEL, LOOPBACK = LinkKind.ETHERNET, LinkKind.TUNNEL, LinkKind.LOOPBACK

# name, psutil flags, Linux hardware type, Linux tun_flags
KINDS = [
    ("lo", "up,loopback,running", 772, None, LOOPBACK),
    ("eth0", "up,broadcast,running,multicast", 1, None, ETHERNET),
    ("wlan0", "up,broadcast,running,multicast", 1, None, ETHERNET),
    ("wg0", "up,pointopoint,running,noarp", 65534, None, TUNNEL),
    ("wg0", "up,running,noarp", 65534, None, TUNNEL),
    ("tun0", "up,pointopoint,running,noarp,multicast", 65534, 0x1001, TUNNEL),
    ("tailscale0", "up,pointopoint,running", 65534, 0x5001, TUNNEL),
    ("corp", "up,broadcast", 1, 0x0001, TUNNEL),
    ("tap0", "up,broadcast,running,multicast", 1, 0x1002, ETHERNET),
    ("ppp0", "up,pointopoint", 512, None, TUNNEL),
    ("sit1", "up,noarp", 776, None, TUNNEL),
    ("gre1", "up,noarp", 778, None, TUNNEL),
    ("ib0", "up,broadcast", 32, None, ETHERNET),
    ("lo0", "up,loopback,running,multicast", None, None, LOOPBACK),
    ("en0", "up,broadcast,running,multicast", None, None, ETHERNET),
    ("utun3", "up,pointopoint,running,multicast", None, None, TUNNEL),
    ("utun3", "", None, None, TUNNEL),
    ("lo0", "", None, None, LOOPBACK),
    ("Ethernet", "", None, None, ETHERNET),
    ("Wi-Fi", "", None, None, ETHERNET),
    ("Loopback Pseudo-Interface 1", "", None, None, LOOPBACK),
    ("WireGuard Tunnel", "", None, None, TUNNEL),
    ("Tailscale", "", None, None, TUNNEL),
    ("OpenVPN Wintun", "", None, None, TUNNEL),
    ("Local Area Connection", "", None, None, ETHERNET),
    ("7", "", None, None, ETHERNET),
]


@pytest.mark.parametrize(("name", "flags", "hardware", "tun_flags", "expected"), KINDS)
def test_link_kind(
    name: str, flags: str, hardware: int | None, tun_flags: int | None, expected: LinkKind
) -> None:
    """The device's own word comes before its flags, its hardware type and its name."""
    assert link_kind(name, flags, hardware, tun_flags) is expected


class Entry(NamedTuple):
    """What psutil gives, as far as it is read."""

    address: str
    netmask: str | None


ENTRIES = [
    (Entry("192.0.2.5", "255.255.255.0"), "192.0.2.5/24"),
    (Entry("2001:db8::5", "ffff:ffff:ffff:ffff::"), "2001:db8::5/64"),
    (Entry("fe80::5%eth0", "ffff:ffff:ffff:ffff::"), "fe80::5%eth0/64"),
    (Entry("10.8.0.2", None), "10.8.0.2/32"),
    (Entry("2001:db8::5", None), "2001:db8::5/128"),
    (Entry("02:00:00:00:00:01", None), None),
]


@pytest.mark.parametrize(("entry", "expected"), ENTRIES)
def test_addresses(entry: Entry, expected: str | None) -> None:
    """An entry of the system is an address with its prefix, or a hardware address, which is none."""
    assert address_of(entry) == (None if expected is None else ip_interface(expected))


def test_interface_knows_its_network() -> None:
    """Own addresses compare without their scope; networks cover their hosts; link-locals name the link."""
    addresses = (ip_interface("192.0.2.5/24"), ip_interface("fe80::5%eth0/64"))
    interface = Interface("eth0", ETHERNET, 1500, addresses)
    assert interface.own() == {ip_address("192.0.2.5"), ip_address("fe80::5%eth0")}
    assert interface.holds(ip_address("fe80::5"))
    assert interface.covers(ip_address("192.0.2.9"))
    assert interface.covers(ip_address("fe80::9%eth0"))
    assert not interface.covers(ip_address("192.0.3.9"))


@pytest.mark.parametrize(
    ("flags", "is_up", "expected"),
    [
        ("up,broadcast,running,multicast", True, (True, True)),
        ("up,broadcast,multicast", False, (True, False)),
        ("broadcast,multicast", False, (False, False)),
        ("", True, (True, True)),
        ("", False, (False, False)),
    ],
)
def test_links_that_are_off_or_without_carrier(
    monkeypatch: pytest.MonkeyPatch,
    flags: str,
    is_up: bool,  # noqa: FBT001 - a column of the table
    expected: tuple[bool, bool],
) -> None:
    """Switched on, and with carrier; Windows reports one for both."""
    stat = SimpleNamespace(flags=flags, isup=is_up, mtu=1500)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {"en0": stat})
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"en0": [], "en1": []})
    known, unknown = interfaces()
    assert (known.up, known.running) == expected
    assert (unknown.up, unknown.running) == (True, True)
