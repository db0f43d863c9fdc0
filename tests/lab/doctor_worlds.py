"""The doctor in worlds of real hosts, as plain data; run as a script, it prints one JSON object a line.

Started by the tests as `python tests/lab/doctor_worlds.py ENGINE:WORLD ...`; enters a namespace that leads
nowhere by starting itself again. A world is a scenario, or `SCENARIO*N`: then it is examined N times and
nothing is mended.
"""

import json
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from msgspec import to_builtins

from probe.lab.check import examined
from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.open_world import open_world
from probe.lab.world import World
from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis
from probe.model.fixes import Fix
from probe.model.machine import FirewallTool

Ranked = list[tuple[str, float]]


def ranked(world: World, diagnosis: Diagnosis) -> dict[str, Ranked]:
    """The causes of every address with their probabilities, by symbol."""
    symbols = world.scenario.addresses
    return {
        symbol: [(str(one.cause), round(one.probability, 3)) for one in address.causes]
        for symbol, address in zip(symbols, diagnosis.addresses, strict=True)
    }


def evidence(address: AddressDiagnosis) -> list[Any]:
    """What speaks for the likeliest cause of an address."""
    return [to_builtins(one) for one in address.causes[0].evidence]


def applied(world: World, diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Run every command that mends the true causes, each in the shell it is for; how each ended."""
    ran = []
    for fix in commands(world, diagnosis):
        assert fix.place is not None
        assert fix.command is not None
        done = world.shell(fix.place, fix.command)
        ran.append(
            {"fix": f"{fix.place}# {fix.command}", "code": done.returncode, "complaint": done.stderr.strip()}
        )
    return ran


def commands(world: World, diagnosis: Diagnosis) -> list[Fix]:
    """The commands that mend the causes that the scenario expects, wherever these are ranked."""
    expected = world.scenario.expect_causes
    return [
        fix
        for symbol, address in zip(world.scenario.addresses, diagnosis.addresses, strict=True)
        for suspicion in address.causes
        if suspicion.cause == expected.get(symbol, Cause.NONE)
        for fix in suspicion.fix
        if fix.place is not None and fix.firewalls in {(), (FirewallTool.NFT,)}  # what the hosts here have
    ]


def mended(name: str, engine: str) -> dict[str, Any]:
    """Examine a world, do what the doctor advises, and examine it again where there was anything to do."""
    with open_world(find_scenario(name), "netns", raw=engine == "raw") as world:
        first = examined(world, engine)
        fixes = applied(world, first)
        again = examined(world, engine) if fixes else first
        return {
            "ranked": ranked(world, first),
            "evidence": [evidence(address) for address in first.addresses],
            "elapsed": first.elapsed,
            "fixes": fixes,
            "again": ranked(world, again),
            "why": [evidence(address) for address in again.addresses if not address.well],
        }


def repeated(name: str, engine: str, times: int) -> dict[str, Any]:
    """Examine one open world again and again; every accusation, and how long each took."""
    accused, took = [], []
    with open_world(find_scenario(name), "netns", raw=engine == "raw") as world:
        for _ in range(times):
            diagnosis = examined(world, engine)
            took.append(diagnosis.elapsed)
            accused += [str(address.causes[0]) for address in diagnosis.addresses if not address.well]
    return {"times": times, "accused": accused, "took": took}


def attempt(name: str, engine: str) -> dict[str, Any]:
    """What comes of one world; an error is reported, so that the others are not lost with it."""
    began = time.monotonic()
    scenario, _, times = name.partition("*")
    try:
        found = repeated(scenario, engine, int(times)) if times else mended(scenario, engine)
    except Exception:  # noqa: BLE001 - whatever it is, the test that started this shows it
        found = {"error": traceback.format_exc()}
    return {"engine": engine, "world": name, "seconds": time.monotonic() - began, **found}


def main(jobs: Sequence[str]) -> None:
    """Print a line for each world as soon as it is known."""
    for job in jobs:
        engine, _, name = job.partition(":")
        sys.stdout.write(json.dumps(attempt(name, engine)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    main(sys.argv[1:])
