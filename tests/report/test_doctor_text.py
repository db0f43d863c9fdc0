"""The doctor's text: complete, readable without colour, harmless, within the width."""

import re
from dataclasses import replace
from textwrap import wrap
from typing import Any

import pytest
from msgspec import convert, structs, to_builtins
from sample_diagnoses import (
    CHECKS,
    EVERY,
    FACTS,
    HOSTILE,
    KEY,
    MANY,
    MEASURED,
    NEVER,
    TYPICAL,
    UNSURE,
    WELL,
    reported,
)

from probe.explain.causes import MEANINGS
from probe.model.binding import Condition
from probe.model.diagnosis import Cause, Diagnosis, Look, Proposal, RootWouldShow
from probe.model.doctor_report import DoctorReport
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import FirewallTool
from probe.model.target import Port, Protocol
from probe.report.doctor_document import assemble_doctor
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
    """The check that bears on a cause, a well address in one line, a troubled one with its causes."""
    body, deep = " " * 23, " " * 8
    sentence = by_rules
    assert render_doctor(without_sentences(TYPICAL)).splitlines() == [
        *page(("", f"vpn 10.88.0.10: {MEANINGS[Cause.HANDSHAKE_NEVER]} (91%)", "  ")),
        "",
        "This machine",
        *page(
            ("  warn     tunnel wg0  ", sentence("tunnel-peers"), body),
            (f"{body}fix: ", sentence("check-peer"), f"{body}     "),
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


def test_in_detail_every_check_is_shown() -> None:
    """And of an address that is well, what was measured on it."""
    body = " " * 28
    lines = render_doctor(without_sentences(TYPICAL), TextStyle(detail=True)).splitlines()
    expected = page(
        ("  skipped  raw packets      ", by_rules("raw-not-permitted"), body),
        (f"{body}fix: ", by_rules("permit-raw-packets"), f"{body}     "),
        ("  ok       IPv4 route       ", by_rules("default-route"), body),
        ("  warn     tunnel wg0       ", by_rules("tunnel-peers"), body),
        (f"{body}fix: ", by_rules("check-peer"), f"{body}     "),
        ("  fail     name resolution  ", by_rules("no-name-server"), body),
        (f"{body}fix: ", by_rules("set-name-server"), f"{body}     "),
    )
    first = lines.index("This machine") + 1
    assert lines[first : len(expected) + first] == expected
    measured = without_sentences(reported(replace(WELL, measured=MEASURED)))
    shown = page(("  ", f"{by_rules('ping-silent')}; {by_rules('no-hop')}", "  "))
    assert render_doctor(measured, TextStyle(detail=True)).splitlines()[-2 - len(shown) : -2] == shown
    assert "ping-silent" not in render_doctor(measured)


def test_addresses_that_are_well_stand_together() -> None:
    """A line each, and a section for each of the others."""
    lines = render_doctor(reported(WELL, WELL, NEVER, WELL, checks=())).splitlines()
    first = "192.168.77.10  lan  clear  well (>99%)"
    assert lines[:4] == [first, first, "", "10.88.0.10  vpn  tunnel-down"]
    assert lines[-4:] == ["", first, "", "3 of 4 addresses are well; 2.1 s"]


def test_a_cause_of_some_ports_names_them() -> None:
    """Behind the cause; more than three are counted."""
    ports = tuple(Port(Protocol.TCP, number) for number in (22, 80, 443, 8000))
    few = replace(NEVER.causes[0], ports=ports[:2]), replace(NEVER.causes[1], ports=ports)
    text = render_doctor(reported(replace(NEVER, causes=few)))
    assert "handshake-never (22/tcp, 80/tcp): " in text
    assert "path-firewall (22/tcp, 80/tcp, 443/tcp and 1 more): " in text


def test_commands_for_other_tools_are_alternatives() -> None:
    """The first is the fix, the others stand for it; what follows them is a fix again."""

    def accept(tool: FirewallTool, command: str) -> Fix:
        return Fix(rule=FixRule.ACCEPT_AT_TARGET, place=Place.TARGET, firewalls=(tool,), command=command)

    fixes = (
        accept(FirewallTool.UFW, "ufw one"),
        accept(FirewallTool.UFW, "ufw two"),
        accept(FirewallTool.NFT, "nft one"),
        Fix(rule=FixRule.ALLOW_ICMP),
    )
    text = render_doctor(reported(replace(NEVER, causes=(replace(NEVER.causes[0], fix=fixes),)), checks=()))
    heads = [line.strip()[:20] for line in text.splitlines() if line.strip().startswith(("fix:", "or:"))]
    assert heads == [
        "fix: target# ufw one",
        "fix: target# ufw two",
        "or: target# nft one",
        "fix: or allow ICMP '",
    ]


def test_what_root_would_show_stands_last() -> None:
    """In one line below the causes."""
    shown = RootWouldShow(looks=(Look.PACKET_FILTER,), causes=(Cause.LOCAL_FIREWALL, Cause.HOST_DOWN))
    lines = render_doctor(reported(replace(NEVER, as_root=shown)), TextStyle(width=120)).splitlines()
    assert lines[-3] == (
        "  sudo would show this machine's packet filter, which separates local-firewall and host-down"
    )


def test_without_an_address_some_are_proposed() -> None:
    """Those behind the tunnels, as a command."""
    proposed = (Proposal(interface="wg0", addresses=("10.88.0.1",)),)
    report = assemble_doctor(Diagnosis(CHECKS, proposed=proposed), FACTS)
    assert "\n\nTo check the tunnel wg0: bindprobe doctor --vpn 10.88.0.1\n\n" in render_doctor(report)
    narrow = render_doctor(report, TextStyle(width=40))
    assert "\n\nTo check the tunnel wg0:\n  bindprobe doctor --vpn 10.88.0.1\n\n" in narrow


def test_without_an_address_a_healthy_machine_is_a_line() -> None:
    """What warns or failed is shown, and all of it in detail; what was skipped may be."""
    assert render_doctor(reported(checks=CHECKS[:2])).count("\n") == 1
    shown = render_doctor(EVERY["two failed"])
    assert [status in shown for status in ("  fail  ", "  warn  ", "  ok  ", "  skipped  ")] == [
        True,
        True,
        False,
        False,
    ]
    everything = render_doctor(EVERY["two failed"], TextStyle(detail=True))
    assert everything.count("  ok  ") > 0
    assert everything.endswith("2 of 5 checks failed; 2.1 s\n")


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


def test_the_answer_comes_first() -> None:
    """Up to three addresses with their likeliest cause, then the number of others; all well needs no line."""
    first = render_doctor(reported(*[NEVER] * 5)).partition("\n\n")[0].splitlines()
    assert sum("peer never answered" in line for line in first) == 3
    assert first[-1] == "2 more are not well"
    assert render_doctor(reported(WELL)).startswith("192.168.77.10")


def test_a_condition_of_the_target_s_choice_is_no_well() -> None:
    """Beside a condition that is not clear an address is without fault, not well."""
    address = structs.replace(reported(WELL).addresses[0], condition=Condition.NOT_FORWARDED)
    lines = render_doctor(structs.replace(reported(WELL), addresses=(address,))).splitlines()
    assert "192.168.77.10  lan  not-forwarded  no-fault (>99%)" in lines


def test_colours() -> None:
    """Status, cause and `well` are coloured; what was skipped is not."""
    coloured = render_doctor(TYPICAL, TextStyle(colour=True, detail=True))
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
        (EVERY["machine"], "1 of 4 checks failed (-v shows all); 2.1 s"),
        (EVERY["two failed"], "2 of 5 checks failed (-v shows all); 2.1 s"),
        (EVERY["nothing failed"], "Nothing on this machine is broken: 3 checks (-v shows all); 2.1 s"),
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
