"""What the real machine reports, where that is the same on every machine; the rest is tested in a world."""

import socket
import sys
from ipaddress import IPv6Address, ip_address, ip_interface
from struct import pack

import pytest

from probe.backends import system_host
from probe.backends.system_host import SystemHost
from probe.machine.interfaces import Interface, interfaces
from probe.machine.netlink import KernelRoute
from probe.model.facts import DeadLink, LinkKind, Neighbour
from probe.model.way_out import USUAL_WAY


@pytest.fixture(params=["linux", "darwin"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SystemHost:
    """The host, with and without the Linux kernel's own answers."""
    monkeypatch.setattr(sys, "platform", request.param)
    return SystemHost()


@pytest.mark.skipif(sys.platform != "linux", reason="the loopback interface has other names elsewhere")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_loopback(host: SystemHost, address: str) -> None:
    """Loopback is reached by loopback, from an address of its own, as a neighbour without an entry."""
    route = host.route(ip_address(address))
    assert (route.interface, route.kind, route.on_link, route.reachable) == (
        "lo",
        LinkKind.LOOPBACK,
        True,
        True,
    )
    assert route.source is not None
    assert route.source.is_loopback
    assert route.mtu is not None
    assert host.neighbour(ip_address(address)) is None


def test_own_addresses(host: SystemHost) -> None:
    """Loopback's and every interface's; each is reached by loopback; link-local ones name a link."""
    own = host.own_addresses()
    assert {ip_address("127.0.0.1"), ip_address("::1")} <= own
    for address in own - {ip_address("::1")}:
        assert isinstance(address, IPv6Address) is (address.version == 6)
        if isinstance(address, IPv6Address) and address.is_link_local:
            assert address.scope_id is not None
        assert host.route(address).kind is LinkKind.LOOPBACK


@pytest.mark.parametrize("address", ["fe80::1%nope0", "fe80::1"])
def test_no_such_link(host: SystemHost, address: str) -> None:
    """A link-local address without its link, or on one that is not there, has no route."""
    assert not host.route(ip_address(address)).reachable
    assert host.neighbour(ip_address("127.0.0.9")) is None


def test_every_interface_has_a_kind() -> None:
    """Names are distinct, MTUs positive, and one interface is loopback."""
    known = interfaces()
    assert len({i.name for i in known}) == len(known)
    assert all(i.mtu is None or i.mtu > 0 for i in known)
    assert LinkKind.LOOPBACK in {i.kind for i in known}


def interface(name: str, kind: LinkKind, *addresses: str) -> Interface:
    return Interface(name, kind, 1500, tuple(ip_interface(a) for a in addresses))


LAN = interface("en0", LinkKind.ETHERNET, "192.0.2.5/24", "2001:db8::5/64")
VPN = interface("utun3", LinkKind.TUNNEL, "10.8.0.2/32")
LO = interface("lo0", LinkKind.LOOPBACK, "127.0.0.1/8")
KNOWN = (LAN, VPN, LO)
VIA_GATEWAY = KernelRoute(None, None, gateway=True, local=False, delivers=True)
DIRECT = KernelRoute(None, None, gateway=False, local=False, delivers=True)

# destination, source chosen by the kernel -> interface, without the kernel's own word
HOLDERS = [
    ("192.0.2.9", "192.0.2.5", LAN),
    ("198.51.100.1", "192.0.2.5", LAN),
    ("10.8.0.9", "10.8.0.2", VPN),
    ("192.0.2.5", "192.0.2.5", LO),
    ("203.0.113.1", "203.0.113.9", None),
]


@pytest.mark.parametrize(("destination", "source", "expected"), HOLDERS)
def test_interface_by_source(destination: str, source: str, expected: Interface | None) -> None:
    """Where the kernel does not name the interface, the source's holder is it; our own go by loopback."""
    assert system_host._interface_for(KNOWN, ip_address(destination), ip_address(source), None) is expected


ON_LINK = [
    (LAN, "192.0.2.9", None, True),
    (LAN, "198.51.100.1", None, False),
    (LAN, "198.51.100.1", VIA_GATEWAY, False),
    (LAN, "198.51.100.1", DIRECT, True),  # a route with `dev` alone: the kernel asks for it on the link
    (LAN, "2001:db8::9", None, True),
    (VPN, "10.8.0.2", DIRECT, True),
    (VPN, "10.8.0.9", DIRECT, None),  # near or far behind the tunnel: the route does not show it
    (LO, "127.0.0.1", None, True),
]


@pytest.mark.parametrize(("through", "destination", "kernel", "expected"), ON_LINK)
def test_on_link(
    through: Interface,
    destination: str,
    kernel: KernelRoute | None,
    expected: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    """A neighbour is what is reached without a gateway, or lies in the interface's own network."""
    assert system_host._on_link(through, ip_address(destination), kernel) is expected


STATES = [
    (0x02, Neighbour.RESOLVED),
    (0x04, Neighbour.STALE),
    (0x08, Neighbour.STALE),
    (0x10, Neighbour.STALE),
    (0x80, Neighbour.STALE),
    (0x01, Neighbour.INCOMPLETE),
    (0x20, Neighbour.FAILED),
    (0x40, None),  # NOARP: nobody was asked
    (0x00, None),
]


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="neighbour entries are read on Linux")
@pytest.mark.parametrize(("state", "expected"), STATES)
def test_neighbour_states(monkeypatch: pytest.MonkeyPatch, state: int, expected: Neighbour | None) -> None:
    """Confirmed lately is resolved, asked still is incomplete, and only the kernel gives up."""
    answer = pack("=IHHII", 28, 28, 0, 1, 0) + pack("=B3xiHBB", 2, 3, state, 0, 1)
    route = KernelRoute(3, None, gateway=False, local=False, delivers=True)
    monkeypatch.setattr(system_host, "_kernel_route", lambda *_, **__: route)
    monkeypatch.setattr(system_host, "exchange", lambda _: answer)
    assert SystemHost().neighbour(ip_address("192.0.2.9")) is expected


OFF = Interface("eth1", LinkKind.ETHERNET, 1500, (ip_interface("203.0.113.5/24"),), up=False, running=False)
UNPLUGGED = Interface("eth2", LinkKind.ETHERNET, 1500, (ip_interface("198.51.100.5/24"),), running=False)
TUN = Interface("tun0", LinkKind.TUNNEL, 1500, (ip_interface("10.9.0.2/24"),), running=False)
LINKS = (*KNOWN, OFF, UNPLUGGED, TUN)

DEAD = [
    ("192.0.2.9", LAN, None),
    ("198.51.100.9", UNPLUGGED, DeadLink("eth2", up=True)),
    ("8.8.8.8", UNPLUGGED, DeadLink("eth2", up=True)),
    ("203.0.113.9", LAN, DeadLink("eth1", up=False)),  # it leaves by another link, as its own has no routes
    ("203.0.113.9", None, DeadLink("eth1", up=False)),
    ("203.0.114.9", LAN, None),
    ("10.9.0.9", TUN, None),  # a tunnel has its own facts
]


@pytest.mark.parametrize(("destination", "taken", "expected"), DEAD)
def test_dead_links(destination: str, taken: Interface | None, expected: DeadLink | None) -> None:
    """The link that the route takes, or the one that should: without carrier, or switched off."""
    assert system_host._dead_link(LINKS, ip_address(destination), taken) == expected


@pytest.mark.parametrize(
    ("prefix", "gateway", "expected"),
    [(0, True, True), (1, True, True), (8, True, False), (None, True, None), (0, False, False)],
)
def test_default_routes(
    monkeypatch: pytest.MonkeyPatch,
    prefix: int | None,
    gateway: bool,  # noqa: FBT001 - a column of the table
    expected: bool | None,  # noqa: FBT001
) -> None:
    """A route for everything, or for half of it, through a gateway; a neighbour is none's."""
    whole = KernelRoute(3, None, gateway=gateway, local=False, delivers=True, prefix=prefix)
    monkeypatch.setattr(system_host, "_kernel_route", lambda *_, **__: whole)
    destination = ip_address("192.168.1.20")
    assert system_host._by_default(destination, USUAL_WAY, whole) is expected


def test_default_routes_of_other_systems() -> None:
    """Without the kernel's word it is not known."""
    assert system_host._by_default(ip_address("192.168.1.20"), USUAL_WAY, None) is None


def test_no_netlink(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sandbox without netlink a route is worked out from addresses, and neighbours are not measured."""

    def refuse(_: bytes) -> bytes:
        raise PermissionError(1, "no netlink")

    monkeypatch.setattr(system_host, "exchange", refuse)
    assert SystemHost().route(ip_address("127.0.0.1")).kind is LinkKind.LOOPBACK
    assert SystemHost().neighbour(ip_address("127.0.0.1")) is None
