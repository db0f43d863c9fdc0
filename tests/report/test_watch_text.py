"""The lines of a watch."""

import datetime as dt

import pytest

from probe.model.difference import Difference, DifferenceRule
from probe.model.watching import WatchEvent, WatchKind
from probe.report.difference_text import render_event

AT = "2026-03-01T12:00:05Z"
OPENED = Difference(rule=DifferenceRule.OPENED, before="closed", after="open", text="22/tcp opened\x1b[2J")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            WatchEvent(time=AT, kind=WatchKind.CHANGED, difference=OPENED),
            "12:00:05  22/tcp opened\\x1b[2J\n",
        ),
        (
            WatchEvent(time=AT, kind=WatchKind.GAP, why="no address of box.test"),
            "12:00:05  not measured: no address of box.test\n",
        ),
        (WatchEvent(time=AT, kind=WatchKind.RESUMED), "12:00:05  measured again\n"),
    ],
)
def test_a_line(event: WatchEvent, line: str) -> None:
    """The time of day, what it is, and nothing that a terminal obeys."""
    assert render_event(event, dt.UTC) == line
