"""What `tailscale status --json` prints, as facts. The status is made by hand from the documented fields."""

import json
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.tailscale_status import Tailscale, parse_status
from probe.model.machine import Peer

NOW = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC

STATUS: dict[str, Any] = {
    "Version": "1.76.1-tdeadbeef",
    "TUN": True,
    "BackendState": "Running",
    "TailscaleIPs": ["100.64.0.5", "fd7a:115c:a1e0::5"],
    "Self": {
        "ID": "n1CNTRL",
        "PublicKey": "nodekey:aa",
        "HostName": "laptop",
        "TailscaleIPs": ["100.64.0.5", "fd7a:115c:a1e0::5"],
        "AllowedIPs": ["100.64.0.5/32", "fd7a:115c:a1e0::5/128"],
        "Addrs": ["192.0.2.5:41641"],
        "CurAddr": "",
        "Online": True,
    },
    "Health": [],
    "Peer": {
        "nodekey:bb": {
            "PublicKey": "nodekey:bb",
            "HostName": "server",
            "TailscaleIPs": ["100.64.0.10"],
            "AllowedIPs": ["100.64.0.10/32", "10.20.0.0/16"],
            "CurAddr": "203.0.113.9:41641",
            "Relay": "fra",
            "RxBytes": 900,
            "TxBytes": 148,
            "LastHandshake": "2026-09-21T16:12:40.123456789+02:00",
            "Online": True,
        },
        "nodekey:cc": {
            "PublicKey": "nodekey:cc",
            "TailscaleIPs": ["100.64.0.11"],
            "CurAddr": "",
            "LastHandshake": "0001-01-01T00:00:00Z",
            "Online": False,
        },
    },
}

EXPECTED = Tailscale(
    "Running",
    frozenset({ip_address("100.64.0.5"), ip_address("fd7a:115c:a1e0::5")}),
    "nodekey:aa",
    (
        Peer(
            "nodekey:bb",
            (ip_network("100.64.0.10/32"), ip_network("10.20.0.0/16")),
            (ip_address("203.0.113.9"), 41641),
            pytest.approx(39.876544),  # type: ignore[arg-type]
            sent_bytes=148,
            received_bytes=900,
        ),
        Peer("nodekey:cc", (ip_network("100.64.0.11/32"),)),
    ),
)


def test_status() -> None:
    """Peers by allowed networks; relayed ones have no endpoint, those of the year 1 no handshake."""
    assert parse_status(json.dumps(STATUS), NOW) == EXPECTED


STOPPED = [
    ({"BackendState": "Stopped", "Self": None, "Peer": None}, "Stopped"),
    ({"BackendState": "NeedsLogin", "TailscaleIPs": None}, "NeedsLogin"),
    ({"BackendState": "NoState", "Self": {"TailscaleIPs": None}}, "NoState"),
]


@pytest.mark.parametrize(("status", "state"), STOPPED)
def test_not_running(status: dict[str, Any], state: str) -> None:
    """Tailscale that is off reports its state and no peer."""
    assert parse_status(json.dumps(status), NOW) == Tailscale(state, frozenset(), None, ())


ODD_PEERS = [
    {"CurAddr": "derp-1"},
    {"AllowedIPs": ["everything"]},
    {"LastHandshake": "yesterday"},
]


@pytest.mark.parametrize("peer", ODD_PEERS)
def test_odd_peers_are_left_out(peer: dict[str, Any]) -> None:
    """A peer that is not as documented takes nothing else with it."""
    status = {**STATUS, "Self": {"TailscaleIPs": ["here"]}, "Peer": {"a": peer, "b": {}}}
    assert parse_status(json.dumps(status), NOW) == Tailscale("Running", frozenset(), None, (Peer("", ()),))


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 9999, '{"BackendState": 1}', "Tailscale is stopped."])
def test_no_status(text: str) -> None:
    """Text that is no status is none."""
    assert parse_status(text, NOW) is None


KEYS = st.sampled_from(["BackendState", "Self", "Peer", "TailscaleIPs", "CurAddr", "LastHandshake", "x"])
LEAVES = st.none() | st.integers() | st.text() | st.sampled_from(["0001-01-01T00:00:00Z", "100.64.0.1/32"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@given(st.text() | JSON.map(json.dumps), st.dictionaries(KEYS, JSON))
def test_any_text_is_read(text: str, node: dict[str, Any]) -> None:
    """Whatever it is given, it gives a status or nothing."""
    assert isinstance(parse_status(text, NOW), Tailscale | None)
    whole = json.dumps({"BackendState": "Running", "Self": node, "Peer": {"a": node}})
    assert isinstance(parse_status(whole, NOW), Tailscale | None)
