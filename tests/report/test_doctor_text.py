"""The doctor's text: complete, readable without colour, harmless, within the width."""

import re
from textwrap import wrap
from typing import Any

import pytest
from msgspec import convert, to_builtins
from sample_diagnoses import EVERY, HOSTILE, KEY, MANY, NEVER, TYPICAL, UNSURE, WELL, reported

from probe.explain.causes import MEANINGS
from probe.model.diagnosis import Cause
from probe.model.doctor_report import DoctorReport
from probe.report.doctor_text import render_doctor
from probe.report.style import TextStyle

COLOUR = re.compile("\x1b\\[[0-9]*m")

REPEATED = 8  # times that a rule stands for its sentence: more than a line


def by_rules(text: str) -> str:
    """What stands in the place of a sentence: the layout is the same whatever the sentence."""
    return " ".join([text] * REPEATED)


def without_sentences(report: DoctorReport) -> DoctorReport:
    """The report with each sentence replaced by its rule; commands stay."""
    return convert(_replaced(to_builtins(report)), DoctorReport)


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _replaced(one) for key, one in value.items()}
        return inner | (
            {"text": by_rules(value["rule"])} if "rule" in value and "command" not in value else {}
        )
    return [_replaced(one) for one in value] if isinstance(value, (list, tuple)) else value


def page(*blocks: tuple[str, str, str]) -> list[str]:
    """Lines of wrapped texts, each with the indent of its first line and of the others."""
    return [
        line
        for first, text, rest in blocks
        for line in wrap(text, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
    ]


def test_a_typical_report() -> None:
    """Machine, a well address in one line, a troubled one with its causes, and how many are well."""
    body, deep = " " * 28, " " * 8
    sentence = by_rules
    assert render_doctor(without_sentences(TYPICAL)).splitlines() == [
        "This machine",
        *page(
            ("  skipped  raw packets      ", sentence("raw-not-permitted"), body),
            (f"{body}fix: ", sentence("permit-raw-packets"), f"{body}     "),
            ("  ok       IPv4 route       ", sentence("default-route"), body),
            ("  warn     tunnel wg0       ", sentence("tunnel-peers"), body),
            (f"{body}fix: ", sentence("check-peer"), f"{body}     "),
            ("  fail     name resolution  ", sentence("no-name-server"), body),
            (f"{body}fix: ", sentence("set-name-server"), f"{body}     "),
        ),
        "",
        "192.168.77.10  lan  clear  well (>99%)",
        "",
        "10.88.0.10  vpn  tunnel-down",
        *page(
            ("   91%  handshake-never: ", MEANINGS[Cause.HANDSHAKE_NEVER], deep),
            (f"{deep}- ", sentence("handshake-never"), f"{deep}  "),
            (f"{deep}- ", sentence("endpoint-refuses"), f"{deep}  "),
            (f"{deep}fix: ", sentence("check-far-end"), f"{deep}     "),
        ),
        f"{deep}fix: here# wg set wg0 peer {KEY} allowed-ips 10.88.0.0/24,10.88.0.10/32",
        f"{deep}fix: target# ip link set wg0 up",
        *page(
            ("    6%  path-firewall: ", MEANINGS[Cause.PATH_FIREWALL], deep),
            (f"{deep}- ", sentence("nothing-received"), f"{deep}  "),
        ),
        f"{deep}2 causes below 5%",
        "",
        "1 of 2 addresses are well; 2.1 s",
    ]


def test_what_was_measured_is_one_paragraph() -> None:
    """Below the address, each fact after a semicolon."""
    lines = render_doctor(without_sentences(EVERY["port"])).splitlines()
    first = lines.index("10.88.0.10  vpn  clear") + 1
    expected = page(("  ", f"{by_rules('ping-silent')}; {by_rules('no-hop')}", "  "))
    assert lines[first : first + len(expected)] == expected


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_stay_within_the_width(name: str, width: int) -> None:
    """No line is left to wrap by itself, but for commands: these can be copied."""
    lines = render_doctor(EVERY[name], TextStyle(width=width)).splitlines()
    assert [line for line in lines if len(line) > width and "# " not in line] == []


@pytest.mark.parametrize("name", EVERY)
def test_colour_changes_no_word(name: str) -> None:
    """Without its colour codes a coloured report is the plain one."""
    coloured = render_doctor(EVERY[name], TextStyle(colour=True))
    assert COLOUR.sub("", coloured) == render_doctor(EVERY[name])


def test_colours() -> None:
    """Status, cause and `well` are coloured; what was skipped is not."""
    coloured = render_doctor(TYPICAL, TextStyle(colour=True))
    assert "\x1b[32mok\x1b[0m " in coloured
    assert "\x1b[31mfail\x1b[0m " in coloured
    assert "\x1b[31mhandshake-never\x1b[0m:" in coloured
    assert "\x1b[32mwell\x1b[0m" in coloured
    assert "  skipped  " in coloured


@pytest.mark.parametrize(
    ("report", "last"),
    [
        (reported(WELL), "1 of 1 address is well; 2.1 s"),
        (reported(WELL, NEVER, UNSURE), "2 of 3 addresses are well; 2.1 s"),
        (EVERY["machine"], "1 check failed; 2.1 s"),
        (EVERY["two failed"], "2 checks failed; 2.1 s"),
        (EVERY["nothing failed"], "Nothing on this machine is broken; 2.1 s"),
        (
            EVERY["interrupted"],
            "Interrupted: this is what was found until then; what is missing was not\nexamined.",
        ),
    ],
)
def test_the_last_line_sums_up(report, last: str) -> None:
    """How many addresses are well, or checks failed; an interrupted report claims nothing."""
    assert render_doctor(report).endswith(f"{last}\n")


def test_doubts_about_a_well_address_are_shown() -> None:
    """Where another cause is possible, a well address is no single line; a name stands beside its address."""
    text = render_doctor(reported(UNSURE))
    assert "203.0.113.10 (host.example.org)  public  clear\n   70%  none: nothing seems wrong\n" in text
    assert "   30%  mtu-black-hole: " in text
    assert "below" not in text


def test_the_first_cause_is_shown_however_improbable() -> None:
    """Where no cause reaches the limit, the first is shown and the others are counted."""
    text = render_doctor(reported(MANY))
    assert "link-down" in text
    assert f"{len(Cause) - 1} causes below 5%" in text
    causes = NEVER.causes[:1], NEVER.causes[2:3]
    (first,), (second,) = causes
    assert "1 cause below 5%" in render_doctor(
        reported(type(NEVER)(NEVER.address, NEVER.condition, (first, second)))
    )


def test_control_characters_never_reach_the_terminal() -> None:
    """What the network and the machine sent is shown escaped."""
    text = render_doctor(EVERY["hostile"])
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\x1b[2J" in text
    assert "\\u202e" in text
    assert HOSTILE.address.name not in text
