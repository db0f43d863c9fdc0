"""Our states and reasons beside nmap's, on every scenario that can be built from real hosts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from probe.lab.files import scenario_paths
from probe.lab.netns import enter
from probe.lab.scenario import load_scenario
from probe.lab.score import nmap

SCRIPT = Path(__file__).with_name("beside_nmap.py")

# Where we and nmap differ, and why that is right: (scenario, address, port) -> why. Port 0 stands for all.
EXPLAINED: dict[tuple[str, str, int], str] = {}


def scenarios() -> list[str]:
    return sorted(name for name, path in scenario_paths().items() if "netns" in load_scenario(path).worlds)


def is_explained(name: str, symbol: str, port: int) -> bool:
    return not EXPLAINED.keys().isdisjoint({(name, symbol, port), (name, symbol, 0)})


@pytest.mark.netns
@pytest.mark.nmap
@pytest.mark.parametrize("name", scenarios())
def test_states_equal_nmap(name: str) -> None:
    """Each state and reason is nmap's own, but for the explained few, which must differ indeed."""
    why_not = enter.available() or (None if nmap.available() else "nmap is not installed")
    if why_not:
        pytest.skip(why_not)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), name], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    for symbol, port, ours, theirs in json.loads(done.stdout):
        differs = ours != theirs
        assert differs == is_explained(name, symbol, port), (symbol, port, ours, theirs)


@pytest.mark.parametrize("place", list(EXPLAINED), ids=str)
def test_explained_places_exist(place: tuple[str, str, int]) -> None:
    """The list of differences names scenarios and addresses that are there."""
    name, symbol, _ = place
    assert symbol in load_scenario(scenario_paths()[name]).addresses
