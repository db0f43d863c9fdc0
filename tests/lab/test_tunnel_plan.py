"""A tunnel as a plan and as text: allowed IPs, and the configurations of both ends."""

import base64
from typing import Any

import pytest
from msgspec import convert

from probe.errors import ScenarioError
from probe.lab.netns import tunnel_plan
from probe.lab.netns.tunnel_plan import Certificate, KeyPair, TunnelPlan
from probe.lab.scenario import Vpn

KEYS = KeyPair("ours", "known")
CERTIFICATE = Certificate("CERT\n", "KEY\n", "AA:BB")


def plan(symbols: list[str], **parts: Any) -> TunnelPlan:
    made = tunnel_plan.plan_tunnel(convert({"kind": "wireguard", **parts}, Vpn), symbols)
    assert made is not None
    return made


# Symbols and parts; then what the prober allows and the target accepts.
ALLOWED: dict[str, tuple[list[str], dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "each other": (["vpn"], {}, ("10.88.0.10/32",), ("10.88.0.2/32",)),
    "both families": (
        ["vpn", "vpn6"],
        {},
        ("10.88.0.10/32", "fd88::10/128"),
        ("10.88.0.2/32", "fd88::2/128"),
    ),
    "symbols": (
        ["vpn", "vpn6"],
        {"allowed": ["vpn6", "lan"], "accepts": ["vpn"]},
        ("fd88::10/128", "192.168.77.10/32"),
        ("10.88.0.2/32",),
    ),
    "networks": (
        ["vpn"],
        {"allowed": ["10.88.0.0/24", "fd88::/64"], "accepts": ["10.88.0.7"]},
        ("10.88.0.0/24", "fd88::/64"),
        ("10.88.0.7/32",),
    ),
    "nothing": (["vpn"], {"allowed": []}, (), ("10.88.0.2/32",)),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_allowed_ips(case: str) -> None:
    """Each end allows the other's addresses, unless a scenario names others."""
    symbols, parts, allowed, accepts = ALLOWED[case]
    made = plan(symbols, **parts)
    assert (made.allowed, made.accepts) == (allowed, accepts)


def test_private_keys() -> None:
    """Each host has a key of its own, the same one always, of the length that WireGuard takes."""
    keys = [tunnel_plan.private_key(host) for host in ("prober", "target", "prober")]
    assert keys[0] == keys[2] != keys[1]
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {32}


def test_no_tunnel() -> None:
    """Without a tunnel there is no plan of one."""
    assert tunnel_plan.plan_tunnel(None, ["vpn"]) is None


IMPOSSIBLE = {
    "no address": ([], {}, "needs an address"),
    "OpenVPN in IPv6": (["vpn6"], {"kind": "openvpn"}, "IPv4"),
    "OpenVPN in both": (["vpn", "vpn6"], {"kind": "openvpn"}, "IPv4"),
    "OpenVPN with allowed IPs": (["vpn"], {"kind": "openvpn", "allowed": ["vpn"]}, "WireGuard's"),
    "OpenVPN that accepts": (["vpn"], {"kind": "openvpn", "accepts": ["vpn"]}, "WireGuard's"),
    "no such symbol": (["vpn"], {"allowed": ["tunnel"]}, "'tunnel'"),
    "host bits": (["vpn"], {"accepts": ["10.88.0.2/24"]}, "host bits"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be(case: str) -> None:
    """A tunnel that makes no sense is an error."""
    symbols, parts, message = IMPOSSIBLE[case]
    with pytest.raises(ScenarioError, match=message):
        plan(symbols, **parts)


def test_wireguard() -> None:
    """The prober knows where the target is; the target waits on its port and learns the rest."""
    made = plan(["vpn"])
    assert tunnel_plan.wireguard_here(made, KEYS, "theirs").splitlines() == [
        "[Interface]",
        "PrivateKey = ours",
        "[Peer]",
        "PublicKey = theirs",
        "AllowedIPs = 10.88.0.10/32",
        "Endpoint = 198.18.0.10:51820",
    ]
    assert tunnel_plan.wireguard_there(made, KEYS, "theirs").splitlines() == [
        "[Interface]",
        "PrivateKey = ours",
        "ListenPort = 51820",
        "[Peer]",
        "PublicKey = theirs",
        "AllowedIPs = 10.88.0.2/32",
    ]


def test_openvpn() -> None:
    """The client is given its address by the server; each knows the other by its fingerprint."""
    made = plan(["vpn"], kind="openvpn", mtu=1300)
    client = tunnel_plan.openvpn_here(made, CERTIFICATE, "CC:DD").splitlines()
    server = tunnel_plan.openvpn_there(made, CERTIFICATE, "CC:DD").splitlines()
    assert {"client", "remote 198.18.0.10 1194", "persist-tun"} <= set(client)
    assert {"ifconfig-pool 10.88.0.2 10.88.0.3 255.255.255.0", "port 1194"} <= set(server)
    both = {"dev vpn", "proto udp4", "tun-mtu 1300", "peer-fingerprint CC:DD", "CERT", "KEY"}
    assert both <= set(client) & set(server)


def test_openvpn_of_any_size() -> None:
    """Without a size the program takes its own."""
    made = plan(["vpn"], kind="openvpn")
    assert "tun-mtu" not in tunnel_plan.openvpn_here(made, CERTIFICATE, "CC:DD")
