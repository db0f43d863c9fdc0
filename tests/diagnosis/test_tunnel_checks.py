"""The checks of tunnels, as a table: tunnels, the check that is meant, its status, its result, and a fix."""

from ipaddress import ip_address, ip_network

import pytest
from odd_machines import (
    HEALTHY,
    KEY,
    OTHER_KEY,
    link,
    peer,
    route,
    the,
    tunnel,
    values_of,
    wireguard,
    with_tunnels,
)
from varied import replace

from probe.diagnosis.machine_checks import check_machine
from probe.diagnosis.tunnel_checks import proposals
from probe.explain.checks import explained_proposal
from probe.model.diagnosis import Proposal
from probe.model.facts import LinkKind
from probe.model.machine import Machine, Peer, TunnelKind
from probe.model.machine_checks import Status
from probe.model.unread import Unread, UnreadRule

OK, WARN, FAIL, SKIPPED = Status.OK, Status.WARN, Status.FAIL, Status.SKIPPED

DOCTOR = "bindprobe doctor --vpn 10.8.0.1 --vpn fd88::1"
OURS = {"tunnel_kind": "wireguard", "addresses": ["10.88.0.2/24"]}
NEAR = {"peer_key": KEY, "allowed_ips": ["10.88.0.0/24"], "endpoint": "203.0.113.7:51820"}


def of_peers(*peers: dict, count: int | None = None, more: int = 0) -> dict:
    """The result of a tunnel whose peers are known; those that are shown."""
    return {
        "rule": "tunnel-peers",
        **OURS,
        "peer_count": count or len(peers),
        "peers": list(peers),
        "more_peers": more,
    }


CASES = [
    (HEALTHY, "tunnel", OK, {"rule": "no-tunnel"}, None),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"))),
        "tunnel wg0",
        OK,
        of_peers({**NEAR, "handshake": "recent", "handshake_age_s": 12.0}),
        None,
    ),
    (
        with_tunnels(wireguard(peer(endpoint=(ip_address("2001:db8::7"), 51820)))),
        "tunnel wg0",
        OK,
        of_peers(
            {
                "peer_key": KEY,
                "handshake": "recent",
                "handshake_age_s": 12.0,
                "endpoint": "[2001:db8::7]:51820",
            }
        ),
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"), up=False)),
        "tunnel wg0",
        FAIL,
        {**OURS, "rule": "tunnel-off"},
        {"rule": "switch-on-tunnel", "place": "here", "command": "ip link set wg0 up"},
    ),
    (
        with_tunnels(wireguard(up=False), system="darwin"),
        "tunnel wg0",
        FAIL,
        {**OURS, "rule": "tunnel-off"},
        {"rule": "switch-on-tunnel", "place": "here", "command": "ifconfig wg0 up"},
    ),
    (
        with_tunnels(wireguard()),
        "tunnel wg0",
        WARN,
        {**OURS, "rule": "tunnel-without-peer"},
        {
            "rule": "set-peer",
            "place": "here",
            "command": "wg set wg0 peer PUBLIC_KEY endpoint HOST:PORT allowed-ips NETWORKS",
        },
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None))),
        "tunnel wg0",
        WARN,
        of_peers({**NEAR, "handshake": "never"}),
        {"rule": "check-peer", "peer_key": KEY},
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None, sent_bytes=0))),
        "tunnel wg0",
        OK,
        of_peers({**NEAR, "handshake": "never"}),
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=None, endpoint=None))),
        "tunnel wg0",
        WARN,
        of_peers(
            {
                "peer_key": KEY,
                "handshake": "never",
                "allowed_ips": ["10.88.0.0/24"],
            }
        ),
        {"rule": "set-peer-endpoint", "peer_key": KEY},
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=7300.0))),
        "tunnel wg0",
        WARN,
        of_peers({**NEAR, "handshake": "idle", "handshake_age_s": 7300.0}),
        {"rule": "check-idle-peer", "peer_key": KEY},
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=300.0, sent_bytes=0))),
        "tunnel wg0",
        OK,
        of_peers({**NEAR, "handshake": "idle", "handshake_age_s": 300.0}),
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", handshake_age_s=200_000.0, keepalive_s=25))),
        "tunnel wg0",
        WARN,
        of_peers({**NEAR, "handshake": "overdue", "handshake_age_s": 200000.0, "keepalive_s": 25}),
        {"rule": "check-peer", "peer_key": KEY},
    ),
    (
        with_tunnels(
            wireguard(
                *(Peer(OTHER_KEY, (ip_network("10.88.0.9/32"),)) for _ in range(3)), peer("10.88.0.3/32")
            )
        ),
        "tunnel wg0",
        OK,
        of_peers(
            {
                "peer_key": OTHER_KEY,
                "handshake": "never",
                "allowed_ips": ["10.88.0.9/32"],
            },
            {
                "peer_key": OTHER_KEY,
                "handshake": "never",
                "allowed_ips": ["10.88.0.9/32"],
            },
            count=4,
            more=2,
        ),
        None,
    ),
    (
        with_tunnels(wireguard(Peer(OTHER_KEY, ()), peer("10.88.0.3/32", handshake_age_s=None))),
        "tunnel wg0",
        WARN,
        of_peers(
            {
                "peer_key": KEY,
                "handshake": "never",
                "allowed_ips": ["10.88.0.3/32"],
                "endpoint": "203.0.113.7:51820",
            },
            count=2,
        ),
        {"rule": "check-peer", "peer_key": KEY},
    ),
    (
        with_tunnels(tunnel(TunnelKind.WIREGUARD, unread=Unread(rule=UnreadRule.NEEDS_ROOT, tools=("wg",)))),
        "tunnel tun0",
        SKIPPED,
        {
            "rule": "tunnel-peers-unread",
            "tunnel_kind": "wireguard",
            "addresses": ["10.8.0.2/24"],
            "unread": {"rule": "needs-root", "tools": ["wg"]},
        },
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.TAILSCALE, state="Stopped")),
        "tunnel tun0",
        FAIL,
        {
            "rule": "tunnel-stopped",
            "tunnel_kind": "tailscale",
            "state": "Stopped",
            "addresses": ["10.8.0.2/24"],
        },
        {"rule": "start-tailscale", "place": "here", "command": "tailscale up"},
    ),
    (
        with_tunnels(tunnel(TunnelKind.TAILSCALE, state="Running", sent=9, received=9)),
        "tunnel tun0",
        OK,
        {
            "rule": "tunnel-up",
            "tunnel_kind": "tailscale",
            "state": "Running",
            "addresses": ["10.8.0.2/24"],
            "sent_packets": 9,
            "received_packets": 9,
        },
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN, sent=9)),
        "tunnel tun0",
        WARN,
        {
            "rule": "tunnel-up",
            "tunnel_kind": "openvpn",
            "addresses": ["10.8.0.2/24"],
            "sent_packets": 9,
            "received_packets": 0,
        },
        {"rule": "read-vpn-log"},
    ),
    (
        with_tunnels(tunnel(TunnelKind.OTHER, traffic=None)),
        "tunnel tun0",
        OK,
        {"rule": "tunnel-up", "tunnel_kind": "tunnel", "addresses": ["10.8.0.2/24"]},
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN, running=False)),
        "tunnel tun0",
        FAIL,
        {"rule": "tunnel-unserved", "tunnel_kind": "openvpn", "addresses": ["10.8.0.2/24"]},
        {"rule": "start-vpn-program", "interface": "tun0", "tunnel_kind": "openvpn"},
    ),
]


@pytest.mark.parametrize(("facts", "name", "status", "found", "fix"), CASES)
def test_tunnels(facts: Machine, name: str, status: Status, found: dict, fix: dict | None) -> None:
    """Each tunnel has its status, its values, and a fix where something is to be done."""
    check = the(name, check_machine(facts))
    assert check.status is status, check
    assert values_of(check.found) == found
    assert (check.fix and values_of(check.fix)) == fix


@pytest.mark.parametrize(
    ("machine", "proposed"),
    [
        (HEALTHY, []),
        # A peer's own address, and a router behind it; this machine's own is left out.
        (
            with_tunnels(wireguard(peer("10.88.0.1/32", "10.88.0.2/32", "192.168.1.0/24"))),
            [("wg0", ("10.88.0.1",), False)],
        ),
        # A network alone: the first of its addresses is usually the far end's.
        (with_tunnels(wireguard(peer("10.88.0.0/24"))), [("wg0", ("10.88.0.1",), True)]),
        (with_tunnels(wireguard(peer("10.88.0.1/32"), up=False)), []),
    ],
)
def test_addresses_behind_tunnels_are_proposed(machine: Machine, proposed: list) -> None:
    """Of every tunnel that is on."""
    found = [(one.interface, one.addresses, one.customary) for one in proposals(machine)]
    assert found == proposed


def test_gateways_of_a_tunnel_are_proposed() -> None:
    """A tunnel without peers may have one; without, and where its first address is ours, there is nothing."""
    plain = tunnel(TunnelKind.OPENVPN)
    assert [one.customary for one in proposals(with_tunnels(plain))] == [True]
    first = replace(plain, link=link("tun0", "10.8.0.1/24", kind=LinkKind.TUNNEL))
    machine = with_tunnels(first)
    assert proposals(machine) == ()
    routed = replace(machine, routes=(route("10.0.0.0/8", "tun0", "10.8.0.9"),))
    assert [one.addresses for one in proposals(routed)] == [("10.8.0.9",)]


@pytest.mark.parametrize(
    ("customary", "text"),
    [
        (False, f"to check the tunnel wg0: {DOCTOR}"),
        (
            True,
            f"to check the tunnel wg0 (the usual address of its far end): {DOCTOR}",
        ),
    ],
)
def test_proposals_in_words(customary: bool, text: str) -> None:  # noqa: FBT001 - a case
    """A command to be copied."""
    one = Proposal(interface="wg0", addresses=("10.8.0.1", "fd88::1"), customary=customary)
    assert explained_proposal(one).text == text
