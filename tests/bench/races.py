"""Races against nmap: small networks in namespaces, whole processes, in turns; compared by their ratio."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from threading import Timer
from time import perf_counter

from bench import many_hosts

from probe.lab.open_world import open_world
from probe.lab.scenario import Scenario, ScenarioLink, ScenarioScan, address_of
from probe.lab.scenario_hosts import Action, Listen, Rule, Serves, TargetHost
from probe.model.binding import Condition
from probe.model.target import Protocol
from probe.report.read import parse_report
from probe.services.port_list import parse_ports

OURS = (sys.executable, "-m", "probe")
TIMEOUT = 300.0  # seconds for one process

_THREE = ("lan", "vpn", "public")
_TEN = "22,53,80,443,3306,5432,6379,8000,8080,9000"
_UDP = "U:53,67,123,137,161,500,1194,1900,5353,51820"
_SERVED = (22, 80, 3306, 6379, 8080)
_TURNS = 10  # of the small races, each compared with a scan that takes its time
_UNHURRIED = ("--timeout", "3", "--retries", "6")
_THOUSAND = "1-1000"
_FAR = dict.fromkeys(_THREE, ScenarioLink(delay_ms=20))  # 40 ms there and back


@dataclass(frozen=True, slots=True)
class Race:
    """One network and how it is scanned. `never`: conditions that no port may have afterwards.

    `compared`: with an unhurried scan of the same network, verdict by verdict.
    """

    about: str
    scenario: Scenario
    engine: str = "connect"
    options: tuple[str, ...] = ("-sS",)  # of nmap
    rounds: int = _TURNS
    never: tuple[Condition, ...] = ()
    compared: bool = True
    command: str = "scan"


@dataclass(frozen=True, slots=True)
class RaceResult:
    """Medians in seconds, and the median of the ratios of each turn.

    `unqueued`: without the time in which the main thread waited for a processor, which is what others on this
    machine take. `cpu`: seconds of the processor that ours took, user and system. `alike`: runs of ours whose
    verdicts were those of an unhurried scan; None where none was made.
    """

    about: str
    engine: str
    ours: float
    nmap: float
    ratio: float
    options: str
    rounds: int
    unqueued: float | None = None
    nmap_unqueued: float | None = None
    cpu: float | None = None
    alike: int | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """One process: its seconds, and what it printed.

    `unqueued` and `cpu` as in `RaceResult`.
    """

    seconds: float
    unqueued: float
    cpu: float
    output: str


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
    one_silent = _network("", links=_FAR, listen=closing, filter=silent)
    yield Race("3 x 10, 40 ms, one silent", one_silent)
    yield Race("doctor, 3 x 10, 40 ms, one silent", one_silent, command="doctor", rounds=5, compared=False)
    answering = tuple(
        Listen(port=port, bind="0.0.0.0", protocol=Protocol.UDP, serves=Serves.ANSWER) for port in (53, 123)
    )
    yield Race("3 x 10 of UDP, 0 ms", _network("", _UDP, listen=answering), options=("-sU",), rounds=3)
    dropping = (Rule(action=Action.DROP),)
    lan = {"lan": ScenarioLink(delay_ms=20)}
    yield Race("1 x 10, 40 ms, all silent", _network("", addresses=("lan",), links=lan, filter=dropping))
    yield from _long_races(closing, dropping)


def _long_races(closing: tuple[Listen, ...], dropping: tuple[Rule, ...]) -> Iterator[Race]:
    """A thousand ports each."""
    far = _network("", _THOUSAND, links=_FAR, listen=closing)
    yield Race("3 x 1,000, 40 ms", far, options=("-sT",), rounds=3, compared=False)
    yield Race("3 x 1,000, 40 ms", far, engine="raw", rounds=3, compared=False)
    rejecting = (Rule(action=Action.PORT_UNREACH),)
    yield Race(
        "1 x 1,000, all rejected by ICMP",
        _network("", _THOUSAND, addresses=("lan",), filter=rejecting),
        rounds=3,
        compared=False,
        never=(Condition.DROPPED, Condition.UNKNOWN),
    )
    few = (Rule(action=Action.ACCEPT, ports="22,80,443"), *dropping)
    yield Race(
        "1 x 1,000, 997 dropped",
        _network("", _THOUSAND, addresses=("lan",), listen=closing[:1], filter=few, resets_per_s=100),
        rounds=3,
        compared=False,
    )
    yield Race(
        "1 x 1,000 refused, 100 resets a second",
        _network("", _THOUSAND, addresses=("lan",), listen=closing[:1], resets_per_s=100),
        rounds=1,
        compared=False,
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
    ours = [*OURS, race.command, *named, "-p", scenario.scan.ports, "--engine", race.engine, "--json"]
    theirs = ["nmap", *race.options, "-n", "-Pn", "-p", scenario.scan.ports, *addresses]
    with open_world(scenario, "netns", raw=False):
        turns = [(_run(ours), _run(theirs)) for _ in range(race.rounds)]
        expected = _verdicts(_run([*ours, *_UNHURRIED]).output) if race.compared else None
    for mine, _ in turns if race.never else ():
        _require_none_of(race, mine.output)
    alike = expected and sum(_verdicts(mine.output) == expected for mine, _ in turns)
    seconds = [(mine.seconds, other.seconds) for mine, other in turns]
    result = _result(race.about, race.engine, race.options, seconds)
    return replace(
        result,
        unqueued=round(median(mine.unqueued for mine, _ in turns), 3),
        nmap_unqueued=round(median(other.unqueued for _, other in turns), 3),
        cpu=round(median(mine.cpu for mine, _ in turns), 3),
        alike=alike,
    )


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
            turns.append((perf_counter() - began, _run(theirs).seconds))
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


def _run(command: Sequence[str]) -> _Turn:
    """Run a process to its end.

    Raises:
        CalledProcessError: it failed, so its time means nothing. The doctor's 1 is a trouble found.
    """
    with TemporaryFile() as output:
        began, before = perf_counter(), os.times()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL
        )
        limit = Timer(TIMEOUT, process.kill)
        limit.start()
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # so that its figures can still be read
            seconds = perf_counter() - began
            queued = int(Path(f"/proc/{process.pid}/schedstat").read_text("ascii").split()[1]) / 1e9
        finally:
            limit.cancel()
            process.kill()
            code, after = process.wait(), os.times()
        output.seek(0)
        printed = output.read().decode()
    if code not in ({0, 1} if "doctor" in command else {0}):
        raise subprocess.CalledProcessError(code, command)
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return _Turn(seconds, seconds - queued, cpu, printed)


def _require_none_of(race: Race, output: str) -> None:
    """Refuse a scan that found what may not be found there.

    Raises:
        ValueError: as `run_race`.
    """
    found = {condition for _, _, observed in _verdicts(output) for _, condition in observed}
    if found & set(race.never):
        raise ValueError(f"{race.about}: {', '.join(sorted(found))}")


def _verdicts(output: str) -> list[tuple[str, str, tuple[tuple[str, Condition], ...]]]:
    """Of each port, or group of ports: what it is bound to, and its condition on every address."""
    report = parse_report(output.encode(), "the scan")
    named = [(f"{row.port}/{row.protocol}", row) for row in report.ports]
    grouped = [(f"{row.ports}/{row.protocol}", row) for row in report.rest or ()]
    return [
        (name, row.binding, tuple((o.address, o.condition) for o in row.observations))
        for name, row in (*named, *grouped)
    ]


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
