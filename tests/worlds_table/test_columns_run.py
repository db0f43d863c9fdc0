"""Columns as processes: a program in the place of this one that notes what it is given."""

import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from probe.errors import BackendError
from worlds_table import machine
from worlds_table.grid import GridColumn
from worlds_table.run import TableRun, run_columns

SIM, NETNS, NETNS_RAW = (
    GridColumn("sim", "connect"),
    GridColumn("netns", "connect"),
    GridColumn("netns", "raw"),
)
# Prints what the test has put there for the column, else that its scenarios are well.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
while [ $# -gt 4 ] && [ "$1" != --world ]; do words="$words $1"; shift; done
echo "$2 $4$words" >> given
if [ -e "script-$2-$4" ]; then . "./script-$2-$4"; fi
cat well
"""


class FakeProgram:
    """What it prints, and what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "program"
        self.path.write_text(PROGRAM)
        self.path.chmod(self.path.stat().st_mode | stat.S_IEXEC)
        well = {"scenario": "demo", "world": "sim", "engine": "connect", "rows": [], "seconds": 0.1}
        (folder / "well").write_text(json.dumps({"results": [well]}))
        self.done: list[GridColumn] = []

    def runs(self, column: GridColumn, script: str) -> None:
        (self.folder / f"script-{column.world}-{column.engine}").write_text(script)

    @property
    def given(self) -> list[str]:
        return (self.folder / "given").read_text().splitlines()

    def run(self, *columns: GridColumn) -> dict[GridColumn, TableRun]:
        jobs = {column: ["demo", "lossy-link"] for column in columns}
        return run_columns(jobs, lambda column, _: self.done.append(column), [str(self.path)])


@pytest.fixture
def program(tmp_path: Path) -> FakeProgram:
    return FakeProgram(tmp_path)


def test_every_column_is_run(program: FakeProgram) -> None:
    """Each is given its scenarios, its world and its engine; one without scenarios is not started."""
    outcomes = run_columns({SIM: ["demo"], NETNS: []}, lambda *_: None, [str(program.path)])
    assert list(outcomes) == [SIM]
    assert [one.scenario for one in outcomes[SIM].results] == ["demo"]
    assert program.given == ["sim connect lab run demo"]


def test_worlds_side_by_side_and_engines_in_turn(program: FakeProgram) -> None:
    """Two engines of a world would be in each other's way; two worlds are not."""
    program.runs(NETNS, "while ! grep -q sim given; do sleep 0.01; done; echo over >> given")
    outcomes = program.run(NETNS, NETNS_RAW, SIM)
    assert set(outcomes) == {SIM, NETNS, NETNS_RAW} == set(program.done)
    assert program.given.index("over") < program.given.index("netns raw lab run demo lossy-link")


def test_a_world_that_cannot_be_had(program: FakeProgram) -> None:
    """Its reason is kept, its other columns are not tried, and the other worlds are run."""
    program.runs(NETNS, "echo warning >&2; echo 'bindprobe: no namespaces here' >&2; exit 3")
    outcomes = program.run(NETNS, NETNS_RAW, SIM)
    assert outcomes[NETNS] == TableRun(lacking="no namespaces here")
    assert NETNS_RAW not in outcomes
    assert outcomes[SIM].results
    program.runs(SIM, "exit 3")
    assert program.run(SIM)[SIM].lacking == "exit code 3"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'bindprobe: a bug' >&2; exit 70", "netns connect ended with exit code 70: a bug"),
        ("exit 5", "netns connect ended with exit code 5: no reason"),
        ("echo oh; exit 1", "netns connect printed no results: "),
    ],
)
def test_a_run_that_breaks(program: FakeProgram, script: str, message: str) -> None:
    """It ends the whole with its last words, and the others with it."""
    program.runs(SIM, "echo $$ > pid; sleep 60")
    program.runs(NETNS, f"while [ ! -s pid ]; do sleep 0.01; done; {script}")
    with pytest.raises(BackendError, match=message):
        program.run(SIM, NETNS)
    assert gone(int((program.folder / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all(program: FakeProgram, number: int) -> None:
    """Every run is interrupted as from a terminal and waited for: it may have to tidy up."""
    script = (
        "trap 'sleep 0.2; echo tidied >> given; exit 130' INT; echo $$ > pid; kill -{0} {1}; sleep 60 & wait"
    )
    program.runs(SIM, script.format(int(number), os.getpid()))
    with pytest.raises(KeyboardInterrupt):
        program.run(SIM)
    assert program.given[-1] == "tidied"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_it_was_measured_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine in words; with containers, Docker and Compose too, where they answer."""
    plain = machine.this_machine(docker=False)
    assert "cores" in plain
    assert "Docker" not in plain
    for name, words in (("docker", "echo 20.10.24"), ("docker-compose", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{words}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(machine, "compose_command", lambda: ("docker-compose",))
    assert machine.this_machine(docker=True) == f"{plain}, Docker 20.10.24"
    monkeypatch.setattr(machine, "compose_command", lambda: None)
    monkeypatch.setattr(subprocess, "run", fails)
    assert machine.this_machine(docker=True) == plain


def fails(*_: object, **__: object) -> None:
    raise FileNotFoundError
