"""scenarios/README.md is what `make table` printed, and still what the scenarios are."""

import re
from functools import cache
from pathlib import Path

import pytest

from probe.lab.check import why_not_in
from probe.lab.files import find_scenario, scenario_paths
from worlds_table.build import columns_of

TOP = Path(__file__).parents[2]
PAGE = TOP / "scenarios" / "README.md"
LINE = re.compile(r"^\| \[([^]]+)\]\(([^)]+)\) \| (.+) \|$", re.MULTILINE)
NOTE = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
FOUND = re.compile(r"ok \d+( [+*]+)?")
COLUMNS = columns_of(None, None)
REFRESH = "the page is old: make it again by `make table`"


@cache
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def cells() -> dict[str, list[str]]:
    return {name: text.split(" | ") for name, _, text in LINE.findall(page())}


def test_every_scenario_stands_there_once() -> None:
    """In the order of the files, each with a link to its file."""
    lines = LINE.findall(page())
    assert [name for name, _, _ in lines] == list(scenario_paths()), REFRESH
    assert [link for _, link, _ in lines] == [f"{name}.yaml" for name in scenario_paths()]
    headers = " | ".join(f"{column.world} {column.engine}" for column in COLUMNS)
    assert f"| Scenario | {headers} |" in page()


@pytest.mark.parametrize("name", scenario_paths())
def test_cells(name: str) -> None:
    """What is not in a world shows why, as the code does; whatever else is ok, and nothing was left out."""
    notes = dict(NOTE.findall(page()))
    scenario = find_scenario(name)
    row = cells().get(name, [])
    assert len(row) == len(COLUMNS), REFRESH
    for column, cell in zip(COLUMNS, row, strict=True):
        why_not = why_not_in(scenario, column.world)
        if why_not is None:
            assert FOUND.fullmatch(cell), (column, cell)
        else:
            assert notes.get(cell.strip("()")) == why_not, (column, cell, REFRESH)


def expectations(name: str) -> int:
    """How many a scenario has of sockets alone."""
    one = find_scenario(name)
    of_ports = [getattr(port, field) for port in one.expect.values() for field in port.__struct_fields__]
    values = [value for value in of_ports if value is not None]
    counts = [len(value) if isinstance(value, dict) else 1 for value in values]
    return sum(counts) + len(one.expect_addresses) + len(one.expect_causes)


@pytest.mark.parametrize("name", scenario_paths())
def test_expectations_are_as_many(name: str) -> None:
    """The page's numbers are those of the files: what was added since has been run."""
    counts = {
        cell.split()[1]
        for column, cell in zip(COLUMNS, cells().get(name, []), strict=True)
        if column.engine == "connect" and cell.startswith("ok")
    }
    assert counts == {str(expectations(name))}, REFRESH


def test_the_page_is_no_scenario() -> None:
    """It stands beside the scenarios, and is none: not for the lab, not in a wheel, not in an image."""
    assert "README" not in scenario_paths()
    assert '"/scenarios/*.yaml"' in (TOP / "pyproject.toml").read_text(encoding="utf-8")
    ignored = (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored.index("!scenarios") < ignored.index("scenarios/README.md")  # the last that fits decides
