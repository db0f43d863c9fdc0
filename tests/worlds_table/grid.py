"""The table of scenarios by worlds and engines, as data: what each cell is, and what it shows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probe.lab.result import CheckResult
from worlds_table.differences import Compared, Why, WorldDifference, compared

MARKS = {Why.RAW: "+", Why.WORLD: "*"}  # of explained differences, in a cell


@dataclass(frozen=True, slots=True, order=True)
class GridColumn:
    """A world and an engine."""

    world: str
    engine: str


class Standing(StrEnum):
    """What a cell is; the value stands in the summary."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    DIFFERENT = "different"
    FAILED = "failed"
    ELSEWHERE = "not in this world"  # by what the world is
    NOT_RUN = "not run"  # by what this machine lacks


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario in one column: what was found there, or why nothing was."""

    standing: Standing
    found: Compared | None = None
    why_not: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.standing not in {Standing.DIFFERENT, Standing.FAILED}


@dataclass(frozen=True, slots=True)
class Line:
    """One scenario and its cells, in the order of the columns."""

    scenario: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The whole table."""

    columns: tuple[GridColumn, ...]
    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether every expectation was met, and every difference is explained."""
        return all(cell.ok for line in self.lines for cell in line.cells)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why scenarios are not in a world, each reason once, in the order of the table."""
        cells = [cell for line in self.lines for cell in line.cells]
        return tuple(
            dict.fromkeys(c.why_not for c in cells if c.standing is Standing.ELSEWHERE and c.why_not)
        )

    @property
    def lacks(self) -> tuple[str, ...]:
        """What this machine lacks, each once."""
        cells = [cell for line in self.lines for cell in line.cells]
        return tuple(dict.fromkeys(c.why_not for c in cells if c.standing is Standing.NOT_RUN and c.why_not))

    def count(self, standing: Standing) -> int:
        """How many cells are so."""
        return sum(cell.standing is standing for line in self.lines for cell in line.cells)


@dataclass(frozen=True, slots=True)
class SharedDifference:
    """A difference, and all columns of its scenario that have it."""

    scenario: str
    difference: WorldDifference
    columns: tuple[GridColumn, ...]


def make_grid(
    columns: Sequence[GridColumn],
    left_out: Mapping[str, Mapping[str, tuple[Standing, str]]],
    results: Sequence[CheckResult],
    lacking: Mapping[str, str],
) -> Grid:
    """Put results into their cells, and compare those of each scenario.

    `left_out`: of every scenario in the table, by world, why it was not run there. `lacking`: worlds that
    cannot be had on this machine, and why.
    """
    by_scenario: dict[str, list[CheckResult]] = {name: [] for name in left_out}
    order = {(column.world, column.engine): at for at, column in enumerate(columns)}
    for one in sorted(results, key=lambda result: order[result.world, result.engine]):
        by_scenario[one.scenario].append(one)
    lines = [
        Line(name, tuple(_cells(columns, left_out[name], found, lacking)))
        for name, found in by_scenario.items()
    ]
    return Grid(tuple(columns), tuple(lines))


def _cells(
    columns: Sequence[GridColumn],
    left_out: Mapping[str, tuple[Standing, str]],
    results: Sequence[CheckResult],
    lacking: Mapping[str, str],
) -> Iterator[Cell]:
    found = {GridColumn(one.result.world, one.result.engine): one for one in compared(results)}
    for column in columns:
        if column in found:
            yield Cell(_standing(found[column]), found[column])
        elif column.world in left_out:
            standing, reason = left_out[column.world]
            yield Cell(standing, why_not=reason)
        else:
            yield Cell(Standing.NOT_RUN, why_not=lacking.get(column.world, "it was not run"))


def _standing(found: Compared) -> Standing:
    if not found.result.ok:
        return Standing.FAILED
    if found.unexplained:
        return Standing.DIFFERENT
    return Standing.EXPLAINED if found.differences else Standing.EQUAL


def cell_text(cell: Cell, notes: Sequence[str]) -> str:
    """What stands in a cell; `notes`: the reasons that are numbered, from 1."""
    if cell.found is None:
        numbered = cell.standing is Standing.ELSEWHERE and cell.why_not in notes
        return f"({notes.index(cell.why_not or '') + 1})" if numbered else str(cell.standing)
    rows = cell.found.result.rows
    met = sum(row.ok for row in rows)
    if cell.standing is Standing.FAILED:
        return f"FAILED {met}/{len(rows)}"
    if cell.standing is Standing.DIFFERENT:
        return f"DIFFERS {len(cell.found.unexplained)}"
    marks = "".join(mark for why, mark in MARKS.items() if _has(cell.found, why))
    return f"ok {met} {marks}".strip()


def _has(found: Compared, why: Why) -> bool:
    return any(one.why is why for one in found.differences)


def shared_differences(grid: Grid, *, explained: bool) -> list[SharedDifference]:
    """All differences of one sort, each once with the columns that have it, in the order of the table."""
    having: dict[tuple[str, WorldDifference], list[GridColumn]] = {}
    for line in grid.lines:
        for column, cell in zip(grid.columns, line.cells, strict=True):
            for one in cell.found.differences if cell.found else ():
                if (one.why is not Why.NONE) is explained:
                    having.setdefault((line.scenario, one), []).append(column)
    return [SharedDifference(*key, tuple(columns)) for key, columns in having.items()]


def wrong(grid: Grid) -> Iterator[str]:
    """Every expectation that was not met, and why a scenario could not be measured."""
    for line in grid.lines:
        for column, cell in zip(grid.columns, line.cells, strict=True):
            if cell.standing is Standing.FAILED and cell.found is not None:
                where = f"FAILED: {line.scenario}, {column.world} {column.engine}"
                result = cell.found.result
                missed = (
                    f"{r.port} {r.what}: expected {r.expected}, found {r.found}"
                    for r in result.rows
                    if not r.ok
                )
                yield from (f"{where}: {reason}" for reason in ([result.error] if result.error else missed))


def summary(grid: Grid) -> str:
    """How many cells are what."""
    total = len(grid.lines) * len(grid.columns)
    counts = [f"{grid.count(standing)} {standing}" for standing in Standing]
    return f"{len(grid.lines)} scenarios in {len(grid.columns)} columns, {total} cells: {', '.join(counts)}"
