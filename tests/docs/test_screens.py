"""Reports on screens of 60 to 140 columns: no line is cut by the edge, and nothing is lost."""

import html
import re
from functools import cache

import pytest
from screens import SCREENS, THEMES, WIDTHS, picture, screen
from typed import typed

from probe.model.doctor_report import DoctorReport
from probe.model.report import Report
from probe.report.doctor_text import render_doctor
from probe.report.read import parse_any, parse_report
from probe.report.style import TextStyle
from probe.report.table import render_table
from probe.report.words import rows, verdict_words

COLOUR = re.compile(r"\x1b\[[0-9]*m")
# What stays in one line however long it is, so that it can be copied.
COMMAND = re.compile(r"^ +(?:fix|or): \w+# |^    bindprobe ")
SCANS = [name for name, (_, line, _) in SCREENS.items() if " doctor " not in line and "help" not in line]
ON_A_SCREEN = {"terminal": (True, True), "pipe": (False, False)}


@cache
def scanned(name: str) -> Report:
    """The report of a scan, as it is saved."""
    scenario, line, engine = SCREENS[name]
    words = [word for word in line.split() if word not in {"-v", "--all"}]
    return parse_report(typed(f"{' '.join(words)} --json", scenario, engine=engine).out.encode(), name)


def drawn(name: str, columns: int, kind: str) -> str:
    """The report of a scan as text, in detail where the screen is."""
    unicode, colour = ON_A_SCREEN[kind]
    line = SCREENS[name][1].split()
    style = TextStyle(columns, unicode=unicode, colour=colour, detail="-v" in line, every_row="--all" in line)
    return COLOUR.sub("", render_table(scanned(name), style))


def too_long(text: str, columns: int) -> list[str]:
    return [line for line in text.splitlines() if len(line) > columns and not COMMAND.match(line)]


@pytest.mark.parametrize("kind", ON_A_SCREEN)
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SCANS)
def test_no_line_of_a_scan_is_wider_than_the_screen(name: str, columns: int, kind: str) -> None:
    """Whatever is measured, on a terminal and in a pipe."""
    assert too_long(drawn(name, columns, kind), columns) == []


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", [name for name in SCREENS if name not in SCANS])
def test_no_other_line_is_wider_than_the_screen(name: str, columns: int) -> None:
    """The doctor's report, help, and the words of a report."""
    assert too_long(screen(name, columns, terminal=False), columns) == []


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SCANS)
def test_nothing_of_a_scan_is_lost(name: str, columns: int) -> None:
    """Every address, port, verdict and piece of advice is there; what is folded breaks at its hyphens."""
    report, text = scanned(name), drawn(name, columns, "pipe")
    flowing = " ".join(text.split())
    for address in report.addresses:
        assert address.address in text
        assert address.realm in text
    for port in report.ports:
        assert re.search(rf"\b{port.port}\b", text)
    for row in rows(report):
        for piece in re.split(r"(?<=-)| ", verdict_words(row, report.addresses)):
            assert piece in text
        assert all(advice.text.partition(": ")[2] in flowing for advice in row.verdict.advice)


def test_a_screen_that_is_too_narrow_would_be_seen() -> None:
    """A table of 80 columns has lines too long for 60; a command that is to be copied is let be."""
    assert too_long(drawn("demo", 80, "pipe"), 60)
    assert too_long("        fix: here# " + "x" * 80, 60) == []


def test_a_screen_is_drawn() -> None:
    """In colours and with a frame, at its width, light and dark."""
    shots = [picture("mistyped", 60, theme) for theme in THEMES]
    assert all("60\N{NO-BREAK SPACE}columns" in html.unescape(shot) for shot in shots)
    assert shots[0] != shots[1]
    assert "╭" in screen("docker", 100, terminal=True)
    assert "╭" not in screen("docker", 100, terminal=False)


def test_the_doctor_wraps_what_it_says() -> None:
    """A report of the doctor's at 60 columns has all of what it has at 140."""
    scenario, line, engine = SCREENS["doctor-tunnel"]
    report = parse_any(typed(f"{line} --json", scenario, engine=engine).out.encode(), "doctor")
    assert isinstance(report, DoctorReport)
    narrow, wide = (render_doctor(report, TextStyle(columns)) for columns in (60, 140))
    assert narrow.split() == wide.split()
    assert too_long(narrow, 60) == []
