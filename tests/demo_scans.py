"""The demo's network with parts of it changed, and scans of it in memory, for tests of several rooms."""

from functools import cache
from pathlib import Path

import yaml

from probe.app.scan import scan
from probe.lab.open_world import backends_of
from probe.lab.scenario import Scenario, parse_scenario
from probe.lab.sim.world import open_sim
from probe.model.plan import Timing
from probe.model.report import Report

DEMO = yaml.safe_load((Path(__file__).parents[1] / "scenarios" / "demo.yaml").read_text(encoding="utf-8"))
LAN, VPN, PUBLIC = "192.168.77.10", "10.88.0.10", "203.0.113.10"


def demo(**changes) -> Scenario:
    """The demo, with parts of its target or of the whole replaced."""
    of_world = ("links", "dead", "addresses")
    whole = {key: changes.pop(key) for key in of_world if key in changes}
    return parse_scenario("demo", DEMO | {"target": DEMO["target"] | changes, "expect": {}} | whole)


@cache
def _scanned(scenario: str, seed: int) -> Report:
    with open_sim(SCENARIOS[scenario], seed) as world:
        return scan(world.target, Timing(), backends_of(world, "connect"))


SCENARIOS: dict[str, Scenario] = {}


def scanned(scenario: Scenario, seed: int = 0) -> Report:
    key = repr(scenario)
    SCENARIOS[key] = scenario
    return _scanned(key, seed)


def listening(*changed: dict, without: int | None = None) -> list[dict]:
    """The demo's sockets, those of some ports replaced."""
    ports = {one["port"] for one in changed} | {without}
    return [*(one for one in DEMO["target"]["listen"] if one["port"] not in ports), *changed]
