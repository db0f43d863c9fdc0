"""The doctor's text: complete, readable without colour, harmless, within the width."""

import re

import pytest
from sample_diagnoses import EVERY, HOSTILE, MANY, NEVER, TYPICAL, UNSURE, WELL, told

from probe.model.diagnosis import Cause
from probe.report.cause_words import MEANINGS
from probe.report.doctor_text import render_doctor
from probe.report.style import TextStyle

COLOUR = re.compile("\x1b\\[[0-9]*m")

TYPICAL_TEXT = """\
This machine
  skipped  raw packets      not permitted
                            fix: run bindprobe with sudo
  ok       IPv4 route       default route: eth0 by way of 192.168.77.1
  warn     tunnel wg0       wireguard, up, 10.88.0.2/24; peer kGbVK5wz, never
                            shook hands, allowed IPs 10.88.0.0/24, endpoint
                            203.0.113.7:51820
                            fix: see that the endpoint runs WireGuard
  fail     name resolution  no name server
                            fix: name one in /etc/resolv.conf

192.168.77.10  lan  clear  well (>99%)

10.88.0.10  vpn  tunnel-down
   91%  handshake-never: the WireGuard peer never answered: wrong key or
        endpoint, or its port is blocked
        - the peer for 10.88.0.10 never shook hands, and the tunnel sent 592
          bytes
        - 203.0.113.7 answers a datagram to port 51820 with port-unreach:
          nothing listens there
        fix: start WireGuard at 203.0.113.7
        fix: here# wg set wg0 peer kGbVK5wzTvYyNzJHYw3WvEPlJTYtTM8dKDvQ2mIxwHA= endpoint HOST:51820
        fix: target# wg-quick up wg0
    6%  path-firewall: a box on the way drops or rejects
        - nothing came back
        2 causes below 5%

1 of 2 addresses are well; 2.1 s
"""


def test_a_typical_report() -> None:
    """Machine, a well address in one line, a troubled one with its causes, and how many are well."""
    assert render_doctor(TYPICAL) == TYPICAL_TEXT


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
        (told(WELL), "1 of 1 address is well; 2.1 s"),
        (told(WELL, NEVER, UNSURE), "2 of 3 addresses are well; 2.1 s"),
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
    text = render_doctor(told(UNSURE))
    assert "203.0.113.10 (host.example.org)  public  clear\n   70%  none: nothing seems wrong\n" in text
    assert "   30%  mtu-black-hole: " in text
    assert "below" not in text


def test_the_first_cause_is_shown_however_improbable() -> None:
    """Where no cause reaches the limit, the first is shown and the others are counted."""
    text = render_doctor(told(MANY))
    assert "handshake-never" in text
    assert f"{len(Cause) - 1} causes below 5%" in text
    causes = NEVER.causes[:1], NEVER.causes[2:3]
    (first,), (second,) = causes
    assert "1 cause below 5%" in render_doctor(
        told(type(NEVER)(NEVER.address, NEVER.condition, (first, second)))
    )


def test_control_characters_never_reach_the_terminal() -> None:
    """What the network and the machine said is shown escaped."""
    text = render_doctor(EVERY["hostile"])
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\x1b[2J" in text
    assert "\\u202e" in text
    assert HOSTILE.address.name not in text


def test_every_cause_has_its_meaning() -> None:
    """No cause is without words, and each is one short line."""
    assert set(MEANINGS) == set(Cause)
    assert all(0 < len(words) <= 90 and words.isprintable() for words in MEANINGS.values())
