"""The table: every fact in it, nothing wider than the screen, readable without colour."""

import re

import pytest
from sample_reports import (
    ADMIN,
    EIGHT,
    EMPTY,
    EVIL,
    LAN,
    LARGE,
    LOOPBACK_OR_NOTHING,
    OPEN,
    PUBLIC,
    RAW,
    RESET,
    SILENT,
    TYPICAL,
    UNDETERMINED,
    VPN,
    WILDCARD,
    address,
    observation,
    port,
    report,
    rest,
)

from probe.model.binding import Binding, Condition, Via
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.probing import Reason
from probe.report.markdown import render_markdown
from probe.report.style import TextStyle
from probe.report.table import render_table
from probe.report.words import OWNERS

COLOUR = re.compile("\x1b\\[[0-9]*m")


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("style", [TextStyle(), TextStyle(unicode=True), TextStyle(detail=True)])
def test_one_to_eight_addresses_fit_eighty_columns(count: int, style: TextStyle) -> None:
    """However many addresses: no line over 80 columns, every address, state and verdict there."""
    places = EIGHT[:count]
    reasons = [(OPEN, RESET, SILENT, ADMIN)[number % 4] for number in range(count)]
    text = render_table(
        report(
            [
                port(5432, [RESET] * count, Binding.LOOPBACK_OR_NOT_LISTENING, places, service="postgresql"),
                port(8000, reasons, Binding.SPECIFIC, places, bound_to=(places[0][1],), why="word " * 40),
            ],
            places,
        ),
        style,
    )
    assert widest(text) <= 80
    assert all(place[1] in text for place in places)
    assert "loopback-or-" in text
    assert "not-listening" in text
    assert "specific: " in text
    assert text.count("closed rst") >= count


def test_the_facts_are_there() -> None:
    """A typical report: states with marks, verdicts, confidence, reasons, all in plain characters."""
    text = render_table(TYPICAL)
    for fact in ("filtered *", "filtered !X", "not measured -", "closed rst", "open", ">99%", "98%", "92%"):
        assert fact in text
    for fact in ("specific: lan", "wildcard", "undetermined", "5432/tcp postgresql: why of"):
        assert fact in text
    assert "* = no answer" in text
    assert "!X = ICMP administratively prohibited" in text
    assert text.isascii()


def test_advice_comes_by_urgency() -> None:
    """Below the table stands what to do, most important first."""
    text = render_table(TYPICAL)
    assert text.index("1. bring the tunnel up") < text.index("2. 5432/tcp (postgresql) is not reachable")


def test_unclear_paths_show_their_evidence() -> None:
    """An address whose path is not clear is named with its condition and why; a clear one is not."""
    section = render_table(TYPICAL).split("Paths that are not clear")[1]
    assert "vpn 10.88.0.10: tunnel-down" in section
    assert "- no handshake for an hour" in section
    assert "192.168.77.10" not in section


def test_an_address_of_another_has_its_line() -> None:
    """Who answers stands by itself, and not once more with the path."""
    owned = AddressEvidence(rule=AddressRule.GATEWAY_ANSWERS, text="a gateway has it")
    hops = AddressEvidence(rule=AddressRule.DISTANCE, text="answers from afar")
    places = (address(LAN), address(PUBLIC, Condition.NOT_FORWARDED, evidence=(owned, hops)))
    whole = report([port(53, (OPEN, OPEN), places=(LAN, PUBLIC), via=Via.GATEWAY)], addresses=places)
    table, markdown = render_table(whole), render_markdown(whole)
    assert f"{OWNERS}\n  public 203.0.113.10: a gateway has it" in table
    assert f"## {OWNERS}\n\n- public 203.0.113.10: a gateway has it" in markdown
    assert [text.count("a gateway has it") for text in (table, markdown)] == [1, 1]
    assert [text.count("answers from afar") for text in (table, markdown)] == [1, 1]
    assert "wildcard via gateway" in table
    assert OWNERS not in render_table(report([])) + render_markdown(report([]))


def test_an_address_that_was_not_reached_is_marked_above_its_answers() -> None:
    """The condition stands below the address, in a column of the table as in Markdown; others have none."""
    head = render_table(TYPICAL).split("22/tcp")[0]
    assert head.count("(tunnel-down)") == 1
    assert " | vpn 10.88.0.10 (tunnel-down) |" in render_markdown(TYPICAL)


def test_a_clear_report_has_no_such_sections() -> None:
    """Nothing to do and nothing odd: no empty headings."""
    text = render_table(report([WILDCARD]))
    assert "What to do" not in text
    assert "Paths" not in text


def test_a_wide_screen_shows_why_beside_the_verdict() -> None:
    """Where there is room, the reason is a column, and box drawing frames the table."""
    text = render_table(TYPICAL, TextStyle(width=160, unicode=True))
    assert "\n╭" in text
    assert "│ why" in text
    assert "5432/tcp postgresql: why" not in text


def test_ports_with_the_same_reason_share_a_line() -> None:
    """Where the reason stands below the table, ports with the same reason share a line."""
    reason = "refused by something far too long to stand in a column of its own"
    alike = [port(n, (RESET, RESET, RESET), why=reason, service="name") for n in (21, 22, 23)]
    text = render_table(report([*alike, port(24, (RESET, RESET, RESET), why="", service="a-long-name")]))
    assert f"21-23/tcp: {reason[:40]}" in text
    assert "24/tcp:" not in text


def test_groups_of_ports_are_shown() -> None:
    """Ports that need no row each appear as a group, with the full list below a short label."""
    text = render_table(LARGE)
    assert "3,990 others/tcp" in text
    assert "3,990 others/tcp: 1-21, 23-79, 90-4000, 5000" in text
    assert "53,67/tcp" in text
    assert "not-listening" in text


def test_an_interrupted_scan_is_marked() -> None:
    """What is missing was not measured, and an empty report is no empty page."""
    text = render_table(EMPTY)
    assert text.startswith("Interrupted")
    assert "No port was measured" in text


def test_detail_adds_evidence_and_cost() -> None:
    """With detail: evidence, what was not excluded, and what the scan cost."""
    text = render_table(TYPICAL, TextStyle(detail=True))
    assert "- refused by the host itself" in text
    assert "not excluded: bound to 192.168.77.11 only" in text
    assert "30 probes sent, 28 answered, 2 resent" in text
    assert render_table(EMPTY, TextStyle(detail=True)).endswith("0.8 s\n")


def test_colour_changes_no_word_and_no_width() -> None:
    """Without its colour codes a coloured table is the plain one."""
    coloured = render_table(TYPICAL, TextStyle(colour=True))
    assert COLOUR.sub("", coloured) == render_table(TYPICAL)


def test_colours_mean_something() -> None:
    """What is exposed, blocked and open to doubt; all else is plain, and no colour runs on."""
    blocked = observation(VPN, SILENT, condition=Condition.DROPPED)
    one = port(
        6379,
        [OPEN, SILENT],
        Binding.UNDETERMINED,
        (LAN, VPN),
        private=True,
        via=Via.FORWARD,
        observations=(observation(LAN, OPEN), blocked),
    )
    plain = port(22, [OPEN, RESET], places=(LAN, VPN))
    text = render_table(report([one, plain], (LAN, VPN)), TextStyle(width=60, colour=True))
    assert "\x1b[31mopen\x1b[0m" in text
    assert "\x1b[33mfiltered *\x1b[0m" in text
    assert "\x1b[35mundetermined\x1b[0m" in text
    assert "\x1b[31mExposed:\x1b[0m" in text
    assert "\x1b[33mBlocked:\x1b[0m" in text
    assert all(line.count("\x1b[0m") * 2 == line.count("\x1b") for line in text.splitlines())
    assert "closed rst\x1b" not in text


def test_control_characters_never_reach_the_terminal() -> None:
    """What the network sent is shown escaped."""
    for style in (TextStyle(detail=True), TextStyle(width=30)):
        text = render_table(EVIL, style)
        assert all(line.isprintable() for line in text.splitlines())
        assert "\\x1b[2J" in text


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (port(53, (OPEN, OPEN, OPEN), via=Via.FORWARD), "wildcard via forward"),
        (port(53, (OPEN, OPEN, OPEN), Binding.SPECIFIC, bound_to=("192.0.2.7",)), "specific: 192.0.2.7"),
        (port(53, (OPEN, OPEN, OPEN), Binding.SPECIFIC), "specific "),
        (port(53, (Reason.REFUSED, OPEN, OPEN)), "closed ref"),
        (port(53, (OPEN, OPEN, OPEN), confidence=0.001), "<1%"),
        (port(53, (OPEN, OPEN, OPEN), confidence=1.0), ">99%"),
        (port(53, (OPEN, OPEN, OPEN), observations=()), "not measured"),
        (rest("1-3"), "1-3/tcp"),
    ],
)
def test_words_of_single_rows(made, words: str) -> None:
    """Forwarding, unknown addresses, weak reasons and the ends of the scale have their words."""
    whole = report([made]) if hasattr(made, "port") else report([], rest=(made,))
    assert words in render_table(whole, TextStyle(width=120))


def test_what_raw_packets_added_is_shown() -> None:
    """A port bound by device shows it; an answer that no program here got has a mark that is explained."""
    text = render_table(RAW, TextStyle(width=120))
    assert "specific: lan (by device)" in text
    assert "open ^" in text
    assert "^ = received by raw packets only" in text
    assert "^" not in render_table(TYPICAL)
    assert render_table(TYPICAL).count("* = no answer") == 1


def test_one_family_of_two_is_named() -> None:
    """A wildcard seen over one family only shows which, where both were probed."""
    places = (EIGHT[0], EIGHT[4])
    text = render_table(report([port(80, (OPEN, RESET), places=places, families=(4,))], places))
    assert "wildcard (IPv4)" in text


def test_an_undetermined_port_has_no_confidence() -> None:
    """Nothing is claimed, so nothing is sure: in the table and in blocks."""
    silent = report([port(22, (SILENT,) * 3, Binding.UNDETERMINED, why="")])
    assert " sure" not in render_table(silent, TextStyle(width=40)).split("\n\n")[0]
    assert " sure" not in render_table(report([UNDETERMINED]), TextStyle(width=40)).split("\n\n")[0]
    assert "92% sure" in render_table(report([LOOPBACK_OR_NOTHING]), TextStyle(width=40))
