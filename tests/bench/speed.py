"""Speed and memory of the installed command, as a whole process, beside nmap in the same run.

Each figure is a median of five; what is compared runs in turns. Prints a table with the limits and ends
with 1 when one is missed; then the races, which have no limits, for a busy machine could break any of them.
With a file's name as its argument, it keeps these there as JSON with the machine that ran them. The scans
happen between network namespaces of this machine, which the program enters by starting itself again.
"""

import compileall
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from bench import races
from score import nmap
from tabulate import tabulate

from probe.lab.check import compare
from probe.lab.netns import enter
from probe.lab.open_world import open_world
from probe.lab.scenario import Expected, Scenario, ScenarioLink, ScenarioScan, address_of
from probe.lab.scenario_hosts import Action, Listen, Rule, TargetHost
from probe.report.read import parse_report

ROUNDS = 5
TIMEOUT = 300.0  # seconds for one process
OURS = (sys.executable, "-m", "probe")
PROBE = Path(__file__).parents[2] / "probe"

SCAN_SHARE = 0.75  # of nmap's time
RAW_SHARE = 2.5  # of the time without raw packets: scapy is loaded, and silence is asked about once more
HELP_SHARE = 2.0  # of the time that importing typer takes
SILENT_SECONDS = 6.0
PEAK_MB = 80.0

PORTS = "22,53,80,443,3306,5432,6379,8000,8080,9000"
SILENT_PORTS = "1-1000"

# 40 ms there and back; the third address drops everything.
FAR = Scenario(
    about="Three addresses at 40 ms, one of them silent.",
    addresses=("lan", "vpn", "public"),
    target=TargetHost(
        listen=(Listen(port=8000, bind="0.0.0.0"), Listen(port=5432, bind="lan")),
        filter=(Rule(action=Action.DROP, on=("public",)),),
    ),
    links={realm: ScenarioLink(delay_ms=20) for realm in ("lan", "vpn", "public")},
    scan=ScenarioScan(ports=PORTS),
    expect={
        "8000": Expected(binding="wildcard", families=(4,)),
        "5432": Expected(binding="specific", states={"lan": "open", "vpn": "closed", "public": "filtered"}),
        "22,53,80,443,3306,6379,8080,9000": Expected(binding="loopback-or-not-listening"),
    },
)
SILENT = Scenario(
    about="One address that drops everything.",
    addresses=("lan",),
    target=TargetHost(filter=(Rule(action=Action.DROP),)),
    scan=ScenarioScan(ports=SILENT_PORTS),
    expect={SILENT_PORTS: Expected(binding="undetermined")},
)

# A process of a few megabytes: what its child needed cannot hide behind its own size.
_PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One figure and its limit, both in `unit`; `beside` is what the limit was taken from."""

    what: str
    figure: float
    limit: float
    unit: str
    beside: str = ""

    @property
    def kept(self) -> bool:
        """Whether the figure is within its limit."""
        return self.figure <= self.limit


def run(command: Sequence[str]) -> str:
    """Run one process to its end and return its output.

    Raises:
        CalledProcessError: it failed, so its time means nothing.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout


def seconds(command: Sequence[str]) -> float:
    """Seconds that the whole process takes, from its start to its end."""
    started = perf_counter()
    run(command)
    return perf_counter() - started


def in_turns(*commands: Sequence[str]) -> tuple[float, ...]:
    """Median seconds of each command; they take turns, so that a busy moment hits them all."""
    rounds = [tuple(map(seconds, commands)) for _ in range(ROUNDS)]
    return tuple(median(times) for times in zip(*rounds, strict=True))


def scan_command(scenario: Scenario, engine: str = "connect") -> tuple[str, ...]:
    """Return our command line for a scenario."""
    named = [word for symbol in scenario.addresses for word in (f"--{symbol}", str(address_of(symbol)))]
    return (*OURS, "scan", *named, "-p", scenario.scan.ports, "--engine", engine, "--json")


def require_expected(scenario: Scenario) -> None:
    """Scan an open world once: a figure of a scan that finds something else means nothing.

    Raises:
        ValueError: an expectation of the scenario is not met; all such are named.
    """
    report = parse_report(run(scan_command(scenario)).encode(), "the scan")
    missed = [row for row in compare(scenario, report) if not row.ok]
    if missed:
        raise ValueError(f"{scenario.about} {missed}")


def scan_row() -> BenchRow:
    """Three addresses of which one is silent, against nmap's own scan of them."""
    addresses = [address_of(symbol) for symbol in FAR.addresses]
    with open_world(FAR, "netns") as world:
        require_expected(FAR)
        ours, theirs = in_turns(scan_command(FAR), nmap.command(addresses, world.target.ports))
    return BenchRow(
        "3 addresses x 10 ports, each by its own link, RTT 40 ms, one silent",
        ours,
        SCAN_SHARE * theirs,
        "s",
        f"{SCAN_SHARE} x nmap's {theirs:.2f} s",
    )


def raw_row() -> BenchRow:
    """The same three addresses with raw packets, against the scan without."""
    with open_world(FAR, "netns"):
        ours, without = in_turns(scan_command(FAR, "raw"), scan_command(FAR))
    return BenchRow(
        "the same with raw packets", ours, RAW_SHARE * without, "s", f"{RAW_SHARE} x {without:.2f} s without"
    )


def help_row() -> BenchRow:
    """`--help` against the import of the library that prints it."""
    ours, theirs = in_turns((*OURS, "--help"), (sys.executable, "-c", "import typer"))
    return BenchRow("--help", ours, HELP_SHARE * theirs, "s", f"{HELP_SHARE} x import typer's {theirs:.2f} s")


def silent_rows() -> tuple[BenchRow, BenchRow]:
    """A thousand ports that never answer: the time, and the memory of the same scan."""
    command = scan_command(SILENT)
    with open_world(SILENT, "netns"):
        require_expected(SILENT)
        (ours,) = in_turns(command)
        peak = int(run((sys.executable, "-I", "-S", "-c", _PEAK, *command))) / 1024
    return (
        BenchRow("1,000 silent ports on one address", ours, SILENT_SECONDS, "s"),
        BenchRow("peak memory of that scan", peak, PEAK_MB, "MB"),
    )


def render(rows: Sequence[BenchRow]) -> str:
    """Text of the table, without a final newline."""

    def cells(row: BenchRow) -> tuple[str, ...]:
        limit = f"<= {row.limit:.2f} {row.unit}" + (f" ({row.beside})" if row.beside else "")
        return row.what, f"{row.figure:.2f} {row.unit}", limit, "kept" if row.kept else "MISSED"

    headers = ("", f"median of {ROUNDS}", "limit", "")
    return tabulate([cells(row) for row in rows], headers=headers, disable_numparse=True)


def render_races(results: Sequence[races.RaceResult]) -> str:
    """Text of the races' table, without a final newline."""
    cells = [
        (
            *(one.about, one.engine, _seconds(one.ours), _seconds(one.unqueued), _seconds(one.cpu)),
            *(_seconds(one.nmap), _seconds(one.nmap_unqueued), f"{one.ratio:.2f}", one.options),
            "" if one.alike is None else f"{one.alike} of {one.rounds}",
        )
        for one in results
    ]
    headers = (
        *("race", "engine", "median", "unqueued", "CPU", "nmap", "unqueued", "ratio", "nmap's options"),
        "as unhurried",
    )
    return tabulate(cells, headers=headers, disable_numparse=True)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def main() -> int:
    """Measure everything, print the tables; 1 when a limit is missed."""
    if not nmap.available():
        sys.stderr.write("bench: nmap is not installed, and it is what we compare with\n")
        return 3
    compileall.compile_dir(PROBE, quiet=1)  # as an installed program is
    if not enter.inside():
        return enter.reenter((sys.executable, *sys.argv))
    rows = (scan_row(), raw_row(), help_row(), *silent_rows())
    sys.stdout.write(render(rows) + "\n\n")
    results = [*map(races.run_race, races.races()), races.run_many_hosts()]
    sys.stdout.write(render_races(results) + "\n")
    for file in sys.argv[1:]:
        races.keep(results, Path(file))
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
