"""The world in memory against real hosts: one survey, the same findings.

Scenarios that lose packets by chance are left out: no two runs of them are alike.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from world_surveys import surveyed

from probe.lab.files import scenario_paths
from probe.lab.netns import enter
from probe.lab.scenario import load_scenario

Findings = dict[str, dict[str, Any]]
SCRIPT = Path(__file__).with_name("world_surveys.py")


def scenarios() -> list[str]:
    loaded = {name: load_scenario(path) for name, path in scenario_paths().items()}
    return [
        name
        for name, one in loaded.items()
        if {"sim", "netns"} <= set(one.worlds) and all(link.loss == 0 for link in one.links.values())
    ]


def states_only(found: Findings) -> Findings:
    """State and reason of each tested port: under a limit on resets, the moment decides who hears one."""
    return {
        address: {port: seen[:2] for port, seen in ports.items() if port.startswith("tested ")}
        for address, ports in found.items()
    }


@pytest.fixture(scope="module")
def real() -> dict[str, Findings | str]:
    """What is found in each scenario's network of real hosts, all of them built one after the other."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *scenarios()], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Findings | str] = json.loads(done.stdout)
    return found


@pytest.mark.netns
@pytest.mark.parametrize("name", scenarios())
def test_worlds_agree(name: str, real: dict[str, Findings | str]) -> None:
    """Every address and port answers in memory as it does on real hosts, from the same place."""
    scenario = load_scenario(scenario_paths()[name])
    in_memory = json.loads(json.dumps(surveyed(scenario, "sim")))
    on_hosts = real[name]
    assert isinstance(on_hosts, dict), on_hosts
    if scenario.target.resets_per_s is not None:
        in_memory, on_hosts = states_only(in_memory), states_only(on_hosts)
    assert in_memory == on_hosts
