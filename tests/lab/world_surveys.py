"""What a survey finds in a world, as plain data; run as a script: in the worlds of real hosts, as JSON.

Started by the tests as `python tests/lab/world_surveys.py ENGINE WORLD ...`; enters a namespace that leads
nowhere by starting itself again. Prints an object: world -> what the engine's survey returns, or the error it
met. A world is a scenario, or one of `rare_scenarios`.
"""

import json
import subprocess
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import pytest
from rare_scenarios import WORLDS, rare_scenario
from raw_surveys import raw_surveyed

from probe.app.stages import collect
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.netns import enter
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, load_scenario
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Observation, Role


def surveyed(scenario: Scenario, kind: str) -> dict[str, object]:
    """Distance of every address, and how each of its tested and control ports answered."""
    with open_world(scenario, kind) as world:
        surveys = collect(world.target, Timing(), backends_of(world, "connect")).surveys
    return {str(one.address.ip): of_address(one) for one in surveys}


def of_address(one: AddressSurvey) -> dict[str, object]:
    """What was found out about one address."""
    ports = {
        f"{o.question.role} {o.question.port}": of_port(o)
        for o in one.observations
        if o.question.role is not Role.CANARY
    }
    return {"hops": one.hops, "reply ttl": one.reply_ttl, "neighbour": one.neighbour, **ports}


def of_port(seen: Observation) -> list[object]:
    """How one port answered."""
    sender = None if seen.sender is None else str(seen.sender)
    icmp = None if seen.icmp is None else list(seen.icmp)
    return [seen.state, seen.reason, sender, icmp, seen.ttl, seen.origin, seen.aftermath]


SURVEYS = {"connect": surveyed, "raw": raw_surveyed}


def world_named(name: str) -> Scenario:
    """A scenario, or an odd world."""
    return rare_scenario(name) if name in WORLDS else find_scenario(name)


def found_in_memory(engine: str, name: str) -> object:
    """What an engine's survey finds in the world in memory, as it would come from the script."""
    return json.loads(json.dumps(SURVEYS[engine](world_named(name), "sim")))


def found_on_hosts(engine: str, names: Sequence[str]) -> dict[str, Any]:
    """What it finds in each network of real hosts, all of them built one after the other."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    command = [sys.executable, __file__, engine, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def without_loss() -> list[str]:
    """Scenarios of both kinds of world; those that lose packets by chance are never twice alike.

    Real tunnels have tests of their own (`test_doctor_scenarios`): they take minutes.
    """
    loaded = {name: load_scenario(path) for name, path in scenario_paths().items()}
    return [
        name
        for name, one in loaded.items()
        if {"sim", "netns"} <= set(one.worlds)
        and one.vpn is None
        and all(link.loss == 0 for link in one.links.values())
    ]


def attempt(engine: str, name: str) -> object:
    """Survey one world; an error is reported, so that the others are not lost with it."""
    try:
        return SURVEYS[engine](world_named(name), "netns")
    except Exception:  # noqa: BLE001 - whatever it is, the test that started this shows it
        return traceback.format_exc()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump({name: attempt(sys.argv[1], name) for name in sys.argv[2:]}, sys.stdout)
