"""The table scenario by world and engine: what stands in a cell, below the table, and on the page."""

from collections.abc import Iterator

import pytest

from probe.lab.result import CheckResult, ExpectationRow, ReportedValue
from worlds_table.differences import Why
from worlds_table.grid import Grid, GridColumn, Standing, cell_text, make_grid, shared_differences, summary
from worlds_table.markdown import render_page
from worlds_table.text import render_grid

COLUMNS = tuple(
    GridColumn(world, engine) for world in ("sim", "netns", "compose") for engine in ("connect", "raw")
)
MET = ExpectationRow("80", "binding", "wildcard", "wildcard")
MISSED = ExpectationRow("80", "via", "direct", "forward")
NO_MEMORY, NO_TUN = "memory has no tunnels", "not installed: openvpn"
LEFT_OUT = {
    "plain": {},
    "tunnel": {"sim": (Standing.ELSEWHERE, NO_MEMORY), "netns": (Standing.NOT_RUN, NO_TUN)},
    "other-tunnel": {"sim": (Standing.ELSEWHERE, NO_MEMORY)},
}


def result(scenario: str, column: GridColumn, via: str = "direct", **more: object) -> CheckResult:
    rows, error = more.get("rows", (MET,)), more.get("error")
    values = (
        ReportedValue("80", "bound by", str(more.get("bound_by", "-"))),
        ReportedValue("80", "via", via),
    )
    return CheckResult(scenario, column.world, column.engine, rows, 0.1, values, error)


def plain(**changed: dict[str, object]) -> list[CheckResult]:
    """The results of one scenario in every column, some of them changed: `netns_raw={"via": "proxy"}`."""
    return [result("plain", one, **changed.get(f"{one.world}_{one.engine}", {})) for one in reversed(COLUMNS)]


def grid(*results: CheckResult, lacking: dict[str, str] | None = None) -> Grid:
    return make_grid(COLUMNS, {name: LEFT_OUT[name] for name in LEFT_OUT}, results, lacking or {})


def row(table: Grid, scenario: str = "plain") -> list[str]:
    (line,) = [line for line in table.lines if line.scenario == scenario]
    return [cell_text(cell, table.notes) for cell in line.cells]


def test_equal_cells() -> None:
    """Everything is met and alike: only the number stands there, in the order of the columns."""
    table = grid(*plain())
    assert row(table) == ["ok 1"] * 6
    assert table.ok
    assert table.count(Standing.EQUAL) == 6


def test_cells_that_were_not_run() -> None:
    """Not in this world is a number, what this machine lacks is not run; neither is ok, neither is wrong."""
    table = grid(*plain(), lacking={"compose": "no Docker"})
    assert row(table, "tunnel") == ["(1)", "(1)", *["not run"] * 4]
    assert table.notes == (NO_MEMORY,)
    assert table.lacks == (NO_TUN, "no Docker", "it was not run")
    assert table.ok
    counts = [table.count(standing) for standing in Standing]
    assert counts == [6, 0, 0, 0, 4, 8]
    assert summary(table).startswith("3 scenarios in 6 columns, 18 cells: 6 equal, 0 explained, 0 different")


# what of a cell is changed: its text, its standing
CHANGES = [
    ({"bound_by": "device"}, "ok 1 +", Standing.EXPLAINED),
    ({"via": "proxy"}, "DIFFERS 1", Standing.DIFFERENT),
    ({"rows": (MET, MISSED)}, "FAILED 1/2", Standing.FAILED),
    ({"rows": (), "error": "the hosts do not get ready"}, "FAILED 0/0", Standing.FAILED),
]


@pytest.mark.parametrize(("change", "text", "standing"), CHANGES, ids=[text for _, text, _ in CHANGES])
def test_a_cell_that_is_not_like_the_others(change: dict[str, object], text: str, standing: Standing) -> None:
    """It stands out, and is wrong unless something explains it."""
    table = make_grid(COLUMNS[:2], {"plain": {}}, plain(sim_raw=change)[-2:], {})
    assert row(table) == ["ok 1", text]
    assert table.count(standing) == 1
    assert table.ok == (standing is Standing.EXPLAINED)


def test_a_difference_in_one_world() -> None:
    """It is listed once, with the columns that have it."""
    table = grid(*plain(netns_connect={"via": "proxy"}, netns_raw={"via": "proxy"}))
    assert row(table) == ["ok 1", "ok 1", "DIFFERS 1", "DIFFERS 1", "ok 1", "ok 1"]
    (one,) = shared_differences(table, explained=False)
    assert (one.scenario, one.difference.before, one.difference.after) == ("plain", "direct", "proxy")
    assert [column.engine for column in one.columns] == ["connect", "raw"]
    assert shared_differences(table, explained=True) == []


def explained() -> Grid:
    """Raw packets show more everywhere, and in containers what the file expects of them there."""
    device = {"bound_by": "device"}
    expected = ExpectationRow("80", "via", "forward", "forward")
    contained = {**device, "via": "forward", "rows": (expected,)}
    usual = {**device, "rows": (ExpectationRow("80", "via", "direct", "direct"),)}
    return grid(*plain(sim_raw=usual, netns_raw=usual, compose_raw=contained))


def test_both_marks() -> None:
    """One for what raw packets show, one for what a world does."""
    assert row(explained()) == ["ok 1", "ok 1 +", "ok 1", "ok 1 +", "ok 1", "ok 1 +*"]
    whys = {one.difference.why for one in shared_differences(explained(), explained=True)}
    assert whys == {Why.RAW, Why.WORLD}


def wrong() -> Grid:
    changes = {
        change: CHANGES[at][0] for change, at in (("sim_connect", 2), ("netns_raw", 1), ("sim_raw", 3))
    }
    return grid(*plain(**changes), lacking={"compose": "no Docker"})


def sections(text: str) -> Iterator[str]:
    yield from (line for line in text.splitlines() if line.startswith("## "))


def test_text_shows_what_is_wrong() -> None:
    """Missed expectations, errors and differences stand below the table, whatever is asked for."""
    text = render_grid(wrong())
    assert "FAILED: plain, sim connect: 80 via: expected direct, found forward" in text
    assert "plain                       FAILED   FAILED   ok 1     DIFFERS  ok 1     DIFFERS\n" in text
    assert "FAILED: plain, sim raw: the hosts do not get ready" in text
    assert "DIFFERS: plain, netns raw: 80 via: direct elsewhere, proxy here" in text
    assert "(1) not in this world: memory has no tunnels" in text
    assert "not run: no Docker" in text
    assert max(map(len, text.splitlines())) <= 80
    assert text.endswith("8 not run\n")


def test_text_has_the_explained_where_asked() -> None:
    """Without, a legend of the marks is enough; a table without marks has none."""
    assert "bound by" not in render_grid(explained())
    assert "80 bound by: - elsewhere, device here" in render_grid(explained(), detail=True).replace(
        "\n    ", " "
    )
    assert "\n+ raw packets" in render_grid(explained())
    assert "\n* the file" in render_grid(explained())
    assert "\n+ " not in render_grid(grid(*plain()))


def test_the_page() -> None:
    """Links, notes and differences in Markdown; what is nowhere has no section."""
    page = render_page(explained(), "2026-11-22", "a | machine")
    assert "Measured on 2026-11-22:\na | machine." in page
    assert "| [plain](plain.yaml) | ok 1 | ok 1 + | ok 1 | ok 1 + | ok 1 | ok 1 +* |" in page
    assert "1. memory has no tunnels" in page
    assert "- not installed: openvpn" in page
    assert "| plain | 80 | bound by | - | device | sim raw, netns raw, compose raw |" in page
    assert "| plain | 80 | via | direct | forward | compose raw |" in page
    assert len(list(sections(page))) == 4
    alone = make_grid(COLUMNS[:1], {"plain": {}}, plain()[-1:], {})
    assert list(sections(render_page(alone, "2026-11-22", "x"))) == []


def test_the_page_shows_what_failed() -> None:
    """Each cell that failed has its reason there too."""
    page = render_page(wrong(), "2026-11-22", "x")
    assert "## Failed\n\n- FAILED: plain, sim connect: 80 via: expected direct, found forward\n" in page
    assert "- FAILED: plain, sim raw: the hosts do not get ready\n" in page


def test_pipes_in_cells() -> None:
    """A state with a bar in its name does not break the table."""
    open_filtered = {"via": "open|filtered"}
    table = make_grid(COLUMNS[:2], {"plain": {}}, plain(sim_raw={**open_filtered, "rows": ()})[-2:], {})
    assert "open|filtered here" in render_grid(table)
    expected = ExpectationRow("80", "via", "open|filtered", "open|filtered")
    table = make_grid(
        COLUMNS[:2], {"plain": {}}, plain(sim_raw={**open_filtered, "rows": (expected,)})[-2:], {}
    )
    assert "open\\|filtered" in render_page(table, "x", "y")
