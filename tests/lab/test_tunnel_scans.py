"""Scans through real tunnels: what is reported of a tunnel, and what is found whatever becomes of it."""

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
# What may be reported of a tunnel's health: one whose answers come late may have been read meanwhile.
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
def scanned():
    """What a scan of every world reports."""
    why_not = vpn_available()
    if why_not:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), *CASES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    broken = {name: error for name, error in found.items() if isinstance(error, str)}
    assert not broken, "\n".join(f"{name}: {error}" for name, error in broken.items())
    return found


def seen(scanned, name):
    """Condition and health of the VPN address."""
    vpn = scanned[name]["addresses"]["vpn"]
    return vpn["condition"], vpn["tunnel"]


def assert_nothing_new(ports, without):
    """An address that was not reached gives no port another name than it has without it."""
    assert ports.keys() == without.keys()
    for port, (binding, *rest) in ports.items():
        assert binding == "undetermined" or [binding, *rest][:2] == without[port][:2]
    assert ports["8000"][0] == "undetermined"


@pytest.mark.parametrize(("name", "health"), DOWN.items())
def test_a_tunnel_that_is_down_is_reported_and_counts_for_nothing(scanned, name, health):
    """The VPN's row and ports show it; what the LAN refuses may be bound to the VPN address alone."""
    assert seen(scanned, name) == ("tunnel-down", health)
    assert {of["vpn"] for of in scanned[name]["conditions"].values()} == {"tunnel-down"}
    assert_nothing_new(scanned[name]["ports"], scanned["without the address"]["ports"])
    (advice,) = scanned[name]["addresses"]["vpn"]["advice"]
    assert (advice["rule"], advice["severity"]) == ("tunnel-down", "high")
    assert advice["command"] == "bindprobe doctor --lan 192.168.77.10 --vpn 10.88.0.10"


def test_a_route_by_another_way_is_reported_and_counts_for_nothing(scanned):
    """The tunnel is well, and packets do not take it."""
    assert seen(scanned, "wrong route") == ("wrong-route", "fresh")
    assert_nothing_new(scanned["wrong route"]["ports"], scanned["without the address"]["ports"])
    evidence = scanned["wrong route"]["addresses"]["vpn"]["evidence"][1]
    assert (evidence["rule"], evidence["interface"], evidence["tunnel"]) == (
        "leaves-beside-tunnel",
        "lan",
        "vpn",
    )


@pytest.mark.parametrize(("name", "healths"), HEALTHY.items())
def test_a_healthy_tunnel_changes_nothing(scanned, name, healths):
    """All is found as through a plain link; a tunnel whose answers come in time is not read."""
    condition, health = seen(scanned, name)
    assert condition == "clear"
    assert health in healths
    assert scanned[name]["ports"] == scanned["a plain link"]["ports"]


@pytest.mark.parametrize("name", CAME_LATE)
def test_a_session_that_came_late_is_no_silence(scanned, name):
    """Answers that came too late, or a handshake at the second try: asked again, all is found."""
    assert seen(scanned, name) == ("clear", "fresh")
    assert scanned[name]["ports"] == scanned["a plain link"]["ports"]


@pytest.mark.parametrize(("name", "health"), UNKNOWN.items())
def test_silence_that_the_tunnel_does_not_explain_stays_unknown(scanned, name, health):
    """A tunnel that may not be read, or that seems well, is not accused; the advice is to look closer."""
    assert seen(scanned, name) == ("unknown", health)
    assert scanned[name]["addresses"]["vpn"]["advice"][0]["rule"] == "look-for-the-cause"
