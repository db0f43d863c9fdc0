"""Scan networks to which something happens meanwhile, and count what was named wrongly: `make faults`.

Wrong is a binding named with 0.9 or more that the port has neither before nor after what happens. Where
nothing happens, or packets are lost by chance, `changed` is wrong.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool

from faults.faulty_worlds import EVERYWHERE, FAULTS, LOOPBACK, FaultyWorld, draw
from tabulate import tabulate

from probe.app.scan import scan
from probe.errors import BindprobeError
from probe.lab.open_world import backends_of
from probe.lab.scenario import address_of
from probe.lab.sim.world import open_sim
from probe.model.plan import Timing
from probe.model.report import PortReport, Report

SURE = 0.9
HEAD = ("what happens", "engine", "runs", "ports", "named at 0.9", "wrong", "changed named", "... wrongly")
ENGINES = ("connect", "raw")
_NOT_CHANGED = frozenset({"nothing", "5 % loss", "20 % loss"})
_PAIR = (LOOPBACK, ())


@dataclass(frozen=True, slots=True)
class FaultyScan:
    """What came of one scan. `wrong`: in words. `named`: how many ports and addresses were called changed."""

    fault: str
    seed: int
    engine: str
    ports: int = 0
    named: int = 0
    wrong: tuple[str, ...] = ()
    changed: int = 0
    error: str | None = None


def scanned(world: FaultyWorld, engine: str, seed: int) -> Report:
    """Scan a network in memory, while what happens to it happens."""
    with open_sim(world.scenario, seed) as opened:
        return scan(opened.target, Timing(), backends_of(opened, engine))


def graded(fault: str, seed: int, engine: str) -> FaultyScan:
    """Scan one network and grade the verdicts."""
    world = draw(fault, seed)
    try:
        report = scanned(world, engine, seed)
    except BindprobeError as error:
        return FaultyScan(fault, seed, engine, error=str(error))
    sure = [row for row in report.ports if row.confidence >= SURE]
    wrong = tuple(_in_words(row, world) for row in sure if not is_right(row, world))
    changed = [o for row in report.ports for o in row.observations if o.condition == "changed"]
    changed_addresses = [a for a in report.addresses if a.condition == "changed"]
    return FaultyScan(
        fault, seed, engine, len(report.ports), len(sure), wrong, len(changed) + len(changed_addresses)
    )


def _in_words(row: PortReport, world: FaultyWorld) -> str:
    named = " ".join([row.binding, *row.bound_to])
    return f"{row.port} {named} {row.confidence:.2f}, truly {world.services[row.port]}"


def is_right(row: PortReport, world: FaultyWorld) -> bool:
    """Whether what is named of a port holds before or after what happens."""
    truths = world.truths(row.port)
    bound = tuple(sorted(row.bound_to))
    return {
        "wildcard": EVERYWHERE in truths,
        "specific": any(tuple(sorted(str(address_of(s)) for s in t)) == bound for t in truths if t),
        "loopback": LOOPBACK in truths,
        "not-listening": () in truths,
        "loopback-or-not-listening": not truths.isdisjoint(_PAIR),
    }[row.binding]


@dataclass(slots=True)
class FaultCount:
    """What came of the scans of one fault with one engine."""

    runs: int = 0
    ports: int = 0
    named: int = 0
    wrong: int = 0
    changed: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, one: FaultyScan) -> None:
        """Count a scan."""
        self.runs += 1
        self.ports += one.ports
        self.named += one.named
        self.wrong += len(one.wrong)
        self.changed += one.changed > 0
        self.examples += [f"{one.fault}, seed {one.seed}, {one.engine}: {text}" for text in one.wrong]


def tallied(faults: Iterable[str], seeds: Sequence[int], jobs: int) -> dict[tuple[str, str], FaultCount]:
    """Scan all of it with both engines, in so many processes; by fault and engine."""
    asked = [(fault, seed, engine) for fault in faults for engine in ENGINES for seed in seeds]
    found: dict[tuple[str, str], FaultCount] = {}
    with Pool(jobs) as pool:
        for one in pool.starmap(graded, asked, chunksize=8):
            found.setdefault((one.fault, one.engine), FaultCount()).add(one)
    return found


def main() -> int:
    """Print the table; 1 where anything was named wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fault", action="append", choices=tuple(FAULTS))
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.runs)
    found = tallied(given.fault or FAULTS, seeds, given.jobs)
    rows = [
        (
            fault,
            engine,
            t.runs,
            t.ports,
            t.named,
            t.wrong,
            "-" if fault in _NOT_CHANGED else t.changed,
            t.changed if fault in _NOT_CHANGED else "-",
        )
        for (fault, engine), t in found.items()
    ]
    sys.stdout.write(f"{tabulate(rows, HEAD, tablefmt='github')}\n")
    for tally in found.values():
        sys.stderr.writelines(f"{text}\n" for text in tally.examples[:5])
    return int(any(t.wrong for t in found.values()))


if __name__ == "__main__":
    sys.exit(main())
