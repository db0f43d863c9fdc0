"""The picture: what is drawn is what was measured, and what is only possible is marked."""

import pytest
from sample_reports import (
    EIGHT,
    EMPTY,
    EVERY,
    EVIL,
    LARGE,
    LOOPBACK_OR_NOTHING,
    OPEN,
    RAW,
    RESET,
    SILENT,
    SPECIFIC,
    TYPICAL,
    UNDETERMINED,
    WILDCARD,
    port,
    report,
)

from probe.model.binding import Binding
from probe.model.target import Protocol
from probe.report.picture import render_picture
from probe.report.style import TextStyle


def line_with(text: str, words: str) -> str:
    return next(line for line in text.splitlines() if words in line)


def test_arrows_show_how_far_an_answer_leads() -> None:
    """Open goes in, refused ends inside, silence stops where nobody knows."""
    text = render_picture(report([WILDCARD, SPECIFIC, LOOPBACK_OR_NOTHING, UNDETERMINED]))
    assert "---|--> 8000/tcp http-alt  wildcard" in text
    assert "---|--x 5432/tcp postgresql  closed (reset)" in text
    assert "-? |    22/tcp ssh  filtered (no-response)" in text
    assert "   |    22/tcp ssh  not measured" in text
    assert text.isascii()


def test_an_answer_that_only_raw_packets_got_is_marked() -> None:
    """The arrow goes in, but no program on this machine got the answer."""
    text = render_picture(RAW, TextStyle(width=140))
    assert text.count("received by raw packets only") == 1
    assert "8000/tcp  wildcard, received by raw packets only" in text


def test_every_address_stands_at_the_wall() -> None:
    """Realm, address, name and an unclear path stand left of the box, even with few ports."""
    text = render_picture(TYPICAL)
    for words in ("lan", "192.168.77.10", "server.example", "10.88.0.10", "(tunnel-down)", "203.0.113.10"):
        assert words in text
    assert "(tunnel-down)" in render_picture(report([], addresses=TYPICAL.addresses))


def test_loopback_shows_what_is_only_possible() -> None:
    """A wildcard includes loopback, a verdict of loopback shows it, a possible one gives its probability."""
    only = port(6379, (RESET, RESET, RESET), Binding.LOOPBACK, service="redis")
    text = render_picture(
        report([WILDCARD, only, LOOPBACK_OR_NOTHING, SPECIFIC], stats=None), TextStyle(width=120)
    )
    assert "out of reach from here" in text
    assert "not seen, it follows" in line_with(text, "8000/tcp http-alt  here too")
    assert "redis  here only (not seen, inferred)" in text
    assert "5432/tcp postgresql  possible (40%), not shown by any answer" in text


def test_a_bind_to_one_address_is_not_on_loopback() -> None:
    """What is bound elsewhere is not drawn on loopback."""
    bound = port(9000, (OPEN, RESET, RESET), Binding.SPECIFIC, bound_to=("192.168.77.10",), candidates=())
    loopback = render_picture(report([bound])).split("out of reach")[1]
    assert "9000" not in loopback


def test_a_probed_loopback_is_not_called_out_of_reach() -> None:
    """Scanned from the target itself, loopback is an address like any other."""
    place = ("loopback", "127.0.0.1")
    text = render_picture(report([port(80, (OPEN,), places=(place,))], (place,)))
    assert "127.0.0.1" in text
    assert "out of reach" not in text


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("width", [80, 100])
def test_the_box_is_straight(count: int, width: int) -> None:
    """Every line of the box is equally long and within the width, for any number of addresses."""
    places = EIGHT[:count]
    ports = [port(n, [(OPEN, RESET, SILENT)[n % 3]] * count, places=places) for n in range(1, 40)]
    text = render_picture(report(ports, places), TextStyle(width=width, unicode=True))
    box = text.split("\n\n")[0].splitlines()
    assert box[0].endswith("┐")
    assert box[-1].endswith("┘")
    assert {len(line) for line in box} == {width}


def test_only_arrows_that_occur_are_explained() -> None:
    """The legend has no line for what is not drawn."""
    legend = render_picture(report([WILDCARD])).split("\n\n")[1]
    assert "answered" in legend
    assert "refused" not in legend


def test_groups_and_both_protocols_are_drawn() -> None:
    """A long group shows its count; ports of both protocols in one line keep them apart."""
    assert "3,990 others/tcp" in render_picture(LARGE)
    both = [port(n, (SILENT,) * 3, protocol=p) for p in Protocol for n in (53, 69)]
    lines = render_picture(report(both), TextStyle(width=120))
    assert "53, 69/tcp  filtered" in lines
    assert "53, 69/udp  open|filtered" in lines
    merged = [port(n, (OPEN,) * 3, protocol=p) for p in Protocol for n in (53, 69)]
    assert "53, 69/tcp, 53, 69/udp" in render_picture(report(merged), TextStyle(width=120))


def test_one_port_beside_a_group_keeps_its_name() -> None:
    """A port that stands out keeps its service beside a group that has the same."""
    alike = report([port(5000, (RESET,) * 3, service="x")], rest=LARGE.rest[:1])
    assert "5000/tcp x, 3,990 others/tcp  closed" in render_picture(alike)


def test_an_interrupted_scan_is_marked() -> None:
    """What is missing from the picture was not measured."""
    assert "Interrupted" in render_picture(EMPTY)


def test_nothing_unprintable() -> None:
    """What the network sent is drawn escaped."""
    assert all(line.isprintable() for line in render_picture(EVIL).splitlines())
    assert all(render_picture(one).endswith("\n") for one in EVERY.values())
