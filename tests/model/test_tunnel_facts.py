"""What a tunnel shows: peers by longest prefix, health, and by whose tunnel an address is reached."""

from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.model.facts import LinkKind, Route, TunnelHealth
from probe.model.machine import Link, Peer, Tunnel, TunnelKind
from probe.model.target import TargetAddress
from probe.model.tunnel_state import REJECT_AFTER_S, health, is_on, leads_to, peer_for, tunnel_of

IP = ip_address("10.88.0.10")


def peer(*allowed: str, age: float | None = None, key: str = "peer") -> Peer:
    """A peer with these allowed IPs."""
    return Peer(key, tuple(ip_network(text) for text in allowed), handshake_age_s=age)


def tunnel(*peers: Peer, name: str = "wg0", own: str | None = None, **facts) -> Tunnel:
    """A WireGuard tunnel that is up, with carrier, unless stated otherwise."""
    up, running = facts.pop("up", True), facts.pop("running", True)
    addresses = () if own is None else (ip_interface(own),)
    link = Link(name, LinkKind.TUNNEL, up, running, addresses)
    return Tunnel(link, **{"kind": TunnelKind.WIREGUARD, "peers": peers, **facts})


def test_the_peer_with_the_longest_prefix_has_an_address():
    """WireGuard's table of allowed IPs chooses as a routing table does, and keeps the versions apart."""
    wide, near, six = peer("0.0.0.0/0", key="wide"), peer("10.88.0.0/24", key="near"), peer("::/0", key="six")
    for order in ((wide, near, six), (near, six, wide)):
        assert peer_for(tunnel(*order), IP) is near
        assert peer_for(tunnel(*order), ip_address("8.8.8.8")) is wide
        assert peer_for(tunnel(*order), ip_address("fd88::10")) is six
    assert peer_for(tunnel(near), ip_address("fd88::10")) is None
    assert peer_for(tunnel(peers=None), IP) is None


networks4 = st.builds(
    lambda number, length: ip_network((number, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
networks6 = st.builds(
    lambda number, length: ip_network((number << 64, length), strict=False),
    st.integers(0, 2**64 - 1),
    st.integers(0, 128),
)
allowed_ips = st.lists(networks4 | networks6, max_size=6, unique=True)


@given(tables=st.lists(allowed_ips, max_size=4), data=st.data())
def test_no_peer_with_a_longer_prefix_is_passed_over(tables, data):
    """The chosen peer has the address, and no peer has it by a longer prefix; without one, none has it."""
    every = [network for table in tables for network in table]
    inside = st.sampled_from(every).map(lambda n: n[data.draw(st.integers(0, min(n.num_addresses, 9) - 1))])
    address = data.draw((inside if every else st.nothing()) | st.ip_addresses())
    peers = tuple(Peer(str(number), tuple(table)) for number, table in enumerate(tables))
    having = {
        network.prefixlen: one
        for one in reversed(peers)
        for network in one.allowed_ips
        if network.version == address.version and address in network
    }
    assert peer_for(tunnel(*peers), address) is (having[max(having)] if having else None)


@given(tables=st.lists(allowed_ips, max_size=3), address=st.ip_addresses(), own=st.none() | networks4)
def test_an_address_leads_to_the_tunnel_that_can_carry_it(tables, address, own):
    """What leads to a tunnel lies in its own network or has a peer; wide networks alone lead nowhere."""
    one = tunnel(*(Peer("key", tuple(table)) for table in tables), own=None if own is None else str(own))
    if leads_to(one, address):
        in_own = own is not None and own.version == address.version and address in own
        assert in_own or peer_for(one, address) is not None
    assert not leads_to(tunnel(peer("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3")), address)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (tunnel(peer("10.88.0.0/24", age=1), up=False), TunnelHealth.OFF),
        (tunnel(peer("10.88.0.0/24", age=1), running=False), TunnelHealth.OFF),
        (tunnel(peers=None), TunnelHealth.UNKNOWN),
        (tunnel(peers=None, up=False), TunnelHealth.OFF),
        (tunnel(), TunnelHealth.NOT_ALLOWED),
        (tunnel(peer("10.99.0.0/24", age=1)), TunnelHealth.NOT_ALLOWED),
        (tunnel(peer("10.88.0.0/24")), TunnelHealth.NEVER),
        (tunnel(peer("10.88.0.0/24", age=0.0)), TunnelHealth.FRESH),
        (tunnel(peer("10.88.0.0/24", age=REJECT_AFTER_S)), TunnelHealth.FRESH),
        (tunnel(peer("10.88.0.0/24", age=REJECT_AFTER_S + 0.1)), TunnelHealth.STALE),
        (tunnel(peer("10.88.0.0/24", age=9e9), peer("10.88.0.10/32", age=1)), TunnelHealth.FRESH),
    ],
)
def test_health(facts, expected):
    """The tunnel's own facts, and those of the address's peer alone, make its health."""
    assert health(facts, IP) is expected


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (TunnelKind.TAILSCALE, "Running", True),
        (TunnelKind.TAILSCALE, "Starting", True),
        (TunnelKind.TAILSCALE, "Stopped", False),
        (TunnelKind.TAILSCALE, "NeedsLogin", False),
        (TunnelKind.TAILSCALE, None, True),
        (TunnelKind.OPENVPN, "Stopped", True),  # no state that we know of: its interface shows it
    ],
)
def test_a_program_that_is_switched_off_leaves_its_interface(kind, state, expected):
    """Tailscale's interface stays when it is stopped; its state shows it."""
    assert is_on(tunnel(kind=kind, state=state)) is expected


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        (("10.88.0.0/24",), "10.88.0.10", True),
        (("10.0.0.0/8",), "10.88.0.10", True),
        (("8.0.0.0/7",), "8.8.8.8", False),
        (("0.0.0.0/0",), "10.88.0.10", False),
        (("fc00::/7",), "fd88::10", True),
        (("2000::/3",), "2001:db8::1", False),
        (("10.88.0.0/24",), "fd88::10", False),
    ],
)
def test_wide_networks_show_nothing_of_one_address(networks, address, expected):
    """A default route, its halves and all global addresses of IPv6 stand for everything."""
    assert leads_to(tunnel(peer(*networks)), ip_address(address)) is expected
    assert leads_to(tunnel(peers=None), ip_address(address)) is False


def route(
    interface: str | None, kind: LinkKind | None = LinkKind.ETHERNET, *, on_link: bool = False
) -> Route:
    """A route by an interface; without one there is none."""
    if interface is None:
        return Route(IP, reachable=False)
    return Route(IP, interface=interface, kind=kind, on_link=on_link)


SITE = tunnel(peer("10.88.0.0/24"), own="10.88.0.2/24")
SITE_OFF = tunnel(peer("10.88.0.0/24"), own="10.88.0.2/24", up=False)
BY_PEER = tunnel(peer("10.88.0.0/24"), own="10.77.0.2/32")
BY_PEER_OFF = tunnel(peer("10.88.0.0/24"), own="10.77.0.2/32", up=False)
NEAR = tunnel(own="10.88.0.2/28", name="near")
OTHER = tunnel(peer("10.99.0.0/24"), own="10.99.0.2/24", name="other")
OTHER_OFF = tunnel(peers=None, name="other", up=False)
INTO = route("wg0", LinkKind.TUNNEL)


@pytest.mark.parametrize(
    ("realm", "way", "tunnels", "expected"),
    [
        ("vpn", None, [SITE], None),  # nothing is known of the route
        ("lan", route("lo", LinkKind.LOOPBACK), [SITE], None),
        ("vpn", INTO, [OTHER, SITE], SITE),
        ("vpn", route("wg0"), [SITE], SITE),  # a tap device has neighbours
        ("lan", INTO, [OTHER], None),  # into a tunnel of which nothing is known
        ("lan", route(None), [OTHER, SITE], SITE),
        ("lan", route(None), [BY_PEER], BY_PEER),
        ("public", route(None), [SITE_OFF], SITE_OFF),
        ("lan", route(None), [OTHER], None),
        ("lan", route("eth0"), [SITE], SITE),
        ("lan", route("eth0"), [SITE, NEAR], NEAR),  # the longest prefix
        ("lan", route("eth0"), [BY_PEER], None),  # a more specific route may lead elsewhere
        ("vpn", route("eth0"), [BY_PEER], BY_PEER),
        ("lan", route("eth0"), [BY_PEER_OFF], BY_PEER_OFF),
        ("lan", route("eth0", on_link=True), [SITE, BY_PEER_OFF], None),  # a neighbour by another link
        ("vpn", route("eth0", on_link=True), [SITE], SITE),
        ("public", route("eth0"), [SITE, BY_PEER_OFF], None),
        ("vpn", route("eth0"), [OTHER_OFF], OTHER_OFF),  # the only one, and it is off
        ("vpn", route("eth0"), [OTHER], None),
        ("vpn", route("eth0"), [OTHER_OFF, OTHER], None),
        ("lan", route("eth0"), [OTHER_OFF], None),
        ("vpn", route("eth0"), [], None),
    ],
)
def test_whose_tunnel_an_address_is_reached_by(realm, way, tunnels, expected):
    """The tunnel that the route takes; without one, the one that should have the address."""
    assert tunnel_of(TargetAddress(IP, realm), way, tunnels) is expected
