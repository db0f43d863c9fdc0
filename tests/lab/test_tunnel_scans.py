"""Scans through real tunnels: what is said of a tunnel, and what is told whatever becomes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tunnel_surveys import CASES

from probe.lab.netns.tunnels import vpn_available

SCRIPT = Path(__file__).with_name("tunnel_surveys.py")
DOWN = {
    "off": "off",
    "never": "never",
    "stale": "stale",
    "not allowed": "not-allowed",
    "OpenVPN off": "off",
}
# What may be said of a tunnel's health: one whose answers come late may have been read meanwhile.
HEALTHY = {
    "cold": {None},
    "warm": {None},
    "OpenVPN": {None},
    "cold and slow": {None, "fresh"},
    "warm and slow": {None, "fresh"},
}
CAME_LATE = ["cold and far", "first handshake lost"]
UNKNOWN = {"unreadable": "unknown", "OpenVPN absent": "unknown", "fresh and silent": "fresh"}

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module")
def told():
    """What a scan of every world says."""
    why_not = vpn_available()
    if why_not:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), *CASES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    broken = {name: said for name, said in found.items() if isinstance(said, str)}
    assert not broken, "\n".join(f"{name}: {said}" for name, said in broken.items())
    return found


def seen(told, name):
    """Condition and health of the VPN address."""
    vpn = told[name]["addresses"]["vpn"]
    return vpn["condition"], vpn["tunnel"]


@pytest.mark.parametrize(("name", "health"), DOWN.items())
def test_a_tunnel_that_is_down_says_so_and_counts_for_nothing(told, name, health):
    """The VPN's row and ports say it, and the service is told from the LAN as it is without the VPN."""
    assert seen(told, name) == ("tunnel-down", health)
    assert {of["vpn"] for of in told[name]["conditions"].values()} == {"tunnel-down"}
    assert told[name]["ports"] == told["without the address"]["ports"]
    (advice,) = told[name]["addresses"]["vpn"]["advice"]
    assert (advice["rule"], advice["severity"]) == ("tunnel-down", "high")
    assert advice["command"] == "bindprobe doctor --lan 192.168.77.10 --vpn 10.88.0.10"


def test_a_route_by_another_way_says_so_and_counts_for_nothing(told):
    """The tunnel is well, and packets do not take it."""
    assert seen(told, "wrong route") == ("wrong-route", "fresh")
    assert told["wrong route"]["ports"] == told["without the address"]["ports"]
    evidence = told["wrong route"]["addresses"]["vpn"]["evidence"][1]
    assert (evidence["rule"], evidence["interface"], evidence["tunnel"]) == (
        "leaves-beside-tunnel",
        "lan",
        "vpn",
    )


@pytest.mark.parametrize(("name", "healths"), HEALTHY.items())
def test_a_healthy_tunnel_changes_nothing(told, name, healths):
    """All is told as through a plain link; a tunnel whose answers come in time is not read."""
    condition, health = seen(told, name)
    assert condition == "clear"
    assert health in healths
    assert told[name]["ports"] == told["a plain link"]["ports"]


@pytest.mark.parametrize("name", CAME_LATE)
def test_a_session_that_came_late_is_no_silence(told, name):
    """Answers that came too late, or a handshake at the second try: asked again, all is told."""
    assert seen(told, name) == ("clear", "fresh")
    assert told[name]["ports"] == told["a plain link"]["ports"]


@pytest.mark.parametrize(("name", "health"), UNKNOWN.items())
def test_silence_that_the_tunnel_does_not_explain_stays_unknown(told, name, health):
    """A tunnel that may not be read, or that seems well, is not accused; the advice is to look closer."""
    assert seen(told, name) == ("unknown", health)
    assert told[name]["addresses"]["vpn"]["advice"][0]["rule"] == "look-for-the-cause"
