"""Made-up hosts in worlds of packets: they answer as they were drawn, and the whole program is graded."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from probe.app.engines import Engine
from probe.app.scan import scan
from probe.lab.netns import enter
from probe.lab.open_world import backends_of, open_world
from probe.lab.truth import truth
from probe.model.plan import Timing
from probe.model.probing import State
from score.__main__ import ScoredIn
from score.__main__ import main as command
from score.families import IN_WORLD, draw
from score.family_run import _fact, score_family
from score.family_scenario import scenario_of
from score.grade import Fact
from score.hosts import ip_of, port_number
from score.made_up import MadeUpHost

TOP = Path(__file__).parents[2]
_STATES = {
    **dict.fromkeys("OXB", frozenset({State.OPEN})),
    **dict.fromkeys("RF", frozenset({State.CLOSED})),
    **dict.fromkeys("SIP", frozenset({State.FILTERED, State.OPEN_FILTERED})),
}


def hosts(name: str, world: str, count: int) -> list[MadeUpHost]:
    return [draw(IN_WORLD[world][name], Random(f"{name} {number}")) for number in range(count)]  # noqa: S311


@pytest.mark.parametrize("name", IN_WORLD["sim"])
def test_hosts_answer_as_they_were_drawn(name: str) -> None:
    """In memory every port has the truth and the answers of its made-up host."""
    for host in hosts(name, "sim", 4):
        scenario = scenario_of(host)
        ports = [port_number(index, host.family.protocol) for index in range(len(host.truth))]
        true = truth(scenario)
        facts = [Fact(true[port].binding, frozenset(true[port].bound_to)) for port in ports]
        assert facts == [_fact(one) for one in host.truth]
        with open_world(scenario, "sim") as world:
            report = scan(world.target, Timing(), backends_of(world, "connect"))
        seen = {(one.port, str(o.address)): o.state for one in report.ports for o in one.observations}
        for symbol, letters in host.answers.items():
            for port, letter in zip(ports, letters, strict=True):
                assert seen[port.number, str(ip_of(symbol))] in _STATES[letter]


def test_families_without_what_a_world_lacks() -> None:
    """No world has a box beyond the first hop; real hosts have no VPN program. The rest is the same."""
    fronts = {world: set(IN_WORLD[world]["fronts"].public) for world in IN_WORLD}
    assert fronts["sim"] == fronts["netns"] == fronts["abstract"] - {"cdn", "box"}
    ends = {world: set(IN_WORLD[world]["userspace vpn"].vpn) for world in IN_WORLD}
    assert ends["abstract"] == ends["sim"] == ends["netns"] | {"relay"}
    assert IN_WORLD["sim"]["mixed"] == IN_WORLD["abstract"]["mixed"]
    assert IN_WORLD["abstract"].keys() - IN_WORLD["sim"].keys() == {"several hosts"}


@pytest.mark.parametrize("raw", [False, True])
def test_a_family_is_graded_in_memory(raw: bool) -> None:  # noqa: FBT001 - which engine
    """The whole program scans its hosts; without a filter it names everything, and nothing wrongly."""
    found = score_family("plain", 3, 1, raw=raw, world="sim")
    assert (found.ours.ports, found.world) == (30, "sim")
    assert found.ours.decided >= 28
    assert found.ours.wrong == 0


def test_the_command_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    """It grades the families that it is given, in the world that it is given."""
    command(families=1, family=["plain", "fronts"], world=ScoredIn.SIM, engine=Engine.CONNECT)
    out = capsys.readouterr().out
    assert "1 hosts a family, engine connect, world sim" in out
    assert {line.split("  ")[0] for line in out.splitlines()} >= {"plain*", "fronts"}
    assert "cloud" not in out


def test_abstract_is_for_families() -> None:
    """Random worlds have no abstract form."""
    done = subprocess.run(
        [sys.executable, "-m", "score", "--world", "abstract"],
        env={**os.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "give --families too" in done.stderr) == (2, True)


@pytest.mark.netns
def test_families_on_real_hosts() -> None:
    """One host of two families is built of real hosts, scanned and graded; TCP and UDP."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    names = ["--family", "fronts", "--family", "udp plain"]
    done = subprocess.run(
        [sys.executable, "-m", "score", "--families", "1", "--seed", "2", "--world", "netns", *names],
        env={**os.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 hosts a family, engine connect, world netns" in done.stdout
    assert {line.split("  ")[0] for line in done.stdout.splitlines()} >= {"fronts", "udp plain"}
