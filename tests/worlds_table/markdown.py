"""The table of worlds and engines as a page in Markdown, with the machine it was measured on. Pure."""

from collections.abc import Iterable, Iterator

from worlds_table.differences import Why
from worlds_table.grid import MARKS, Grid, SharedDifference, cell_text, shared_differences, summary, wrong
from worlds_table.text import LEGEND

_HEAD = """\
# The scenarios, in every world

Each file here is a small network with a known truth. This page lists what is found in it where, and is made
by `make table`. Measured on {when}:
{machine}.

| Column | Is |
|---|---|
| sim | hosts in memory, in virtual time |
| netns | hosts in network namespaces of one Linux machine: real sockets, packet filters and tunnels |
| compose | hosts in Docker containers, as `docker-compose.yml` has them |
| connect | `--engine connect`: ordinary sockets, no privilege |
| raw | `--engine raw`: raw packets as well |

`ok 12`: all 12 expectations of the file are met. Beyond these, all that a report has on ports and addresses
(binding, addresses, families, what binds it, how it is served; state, reason, condition on each address; the
doctor's first cause) is compared along the row: with the other engine in the same world, and with the same
engine in the first world. A cell without a mark is the same.

- `+`: {raw}
- `*`: {world}
- `(1)`: not in this world, for the reason of that number below the table
"""


def render_page(grid: Grid, when: str, machine: str) -> str:
    """Render the page. `when`: a date. `machine`: what it ran on, in words. Ends with a newline."""
    head = _HEAD.format(when=when, machine=machine, raw=LEGEND[Why.RAW], world=LEGEND[Why.WORLD])
    parts = [
        head.rstrip(),
        "\n".join(_table(grid)),
        f"{summary(grid)}.",
        *_wrong(grid),
        *_not_here(grid),
        *_explained(grid),
    ]
    return "\n\n".join(parts) + "\n"


def _table(grid: Grid) -> Iterator[str]:
    yield _row(["Scenario", *(f"{column.world} {column.engine}" for column in grid.columns)])
    yield _row(["---"] * (len(grid.columns) + 1))
    notes = grid.notes
    for line in grid.lines:
        cells = (cell_text(cell, notes) for cell in line.cells)
        yield _row([f"[{line.scenario}]({line.scenario}.yaml)", *cells])


def _wrong(grid: Grid) -> Iterator[str]:
    found = [f"- {line}" for line in wrong(grid)]
    if found:
        yield "## Failed"
        yield "\n".join(found)


def _not_here(grid: Grid) -> Iterator[str]:
    if grid.notes:
        yield "## Not in this world"
        yield "\n".join(f"{number}. {reason}" for number, reason in enumerate(grid.notes, 1))
    if grid.lacks:
        yield "## Not run"
        yield "\n".join(f"- {reason}" for reason in grid.lacks)


def _explained(grid: Grid) -> Iterator[str]:
    """The differences that a mark stands for."""
    for why, mark in MARKS.items():
        found = [one for one in shared_differences(grid, explained=True) if one.difference.why is why]
        if found:
            title = LEGEND[why]
            yield f"## `{mark}` {title[0].upper()}{title[1:]}"
            headers = ("Scenario", "Port", "Report", *_SIDES[why], "In")
            yield "\n".join((_row(headers), _row(["---"] * len(headers)), *map(_row_of, found)))


_SIDES = {Why.RAW: ("Sockets", "Raw packets"), Why.WORLD: ("Other worlds", "Here")}


def _row_of(one: SharedDifference) -> str:
    found = one.difference
    columns = ", ".join(f"{column.world} {column.engine}" for column in one.columns)
    return _row((one.scenario, found.port, found.what, found.before, found.after, columns))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
