"""The checks of tunnels, as a table: tunnels, the check that is meant, its status, words, what mends it."""

from ipaddress import ip_address, ip_network

import pytest
from odd_machines import HEALTHY, OTHER_KEY, peer, the, tunnel, wireguard, with_tunnels

from probe.diagnose.checks import check_machine
from probe.model.diagnosis import Status
from probe.model.machine import Machine, Peer, TunnelKind

OK, WARN, FAIL, SKIPPED = Status.OK, Status.WARN, Status.FAIL, Status.SKIPPED

CASES = [
    (HEALTHY, "tunnel", OK, "none", None),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"))),
        "tunnel wg0",
        OK,
        "peer kGbVK5wz, shook hands 12 s ago, allowed IPs 10.88.0.0/24, endpoint 203.0.113.7:51820",
        None,
    ),
    (
        with_tunnels(wireguard(peer(endpoint=(ip_address("2001:db8::7"), 51820)))),
        "tunnel wg0",
        OK,
        "no allowed IPs, endpoint [2001:db8::7]:51820",
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"), up=False)),
        "tunnel wg0",
        FAIL,
        "wireguard, down",
        "here# ip link set wg0 up",
    ),
    (
        with_tunnels(wireguard(up=False), system="darwin"),
        "tunnel wg0",
        FAIL,
        "down",
        "here# ifconfig wg0 up",
    ),
    (with_tunnels(wireguard()), "tunnel wg0", WARN, "no peer is set", "here# wg set wg0 peer"),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None))),
        "tunnel wg0",
        WARN,
        "never shook hands",
        "endpoint runs WireGuard",
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None, sent_bytes=0))),
        "tunnel wg0",
        OK,
        "never shook hands",
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None, endpoint=None))),
        "tunnel wg0",
        WARN,
        "no endpoint",
        "set the peer's endpoint",
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=7300.0))),
        "tunnel wg0",
        WARN,
        "shook hands 2 h ago (normal where the tunnel is idle)",
        "none where the tunnel is idle",
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=300.0, sent_bytes=0))),
        "tunnel wg0",
        OK,
        "shook hands 5 min ago (normal",
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=200_000.0, keepalive_s=25))),
        "tunnel wg0",
        WARN,
        "shook hands 2 d ago although a packet is due every 25 s",
        "endpoint runs WireGuard",
    ),
    (
        with_tunnels(
            wireguard(
                *(Peer(OTHER_KEY, (ip_network("10.88.0.9/32"),)) for _ in range(3)), peer("10.88.0.3/32")
            )
        ),
        "tunnel wg0",
        OK,
        "4 peers; peer 9zB0K0hV, never shook hands, allowed IPs 10.88.0.9/32, no endpoint; peer 9z",
        None,
    ),
    (
        with_tunnels(wireguard(Peer(OTHER_KEY, ()), peer("10.88.0.3/32", handshake_age_s=None))),
        "tunnel wg0",
        WARN,
        "2 peers; peer kGbVK5wz, never shook hands, allowed IPs 10.88.0.3/32",
        "endpoint runs WireGuard",
    ),
    (
        with_tunnels(tunnel(TunnelKind.WIREGUARD, unread="wg needs root: run with sudo")),
        "tunnel tun0",
        SKIPPED,
        "wireguard, up, 10.8.0.2/24; its peers are not known: wg needs root",
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.TAILSCALE, state="Stopped")),
        "tunnel tun0",
        FAIL,
        "its state is Stopped",
        "here# tailscale up",
    ),
    (
        with_tunnels(tunnel(TunnelKind.TAILSCALE, state="Running", sent=9, received=9)),
        "tunnel tun0",
        OK,
        "tailscale, Running, 10.8.0.2/24, 9 packets sent, 9 received",
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN, sent=9)),
        "tunnel tun0",
        WARN,
        "9 packets sent, 0 received",
        "log of the VPN's program",
    ),
    (with_tunnels(tunnel(TunnelKind.OTHER, traffic=None)), "tunnel tun0", OK, "tunnel, up, 10.8", None),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN, running=False)),
        "tunnel tun0",
        FAIL,
        "no program serves it",
        "start the VPN's program",
    ),
]


@pytest.mark.parametrize(("facts", "name", "status", "found", "fix"), CASES)
def test_tunnels(facts: Machine, name: str, status: Status, found: str, fix: str | None) -> None:
    """Each tunnel has its status, its words, and a fix where something is to be done."""
    check = the(name, check_machine(facts))
    assert check.status is status, check
    assert found in check.found
    assert check.fix == fix if fix is None else fix in (check.fix or "")
