"""Which tunnels may lose the first packets to a handshake."""

from ipaddress import ip_address, ip_network

import pytest

from probe.model.facts import LinkKind
from probe.model.machine import Link, Peer, Tunnel, TunnelKind
from probe.model.tunnel_state import is_cold

VPN = ip_address("10.88.0.10")
UP, OFF = (Link("vpn", LinkKind.TUNNEL, up=up, running=up) for up in (True, False))
ALLOWED = (ip_network("10.88.0.0/24"),)
FRESH, STALE, NEVER = (Peer("key", ALLOWED, handshake_age_s=age) for age in (5.0, 900.0, None))

CASES = [
    (UP, TunnelKind.WIREGUARD, (FRESH,), False),
    (UP, TunnelKind.WIREGUARD, (STALE,), True),
    (UP, TunnelKind.WIREGUARD, (NEVER,), True),
    (UP, TunnelKind.WIREGUARD, (), False),  # nothing will be sent
    (OFF, TunnelKind.WIREGUARD, (NEVER,), False),
    (UP, TunnelKind.WIREGUARD, None, True),  # may not be read
    (UP, TunnelKind.TAILSCALE, None, True),
    (UP, TunnelKind.OTHER, None, True),
    (UP, TunnelKind.OPENVPN, None, False),  # its session lasts
]


@pytest.mark.parametrize(("link", "kind", "peers", "expected"), CASES)
def test_cold(link, kind, peers, expected):
    """Those that shake hands when there is something to send, and have no session that is known of."""
    assert is_cold(Tunnel(link, kind, peers=peers), VPN) is expected
