"""Races against nmap: small networks in namespaces, whole processes, in turns; compared by their ratio."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from bench import many_hosts

from probe.lab.open_world import open_world
from probe.lab.scenario import Scenario, ScenarioLink, ScenarioScan, address_of
from probe.lab.scenario_hosts import Action, Listen, Rule, Serves, TargetHost
from probe.model.binding import Condition
from probe.report.read import parse_report
from probe.services.port_list import parse_ports

OURS = (sys.executable, "-m", "probe")
TIMEOUT = 300.0  # seconds for one process

_THREE = ("lan", "vpn", "public")
_TEN = "22,53,80,443,3306,5432,6379,8000,8080,9000"
_SERVED = (22, 80, 3306, 6379, 8080)
_THOUSAND = "1-1000"
_FAR = dict.fromkeys(_THREE, ScenarioLink(delay_ms=20))  # 40 ms there and back


@dataclass(frozen=True, slots=True)
class Race:
    """One network and how it is scanned. `never`: conditions that no port may have afterwards."""

    about: str
    scenario: Scenario
    engine: str = "connect"
    options: tuple[str, ...] = ("-sS",)  # of nmap
    rounds: int = 5
    never: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class RaceResult:
    """Medians in seconds, and the median of the ratios of each turn."""

    about: str
    engine: str
    ours: float
    nmap: float
    ratio: float
    options: str
    rounds: int


def _network(
    about: str,
    ports: str = _TEN,
    *,
    addresses: tuple[str, ...] = _THREE,
    links: dict[str, ScenarioLink] | None = None,
    **target: object,
) -> Scenario:
    return Scenario(
        about=about,
        addresses=addresses,
        target=TargetHost(**target),
        links=links or {},
        scan=ScenarioScan(ports=ports),
        expect={},
    )


def _served(serves: Serves) -> tuple[Listen, ...]:
    return tuple(Listen(port=port, bind="0.0.0.0", serves=serves) for port in _SERVED)


def races() -> Iterator[Race]:
    """Every race, the short ones first."""
    for serves in (Serves.HOLD, Serves.GREET, Serves.CLOSE):
        near = _network(f"3 x 10, 0 ms, services that {serves}", listen=_served(serves))
        yield Race(near.about, near)
        yield Race(near.about, near, engine="raw")
    closing = _served(Serves.CLOSE)
    yield Race("3 x 10, 40 ms, all answer", _network("", links=_FAR, listen=closing))
    silent = (Rule(action=Action.DROP, on=("public",)),)
    yield Race("3 x 10, 40 ms, one silent", _network("", links=_FAR, listen=closing, filter=silent))
    dropping = (Rule(action=Action.DROP),)
    lan = {"lan": ScenarioLink(delay_ms=20)}
    yield Race(
        "1 x 10, 40 ms, all silent", _network("", addresses=("lan",), links=lan, filter=dropping), rounds=3
    )
    yield Race(
        "3 x 1,000, 40 ms", _network("", _THOUSAND, links=_FAR, listen=closing), options=("-sT",), rounds=3
    )
    rejecting = (Rule(action=Action.PORT_UNREACH),)
    yield Race(
        "1 x 1,000, all rejected by ICMP",
        _network("", _THOUSAND, addresses=("lan",), filter=rejecting),
        rounds=3,
        never=(Condition.DROPPED, Condition.UNKNOWN),
    )
    few = (Rule(action=Action.ACCEPT, ports="22,80,443"), *dropping)
    yield Race(
        "1 x 1,000, 997 dropped",
        _network("", _THOUSAND, addresses=("lan",), listen=closing[:1], filter=few, resets_per_s=100),
        rounds=3,
    )
    yield Race(
        "1 x 1,000 refused, 100 resets a second",
        _network("", _THOUSAND, addresses=("lan",), listen=closing[:1], resets_per_s=100),
        rounds=1,
        never=(Condition.DROPPED, Condition.UNKNOWN),
    )


def run_race(race: Race) -> RaceResult:
    """Run a race in its network, in turns.

    Raises:
        ValueError: a port came out with a condition that it may not have: a time for a wrong answer is none.
    """
    scenario = race.scenario
    addresses = [str(address_of(symbol)) for symbol in scenario.addresses]
    named = [
        word for symbol, ip in zip(scenario.addresses, addresses, strict=True) for word in (f"--{symbol}", ip)
    ]
    ours = [*OURS, "scan", *named, "-p", scenario.scan.ports, "--engine", race.engine, "--json"]
    theirs = ["nmap", *race.options, "-n", "-Pn", "-p", scenario.scan.ports, *addresses]
    with open_world(scenario, "netns", raw=False):
        turns = [(_seconds(ours, race), _seconds(theirs)) for _ in range(race.rounds)]
    return _result(race.about, race.engine, race.options, turns)


def run_many_hosts(rounds: int = 3) -> RaceResult:
    """240 hosts x 20 ports, in one process.

    Raises:
        ValueError: a host that is there did not answer on every port.
    """
    ports = ",".join(str(port.number) for port in parse_ports(many_hosts.PORTS))
    theirs = ["nmap", "-sS", "-n", "-Pn", "-p", ports, *many_hosts.HOSTS]
    with many_hosts.network():
        turns = []
        for _ in range(rounds):
            began = perf_counter()
            missed = many_hosts.missed()
            turns.append((perf_counter() - began, _seconds(theirs)))
            if missed:
                raise ValueError(f"of 240 hosts that answer, {missed} did not answer in full")
    return _result("240 hosts x 20 ports, one process, not counting its start", "connect", ("-sS",), turns)


def _result(
    about: str, engine: str, options: Sequence[str], turns: Sequence[tuple[float, float]]
) -> RaceResult:
    return RaceResult(
        about,
        engine,
        ours=round(median(mine for mine, _ in turns), 3),
        nmap=round(median(other for _, other in turns), 3),
        ratio=round(median(mine / other for mine, other in turns), 2),
        options=" ".join(options),
        rounds=len(turns),
    )


def _seconds(command: Sequence[str], race: Race | None = None) -> float:
    """Seconds that the whole process takes; of ours, what it found is looked at.

    Raises:
        CalledProcessError: it failed, so its time means nothing.
        ValueError: as `run_race`.
    """
    began = perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    seconds = perf_counter() - began
    if race is not None and race.never:
        report = parse_report(done.stdout.encode(), "the scan")
        rows = (*report.ports, *(report.rest or ()))
        found = {o.condition for row in rows for o in row.observations}
        if found & set(race.never):
            raise ValueError(f"{race.about}: {', '.join(sorted(found))}")
    return seconds


def machine() -> dict[str, object]:
    """What the figures were measured on, and how busy it was."""
    return {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def keep(results: Sequence[RaceResult], file: Path) -> None:
    """Write the results and the machine as JSON."""
    document = {"machine": machine(), "races": [asdict(result) for result in results]}
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
