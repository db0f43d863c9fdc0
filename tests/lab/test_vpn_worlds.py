"""Real tunnels in worlds: every knob, seen by `wg`, ping and sockets; and nothing of them stays."""

import subprocess
from typing import Any

import netns_tasks
import pytest

from probe.lab.netns import enter, tunnels
from probe.lab.scenario import VpnKind
from probe.model.fixes import Place

GREETED = "220 ready"
SERVICE = {"listen": [{"port": 80, "bind": "::", "serves": "greet"}]}
SILENT = {"echo": False, "tcp": "TimeoutError"}
WELL = {"echo": True, "tcp": GREETED}
KINDS = [kind.value for kind in VpnKind]
LINKS = ["lan", "lo", "vpn", "wan"]


@pytest.fixture
def _tunnels() -> None:
    why_not = tunnels.vpn_available()
    if why_not is not None:
        pytest.skip(why_not)


def world(kind: str, *, addresses: tuple[str, ...] = ("lan", "vpn"), **parts: Any) -> dict[str, Any]:
    """A scenario with a tunnel and a service; `parts` are the tunnel's, but for those of the scenario."""
    own = {key: parts.pop(key) for key in ("target", "prober", "links", "down") if key in parts}
    return {"addresses": list(addresses), "target": SERVICE, "vpn": {"kind": kind, **parts}, **own}


# The tunnel, and what is seen, in that order.
WIREGUARD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cold": (
        {"addresses": ("lan", "vpn", "vpn6")},
        {
            "links": LINKS,
            "their links": LINKS,
            "allowed": ["10.88.0.10/32", "fd88::10/128"],
            "accepts": ["10.88.0.2/32", "fd88::2/128"],
            "mtu": 1420,
            "handshake": False,
            "their handshake": False,
            **WELL,
            "echo6": True,
            "tcp6": GREETED,
            "lan tcp": GREETED,
            "handshake after": True,
        },
    ),
    "warm": ({"warm": True}, {"handshake": True, "their handshake": True, **WELL}),
    "far end absent": (
        {"far_end": "absent"},
        {
            "their links": ["lan", "lo", "wan"],
            "carrier echo": True,
            "carrier port": "ConnectionRefusedError",
            **SILENT,
            "lan tcp": GREETED,
            "handshake after": False,
        },
    ),
    "far end absent, warm": (
        {"far_end": "absent", "warm": True},
        {"handshake": True, "carrier port": "ConnectionRefusedError", **SILENT},
    ),
    "far end without our key": (
        {"far_end": "unknown-peer"},
        {"accepts": [], "carrier port": "TimeoutError", **SILENT, "handshake after": False},
    ),
    "far end without our key, warm": (
        {"far_end": "unknown-peer", "warm": True},
        {"accepts": [], "handshake": True, **SILENT},
    ),
    "far end unreachable": (
        {"far_end": "unreachable"},
        {
            "their links": LINKS,
            "carrier echo": False,
            "carrier port": "TimeoutError",
            **SILENT,
            "lan tcp": GREETED,
            "handshake after": False,
        },
    ),
    "far end unreachable, warm": (
        {"far_end": "unreachable", "warm": True},
        {"handshake": True, "carrier echo": False, **SILENT},
    ),
    "off": (
        {"up": False, "warm": True},
        {"links": ["lan", "lo", "vpn off", "wan"], "echo": False, "tcp": "errno 101", "lan tcp": GREETED},
    ),
    "not allowed": (
        {"allowed": ["10.99.0.0/24"]},
        {"allowed": ["10.99.0.0/24"], **SILENT, "handshake after": False},
    ),
    "not allowed, warm": (
        {"allowed": ["10.99.0.0/24"], "warm": True},
        {"handshake": True, **SILENT},
    ),
    "not accepted": (
        {"accepts": ["10.88.0.7"]},
        {"accepts": ["10.88.0.7/32"], **SILENT, "handshake after": True},
    ),
    "a size of its own": ({"mtu": 1280}, {"mtu": 1280, "their mtu": 1280, **WELL}),
    "switched off": (
        {"down": True, "warm": True},
        {
            "links": LINKS,
            "handshake": True,
            "lan echo": False,
            "lan tcp": "errno 113",
            "neighbour": ["FAILED"],
            **SILENT,
            "carrier echo": False,
        },
    ),
    "a filter is not about the carrier": (
        {"target": {**SERVICE, "filter": [{"action": "drop"}]}, "warm": True},
        {"handshake": True, "echo": True, "tcp": "TimeoutError", "lan tcp": "TimeoutError"},
    ),
    "nor is the prober's own": (
        {"prober": {"incoming": [{"action": "drop"}], "outgoing": [{"action": "drop"}]}, "warm": True},
        {"handshake": True, "echo": True, "tcp": "TimeoutError"},
    ),
}

OPENVPN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serves": ({}, {"links": LINKS, "their links": LINKS, "mtu": 1500, **WELL, "lan tcp": GREETED}),
    "far end absent": (
        {"far_end": "absent"},
        {"links": ["lan", "lo", "wan"], "echo": False, "tcp": "errno 101", "lan tcp": GREETED},
    ),
    "far end absent, warm": ({"far_end": "absent", "warm": True}, {"links": LINKS, **SILENT}),
    "far end without our key": (
        {"far_end": "unknown-peer"},
        {"links": ["lan", "lo", "wan"], "echo": False, "tcp": "errno 101"},
    ),
    "far end without our key, warm": (
        {"far_end": "unknown-peer", "warm": True},
        {"links": LINKS, **SILENT},
    ),
    "far end unreachable": ({"far_end": "unreachable"}, {"links": ["lan", "lo", "wan"], "tcp": "errno 101"}),
    "far end unreachable, warm": (
        {"far_end": "unreachable", "warm": True},
        {"links": LINKS, "carrier echo": False, **SILENT},
    ),
    "off": ({"up": False}, {"links": ["lan", "lo", "vpn off", "wan"], "tcp": "errno 101"}),
    "a size of its own": ({"mtu": 1300}, {"mtu": 1300, "their mtu": 1300, **WELL}),
    "switched off": (
        {"down": True},
        {"lan echo": False, "lan tcp": "errno 113", **SILENT},
    ),
}

CASES = [("wireguard", case) for case in WIREGUARD] + [("openvpn", case) for case in OPENVPN]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize(("kind", "case"), CASES)
def test_what_a_tunnel_is_like(kind: str, case: str) -> None:
    """Each knob does what it stands for, and nothing beside."""
    parts, expected = {"wireguard": WIREGUARD, "openvpn": OPENVPN}[kind][case]
    assert netns_tasks.run("facts", world(kind, **parts), list(expected)) == expected


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_each_host_has_its_own_sysfs() -> None:
    """Where the kernel permits it, /sys lists the interfaces of the world's own host."""
    trial = enter.command(["unshare", "--mount", "mount", "-t", "sysfs", "none", "/sys"])
    done = subprocess.run(trial, env=enter.environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr)
    look = "ls /sys/class/net"
    given = world("openvpn", far_end="absent")
    found = netns_tasks.run("lines", given, [(Place.HERE, look), (Place.TARGET, look)])
    assert found == [["lan", "lo", "wan"], LINKS]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_through_a_tunnel(kind: str) -> None:
    """The product's own scan goes through the tunnel as through any link."""
    found = netns_tasks.run("scanned", world(kind))
    assert found == {
        "192.168.77.10": ["lan", "clear", "syn-ack"],
        "10.88.0.10": ["vpn", "clear", "syn-ack"],
    }


@pytest.mark.netns
@pytest.mark.wall_time
@pytest.mark.usefixtures("_tunnels")
def test_the_delay_is_on_the_carrier() -> None:
    """A tunnel of 20 ms each way makes a handshake of 40 ms, and the LAN none."""
    given = world("wireguard", links={"vpn": {"delay_ms": 20}})
    took = netns_tasks.run("round_trips", given, ["lan", "vpn"], 80)
    assert took == pytest.approx({"lan": 0, "vpn": 40}, abs=5)


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_commands_run_where_they_belong() -> None:
    """A shell on each host sees its own addresses, tunnel and interfaces, and changes them."""
    key = "wg show vpn public-key"
    lacks = "ip -br -4 addr show dev vpn | awk '{print $3}'"
    found = netns_tasks.run(
        "lines",
        world("wireguard"),
        [
            (Place.HERE, lacks),
            (Place.TARGET, lacks),
            (Place.HERE, "wg show vpn peers"),
            (Place.TARGET, key),
            (Place.TARGET, f"wg set vpn peer $({key}) allowed-ips 10.1.2.3/32; wg show interfaces"),
            (Place.TARGET, "exit 3"),
            (Place.TARGET, "no-such-command"),
        ],
    )
    assert found[:2] == [["10.88.0.2/24"], ["10.88.0.10/24"]]
    assert found[2] == found[3]
    assert found[4:6] == [["vpn"], []]
    assert "not found" in found[6][0]
