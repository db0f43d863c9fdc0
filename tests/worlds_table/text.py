"""The table of worlds and engines as text, within 80 columns, and below it what is wrong or differs. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import fill, wrap

from worlds_table.differences import Why
from worlds_table.grid import (
    MARKS,
    Cell,
    Grid,
    SharedDifference,
    cell_text,
    shared_differences,
    summary,
    wrong,
)

_WIDTH = 80
_NAME_WIDTH = 26
_CELL_WIDTH = 7  # 80 columns with six of them
LEGEND = {
    Why.RAW: "raw packets add what sockets leave open, or the file expects otherwise of them",
    Why.WORLD: "the file expects otherwise of this world",
}


def render_grid(grid: Grid, *, detail: bool = False) -> str:
    """Render the table. `detail`: with the differences that are explained. Ends with a newline."""
    parts = ["\n".join(_table(grid)), "\n".join(_legend(grid)), "\n".join(_wrong(grid))]
    if detail:
        parts.append("\n".join(_lines("differs, and explained", shared_differences(grid, explained=True))))
    parts.append(fill(summary(grid), _WIDTH))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(grid: Grid) -> Iterator[str]:
    """The lines of the table itself."""
    yield from _row(("scenario", *(column.world for column in grid.columns)))
    yield from _row(("", *(column.engine for column in grid.columns)))
    yield "  ".join(("-" * _NAME_WIDTH, *("-" * _CELL_WIDTH for _ in grid.columns)))
    notes = grid.notes
    for line in grid.lines:
        yield from _row((line.scenario, *(cell_text(cell, notes) for cell in line.cells)))


def _row(words: Sequence[str]) -> Iterator[str]:
    """The lines of a row: what is too wide for its column goes on below."""
    widths = [_NAME_WIDTH, *(_CELL_WIDTH for _ in words[1:])]
    folded = [wrap(word, width) for word, width in zip(words, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        yield "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()


def _legend(grid: Grid) -> Iterator[str]:
    cells = [cell for line in grid.lines for cell in line.cells]
    for why, mark in MARKS.items():
        if any(_marked(cell, why) for cell in cells):
            yield f"{mark} {LEGEND[why]}"
    for number, reason in enumerate(grid.notes, 1):
        yield from wrap(f"({number}) not in this world: {reason}", _WIDTH, subsequent_indent="    ")
    for reason in grid.lacks:
        yield from wrap(f"not run: {reason}", _WIDTH, subsequent_indent="    ")


def _marked(cell: Cell, why: Why) -> bool:
    return cell.found is not None and any(one.why is why for one in cell.found.differences)


def _wrong(grid: Grid) -> Iterator[str]:
    for line in wrong(grid):
        yield from wrap(line, _WIDTH, subsequent_indent="    ")
    yield from _lines("DIFFERS", shared_differences(grid, explained=False))


def _lines(title: str, differences: list[SharedDifference]) -> Iterator[str]:
    for one in differences:
        where = ", ".join(f"{column.world} {column.engine}" for column in one.columns)
        how = f"{one.difference.before} elsewhere, {one.difference.after} here"
        text = f"{title}: {one.scenario}, {where}: {one.difference.port} {one.difference.what}: {how}"
        yield from wrap(text, _WIDTH, subsequent_indent="    ")
