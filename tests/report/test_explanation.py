"""The explanation: evidence, rule, candidates, rivals, what would settle it."""

import pytest
from sample_reports import EMPTY, EVIL, LAN, LARGE, OPEN, TYPICAL, observation, port, report

from probe.errors import UsageError
from probe.model.advice import Rival, RivalRule
from probe.model.binding import Binding, Candidate
from probe.model.evidence import Reading, ReadingRule, Response
from probe.model.probing import Aftermath, Origin, Reason
from probe.model.target import Port, Protocol
from probe.report.explanation import render_explanation
from probe.report.style import TextStyle

TCP, UDP = Protocol.TCP, Protocol.UDP


def test_every_part_is_there_in_its_order() -> None:
    """From what was measured to what to do, in the order in which one follows from the other."""
    text = render_explanation(TYPICAL, Port(TCP, 5432))
    parts = (
        "5432/tcp postgresql: loopback-or-not-listening, 92% sure",
        "lan 192.168.77.10: closed (reset), path clear, 0.5 ms, TTL 64, 1 try",
        "- refused by the host itself",
        "52% not-listening",
        "8% specific to 192.168.77.11",
        "- on the target: ss -tlnp",
        "is not reachable",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_rival_is_listed_once() -> None:
    """Among the candidates, with how it is reached; what is no candidate has a section of its own."""
    rivals = (
        Rival(rule=RivalRule.CANDIDATE, binding=Binding.WILDCARD, probability=0.7, text="on all interfaces"),
        Rival(rule=RivalRule.THROUGH_VPN_PROGRAM, binding=Binding.LOOPBACK, probability=0.3, text="by a VPN"),
        Rival(rule=RivalRule.FULL_ACCEPT_QUEUE, probability=0.1, text="a service that hangs"),
    )
    candidates = (
        Candidate(binding=Binding.WILDCARD, probability=0.7),
        Candidate(binding=Binding.LOOPBACK, probability=0.3),
    )
    asked = port(22, (OPEN,) * 3, Binding.UNDETERMINED, candidates=candidates, rivals=rivals)
    text = render_explanation(report([asked]), Port(TCP, 22), TextStyle(width=160))
    assert text.count("wildcard") == text.count("loopback") == 1
    assert "30% loopback, behind a VPN program that hands connections to 127.0.0.1" in text
    assert text.split("Not excluded")[1].split() == ["-", "a", "service", "that", "hangs"]


def test_what_was_not_measured_is_left_out() -> None:
    """A port without a verdict claims nothing, and absent numbers are not shown as zero."""
    bare = observation(LAN, Reason.NOT_SENT, rtt_ms=None, ttl=None, attempts=0)
    text = render_explanation(report([port(22, (OPEN,) * 3, observations=(bare,), why="")]), Port(TCP, 22))
    assert "lan 192.168.77.10: not measured (not-sent), path clear, 0 tries" in text
    assert " ms" not in text
    assert "% sure" not in render_explanation(TYPICAL, Port(TCP, 22))


def test_who_spoke_and_how_it_was_read() -> None:
    """An answer from another box names it; the rule, the origin and the aftermath are shown."""
    seen = observation(
        LAN,
        Reason.ADMIN_PROHIBITED,
        sender="192.0.2.1",
        reading=Reading(
            rule=ReadingRule.UNLIKE_CONTROLS, response=Response.ICMP_PATH, text="rejected on the way"
        ),
        origin=Origin.NEARER,
        aftermath=Aftermath.HELD,
    )
    text = render_explanation(report([port(22, (OPEN,) * 3, observations=(seen,))]), Port(TCP, 22))
    for words in ("from 192.0.2.1", "-> rejected on the way", "from nearer", "then held"):
        assert words in text


def test_a_port_of_a_group_is_explained() -> None:
    """A port without a row of its own is found in its group."""
    text = render_explanation(LARGE, Port(TCP, 4000))
    assert text.startswith("4000/tcp: not-listening")
    assert "one of 3,990 others/tcp" in text


@pytest.mark.parametrize(
    ("of", "wanted", "known"),
    [
        (TYPICAL, Port(UDP, 53), "22,5432,8000,9000"),
        (LARGE, Port(TCP, 22), "1-21,23-79"),
        (EMPTY, Port(TCP, 22), "no port at all"),
    ],
)
def test_a_port_that_is_not_there(of, wanted: Port, known: str) -> None:
    """The error names the port and lists those that there are."""
    with pytest.raises(UsageError, match=str(wanted)) as caught:
        render_explanation(of, wanted)
    assert known in str(caught.value)


def test_an_interrupted_scan_is_marked() -> None:
    """A verdict from half a scan is marked as one."""
    assert "interrupted" in render_explanation(report([port(22, (OPEN,) * 3)], complete=False), Port(TCP, 22))


def test_it_fits_and_is_printable() -> None:
    """No line is wider than asked for, nothing raw reaches the terminal."""
    for one, number in ((TYPICAL, 5432), (EVIL, 23)):
        lines = render_explanation(one, Port(TCP, number), TextStyle(width=60)).splitlines()
        assert max(map(len, lines)) <= 60
        assert all(line.isprintable() for line in lines)
