"""A real machine with real tunnels, in namespaces of its own: what root reads, and what anybody reads."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from probe.lab.netns import enter

SCRIPT = Path(__file__).with_name("machine_world.py")
TOP = SCRIPT.parents[2]
TOOLS = ("unshare", "wireguard-go", "wg", "openvpn", "nft", "ip", "ping", "sysctl")
IN = 'mount -t tmpfs tmpfs /run && mkdir /run/wireguard && ip link set lo up && exec "$0" "$@"'

pytestmark = [pytest.mark.netns, pytest.mark.nobody]


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may make tunnels")
    environment = {**enter.environment(), "PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"}
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=environment["PATH"]) is None]
    if lacking or not Path("/dev/net/tun").exists():
        pytest.skip(f"not here: {', '.join(lacking) or '/dev/net/tun'}")
    command = ["unshare", "--net", "--mount", "sh", "-c", IN, sys.executable, str(SCRIPT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_name(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item.get("name") or item["link"]["name"]: item for item in items}


def test_links(facts: dict[str, Any]) -> None:
    """Every link, also those without an address and those that are off."""
    links = by_name(facts["machine"]["links"])
    assert set(links) == {"lo", "left", "right", "off", "on", "wg0", "office", "corp"}
    assert {name: (one["up"], one["running"]) for name, one in links.items()} == {
        "lo": (True, True),
        "left": (True, True),
        "right": (True, True),
        "off": (False, False),
        "on": (False, False),
        "wg0": (True, True),
        "office": (True, True),
        "corp": (True, True),
    }
    assert {one["kind"] for one in links.values()} == {"loopback", "ethernet", "tunnel"}
    assert "192.168.77.2/24" in links["left"]["addresses"]


def test_reverse_path(facts: dict[str, Any]) -> None:
    """Numbers of single links count where `all` is lower."""
    links = by_name(facts["machine"]["links"])
    assert {name: links[name]["reverse_path"] for name in ("lo", "left", "wg0")} == {
        "lo": 0,
        "left": 1,
        "wg0": 2,
    }


def test_tunnels(facts: dict[str, Any]) -> None:
    """Both tunnels with their peer, and a handshake that has just been."""
    tunnels = by_name(facts["machine"]["tunnels"])
    kinds = {name: one["kind"] for name, one in tunnels.items()}
    assert kinds == {"wg0": "wireguard", "office": "wireguard", "corp": "openvpn"}
    assert (tunnels["corp"]["peers"], tunnels["corp"]["unread"]) == (None, None)
    for one in (tunnels["wg0"], tunnels["office"]):
        (peer,) = one["peers"]
        assert peer["allowed_ips"] == ["10.8.0.0/24", "fd08::/64"]
        assert 0 <= peer["handshake_age_s"] < 10
        assert peer["keepalive_s"] == 1
        assert one["unread"] is None
    assert tunnels["wg0"]["peers"][0]["endpoint"] == ["127.0.0.1", 51821]
    assert tunnels["wg0"]["peers"][0]["public_key"] == tunnels["office"]["public_key"]


def test_one_tunnel(facts: dict[str, Any]) -> None:
    """One tunnel alone is read the same; other links are none."""
    (peer,) = facts["one"]["peers"]
    assert facts["one"]["link"]["name"] == "wg0"
    assert peer["public_key"] == by_name(facts["machine"]["tunnels"])["wg0"]["peers"][0]["public_key"]
    assert facts["none"] == [None, None, None]


def test_no_secret_is_held(facts: dict[str, Any]) -> None:
    """Private and preshared keys, which `wg` shows root, are in no value of ours and in no report."""
    assert len(facts["secrets"]["secrets"]) == 3  # two private keys and the one that both ends share
    assert facts["secrets"]["held"] == []
    assert facts["secrets"]["empty"] == []  # the tunnel is spoken of in each of them


def test_routes(facts: dict[str, Any]) -> None:
    """The main table, without what delivers nothing."""
    routes = {one["destination"]: one for one in facts["machine"]["routes"]}
    assert routes["0.0.0.0/0"]["gateway"] == "192.168.77.1"
    assert routes["0.0.0.0/0"]["metric"] == 50
    assert routes["10.8.0.0/24"]["interface"] == "wg0"
    assert "10.99.0.0/16" not in routes


def test_rest(facts: dict[str, Any]) -> None:
    """Packet filter, resolvers and limits are there as well."""
    machine = facts["machine"]
    (chain,) = machine["firewall"]["chains"]
    assert (chain["name"], chain["hook"], chain["blocking"][-1]) == ("INPUT", "input", "policy drop")
    assert machine["resolvers"] == {
        "servers": ["127.0.0.53"],
        "search": ["lan"],
        "source": "/run/resolv.conf",
    }
    assert machine["ping_allowed"] is False
    assert all(limit > 0 for limit in machine["open_files"])


@pytest.mark.wall_time
def test_it_is_quick(facts: dict[str, Any]) -> None:
    """One look takes a moment (0.1 s alone, on a machine with nothing else to do)."""
    assert facts["seconds"] < 2


def unread(thing: dict[str, Any]) -> tuple[str, list[str]] | None:
    """Why something could not be read, and the tools that would."""
    found = thing["unread"]
    return None if found is None else (found["rule"], found["tools"])


def test_anybody(facts: dict[str, Any]) -> None:
    """Without privileges links, routes and whose the tunnels are is read; what is not has what to do."""
    nobody = facts["nobody"]
    if nobody is None:
        pytest.skip("the user nobody may not read this checkout or its Python")
    filter_of, tunnels = nobody["firewall"], by_name(nobody["tunnels"])
    assert (filter_of["chains"], unread(filter_of)) == (None, ("needs-root", ["nft"]))
    assert {name: (one["kind"], one["peers"], unread(one)) for name, one in tunnels.items()} == {
        "wg0": ("wireguard", None, ("needs-root", ["wg"])),
        "office": ("wireguard", None, ("needs-root", ["wg"])),
        "corp": ("openvpn", None, None),
    }
    for same in ("routes", "resolvers", "ping_allowed", "open_files"):
        assert nobody[same] == facts["machine"][same]
    assert [one["name"] for one in nobody["links"]] == [one["name"] for one in facts["machine"]["links"]]


def test_thread_in_another_namespace(facts: dict[str, Any]) -> None:
    """A thread that went elsewhere reads the links and counters of where it is."""
    links = by_name(facts["thread"])
    assert set(links) == {"lo", "near", "far"}
    assert (
        links["lo"]["traffic"]["sent_packets"]
        < by_name(facts["machine"]["links"])["lo"]["traffic"]["sent_packets"]
    )
    assert links["lo"]["traffic"]["sent_packets"] > 0


@pytest.mark.parametrize("name", ["ufw", "firewalld", "by_hand"])
def test_recorded_rulesets(facts: dict[str, Any], name: str) -> None:
    """The nft of this machine prints what was recorded."""
    assert facts["rulesets"][name] is True
