"""What a table runs, and what it makes of it: names and columns to jobs, outcomes to a table."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from probe.app.engines import Engine
from probe.cli.options import LabWorld
from probe.cli.scenarios import every_scenario, why_not
from probe.cli.terminal import note
from probe.cli.worlds import lab_engine
from probe.errors import BackendError
from probe.lab.check import why_not_in
from probe.lab.files import find_scenario
from probe.lab.scenario import Scenario
from worlds_table.grid import Grid, GridColumn, Standing, make_grid
from worlds_table.machine import this_machine
from worlds_table.markdown import render_page
from worlds_table.run import TableRun, run_columns
from worlds_table.text import render_grid

LeftOut = Mapping[str, Mapping[str, tuple[Standing, str]]]
Runner = Callable[
    [Mapping[GridColumn, Sequence[str]], Callable[[GridColumn, TableRun], None]], dict[GridColumn, TableRun]
]


def columns_of(worlds: Sequence[LabWorld] | None, engines: Sequence[Engine] | None) -> tuple[GridColumn, ...]:
    """The columns of a table: worlds in the order of their list, and engines in theirs; none: all."""
    chosen = {lab_engine(engine) for engine in engines or Engine}
    return tuple(
        GridColumn(world, engine)
        for world in LabWorld
        if not worlds or world in worlds
        for engine in (Engine.CONNECT, Engine.RAW)
        if engine in chosen
    )


def tabled(
    names: Sequence[str], columns: Sequence[GridColumn], *, quiet: bool, run: Runner | None = None
) -> Grid:
    """Run scenarios in every column and compare what is found; no name: all of them.

    Raises:
        ScenarioError: there is no scenario of a name, or none at all.
        BackendError: not one world of those can be had here, or a run ended without results.
    """
    scenarios = [find_scenario(name) for name in names] if names else every_scenario()
    left_out = {one.name: _left_out(one, columns) for one in scenarios}
    jobs = {
        column: [name for name, worlds in left_out.items() if column.world not in worlds]
        for column in columns
    }
    outcomes = (run or run_columns)(jobs, _silent if quiet else _report)
    results = [result for outcome in outcomes.values() for result in outcome.results]
    lacking = {column.world: one.lacking for column, one in outcomes.items() if one.lacking is not None}
    if lacking and not results:
        raise BackendError("; ".join(lacking.values()))
    return make_grid(columns, left_out, results, lacking)


def rendered(grid: Grid, *, page: bool, detail: bool) -> str:
    """The table as text, or as a page in Markdown with the date and the machine."""
    if not page:
        return render_grid(grid, detail=detail)
    docker = any(column.world == LabWorld.COMPOSE for column in grid.columns)
    return render_page(grid, datetime.now(UTC).date().isoformat(), this_machine(docker=docker))


def _left_out(scenario: Scenario, columns: Sequence[GridColumn]) -> dict[str, tuple[Standing, str]]:
    """The worlds in which a scenario is not run: by what they are, or by what this machine lacks."""
    found = {}
    for world in dict.fromkeys(column.world for column in columns):
        never, lacking = why_not_in(scenario, world), why_not(scenario, world)
        if never is not None:
            found[world] = (Standing.ELSEWHERE, never)
        elif lacking is not None:
            found[world] = (Standing.NOT_RUN, lacking)
    return found


def _report(column: GridColumn, outcome: TableRun) -> None:
    if outcome.lacking is not None:
        note(f"not run in {column.world}: {outcome.lacking}")
        return
    failed = sum(not one.ok for one in outcome.results)
    seconds = sum(one.seconds for one in outcome.results)
    note(
        f"{column.world} {column.engine}: {len(outcome.results)} scenarios, {failed} failed; {seconds:.0f} s"
    )


def _silent(_column: GridColumn, _outcome: TableRun) -> None:
    """Print nothing."""
