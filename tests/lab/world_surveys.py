"""What a survey finds in a world, as plain data; run as a script: in the worlds of real hosts, as JSON.

Started by the tests as `python tests/lab/world_surveys.py SCENARIO ...`; enters a namespace that leads
nowhere by starting itself again. Prints an object: scenario -> what `surveyed` returns, or the error it met.
"""

import json
import sys
import traceback

from probe.app import survey
from probe.lab.door import means_of, open_world
from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.scenario import Scenario
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Observation, Role


def surveyed(scenario: Scenario, kind: str) -> dict[str, object]:
    """Distance of every address, and how each of its tested and control ports answered."""
    with open_world(scenario, kind) as world:
        surveys = survey(world.target, Timing(), means_of(world, "connect"))
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


def attempt(name: str) -> object:
    """Survey one scenario; an error is told, so that the others are not lost with it."""
    try:
        return surveyed(find_scenario(name), "netns")
    except Exception:  # noqa: BLE001 - whatever it is, the test that started this shows it
        return traceback.format_exc()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump({name: attempt(name) for name in sys.argv[1:]}, sys.stdout)
