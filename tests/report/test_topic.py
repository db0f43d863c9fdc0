"""The words of a report, explained: each has its line, and `bindprobe help` prints them."""

import pytest

from probe.explain.glossary import CONDITIONS, OWNERS, PORT_LISTS, TOPICS, VERDICTS, VIAS
from probe.model.binding import Binding, Condition, Owner, Via
from probe.model.diagnosis import Cause
from probe.report.style import TextStyle
from probe.report.topic import render_topic
from probe.services.port_list import parse_ports


@pytest.mark.parametrize(
    ("words", "meanings"),
    [(Binding, VERDICTS), (Condition, CONDITIONS), (Via, VIAS), (Owner, OWNERS)],
    ids=["verdicts", "conditions", "via", "owner"],
)
def test_every_word_is_explained(words, meanings) -> None:
    """Whatever a report may have, in a line that fits a screen."""
    assert set(meanings) == set(words)
    assert all(0 < len(meaning) < 80 for meaning in meanings.values())


def test_port_lists_of_the_help_are_read() -> None:
    """What it shows can be typed."""
    assert all(parse_ports(text) for text in PORT_LISTS)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("width", [60, 120])
def test_a_topic_as_text(topic: str, width: int) -> None:
    """Every word once at the beginning of a line, none wider than the screen."""
    lines = render_topic(TOPICS[topic], TextStyle(width=width)).splitlines()
    assert all(len(line) <= width for line in lines)
    words = [word for section in TOPICS[topic].values() for word in section]
    begun = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert begun == words


def test_causes_are_a_topic() -> None:
    """Those that the doctor ranks."""
    assert set(next(iter(TOPICS["causes"].values()))) == set(Cause)
