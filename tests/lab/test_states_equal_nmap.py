"""Our states and reasons beside nmap's, on every scenario that can be built from real hosts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from score import nmap

from probe.lab.files import scenario_paths
from probe.lab.netns import enter
from probe.lab.scenario import load_scenario
from probe.lab.scenario_hosts import ProberHost
from probe.services.port_list import parse_ports

pytestmark = pytest.mark.takes_minutes

SCRIPT = Path(__file__).with_name("beside_nmap.py")

# nmap has no state `unreachable`: for these two reasons it reports filtered.
NMAPS_STATE = {"unreachable": "filtered"}
RATE_LIMIT = "the kernel sends six ICMP errors and then one a second: who is answered is chance"
LOSS = "packets get lost: rarely, all tries of one of us"

# Where our reasons may differ from nmap's: (scenario, address, port) -> (why, the only reasons allowed).
# Port 0 stands for every port of the address.
EXPLAINED: dict[tuple[str, str, int], tuple[str, set[str]]] = {
    **{
        ("many-ports-rejected", "lan", port): (RATE_LIMIT, {"port-unreach", "no-response"})
        for port in range(7000, 7012)
    },
    ("nobody-has-this-address", "vpn", 0): (
        "nmap leaves out a host that ARP does not find; we report what became of our probes",
        {"no-response", "host-unreach", "nothing"},
    ),
    ("lossy-link", "vpn", 0): (LOSS, {"syn-ack", "reset", "no-response"}),
    ("very-lossy-link", "public", 0): (LOSS, {"syn-ack", "no-response"}),
}


def scenarios() -> list[str]:
    """All of real hosts, but where the prober's own machine stops packets: nmap's raw ones get past it.

    And but for those of the doctor, which is tested in them itself.
    """
    loaded = {name: load_scenario(path) for name, path in scenario_paths().items()}
    return sorted(
        name
        for name, one in loaded.items()
        if "netns" in one.worlds and one.prober == ProberHost() and not one.expect_causes
    )


def is_explained(name: str, symbol: str, port: int, reasons: set[str]) -> bool:
    places = ((name, symbol, port), (name, symbol, 0))
    return any(reasons <= EXPLAINED[place][1] for place in places if place in EXPLAINED)


@pytest.mark.netns
@pytest.mark.nmap
@pytest.mark.parametrize("name", scenarios())
def test_states_equal_nmap(name: str) -> None:
    """Each state and reason is nmap's own, but for the explained few."""
    why_not = enter.available() or (None if nmap.available() else "nmap is not installed")
    if why_not:
        pytest.skip(why_not)
    places = [str(SCRIPT.parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for symbol, port, (state, reason), theirs in json.loads(done.stdout):
        ours = [NMAPS_STATE.get(state, state), reason]
        same = ours == theirs or is_explained(name, symbol, port, {reason, theirs[1]})
        assert same, (symbol, port, ours, theirs)


def test_explained_places_exist() -> None:
    """The list of differences names scenarios, addresses and ports that are there."""
    for name, symbol, port in EXPLAINED:
        scenario = load_scenario(scenario_paths()[name])
        assert symbol in scenario.addresses
        assert port in {0, *(one.number for one in parse_ports(scenario.scan.ports))}
