"""The table of worlds: which columns, what is run in them, and how it ends."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import typer

from probe.app.engines import Engine
from probe.cli.options import LabWorld
from probe.errors import BackendError
from probe.lab.result import CheckResult, ExpectationRow
from probe.lab.scenario import parse_scenario
from worlds_table import build
from worlds_table.__main__ import main as command
from worlds_table.grid import GridColumn, Standing
from worlds_table.run import TableRun

MISSED = ExpectationRow("80", "via", "direct", "forward")


def test_columns() -> None:
    """All worlds and both engines, or those that are named, in one order; auto is what the lab has for it."""
    assert build.columns_of(None, None) == tuple(
        GridColumn(world, engine) for world in ("sim", "netns", "compose") for engine in ("connect", "raw")
    )
    named = build.columns_of([LabWorld.COMPOSE, LabWorld.SIM], [Engine.AUTO])
    assert named == (GridColumn("sim", "connect"), GridColumn("compose", "connect"))


def runner(
    lacking: Mapping[str, str], rows: tuple[ExpectationRow, ...] = ()
) -> Callable[
    [Mapping[GridColumn, Sequence[str]], Callable[[GridColumn, TableRun], None]], dict[GridColumn, TableRun]
]:
    """What runs nothing and reports that everything is well, but for these worlds."""

    def run(
        jobs: Mapping[GridColumn, Sequence[str]], done: Callable[[GridColumn, TableRun], None]
    ) -> dict[GridColumn, TableRun]:
        outcomes = {}
        for column, names in jobs.items():
            results = tuple(CheckResult(name, *_words(column), rows, 1.0) for name in names)
            why_not = lacking.get(column.world)
            outcomes[column] = TableRun(lacking=why_not) if why_not else TableRun(results)
            done(column, outcomes[column])
        return outcomes

    return run


def _words(column: GridColumn) -> tuple[str, str]:
    return column.world, column.engine


def test_what_is_run_where(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario is left out of the worlds that cannot hold it, and of those that this machine lacks."""
    document = {"about": "x", "addresses": ["vpn"], "scan": {"ports": "80"}, "expect": {}}
    more = {"vpn": {"kind": "openvpn"}, "worlds": ["netns", "compose"], "why_not": "memory has none"}
    both = [
        parse_scenario("plain", {**document, "expect": {"80": {}}}),
        parse_scenario("tunnel", {**document, **more}),
    ]
    monkeypatch.setattr(build, "every_scenario", lambda: both)
    monkeypatch.setattr("probe.lab.netns.tunnels.vpn_available", lambda kind: "not installed: openvpn")
    columns = build.columns_of(None, [Engine.CONNECT])
    grid = build.tabled((), columns, quiet=False, run=runner({"compose": "no Docker"}))
    standings = {line.scenario: [cell.standing for cell in line.cells] for line in grid.lines}
    assert standings["plain"] == [Standing.EQUAL, Standing.EQUAL, Standing.NOT_RUN]
    assert standings["tunnel"] == [Standing.ELSEWHERE, Standing.NOT_RUN, Standing.ELSEWHERE]
    assert grid.lacks == ("no Docker", "not installed: openvpn")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        *("sim connect: 1 scenarios, 0 failed; 1 s", "netns connect: 1 scenarios, 0 failed; 1 s"),
        "not run in compose: no Docker",
    ]
    build.tabled((), columns, quiet=True, run=runner({}))
    assert capsys.readouterr().err == ""


def test_not_one_world() -> None:
    """Where none can be had there is no table, but the reason."""
    columns = build.columns_of([LabWorld.COMPOSE], None)
    with pytest.raises(BackendError, match="no Docker"):
        build.tabled(["demo"], columns, quiet=True, run=runner({"compose": "no Docker"}))


def test_nothing_for_a_world() -> None:
    """A scenario that no chosen world can hold is a table all the same."""
    grid = build.tabled(["slow-vpn"], build.columns_of([LabWorld.COMPOSE], None), quiet=True, run=runner({}))
    assert [cell.standing for cell in grid.lines[0].cells] == [Standing.ELSEWHERE] * 2


def table(*words: str) -> int:
    """Run the table's command line in this process; its exit code."""
    app = typer.Typer()
    app.command()(command)
    result = app(args=list(words), standalone_mode=False)
    return result if isinstance(result, int) else 0


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two worlds in memory are really run, compared, and printed as text or as a page."""
    words = ["loopback-only", "--world", "sim"]
    assert table(*words, "-v") == 0
    printed = capsys.readouterr()
    assert "sim raw: 1 scenarios, 0 failed" in printed.err
    assert "1 equal, 1 explained" in printed.out
    assert "9000 bound by: - elsewhere, address here" in " ".join(printed.out.split())
    page = tmp_path / "page.md"
    assert table(*words, "--engine", "connect", "--md", "-q", "-o", str(page)) == 0
    assert capsys.readouterr() == ("", "")
    assert "| [loopback-only](loopback-only.yaml) | ok " in page.read_text(encoding="utf-8")
    assert table("no-such") == 2


def test_a_difference_is_an_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not met ends with 1."""
    monkeypatch.setattr("worlds_table.build.run_columns", runner({}, (MISSED,)))
    assert table("demo", "--world", "sim") == 1
    assert "FAILED: demo, sim connect: 80 via: expected direct, found forward" in " ".join(
        capsys.readouterr().out.split()
    )
