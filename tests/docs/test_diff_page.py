"""docs/diff.md names every rule, and its sample is what the sentences are."""

from pathlib import Path

from probe.explain.differences import difference_sentence
from probe.model.difference import Difference, DifferenceRule
from probe.model.target import Protocol

PAGE = (Path(__file__).parents[2] / "docs" / "diff.md").read_text(encoding="utf-8")


def test_every_rule_is_explained() -> None:
    """Each has its row."""
    for rule in DifferenceRule:
        assert f"| `{rule}` | " in PAGE


def test_the_sample() -> None:
    """The sentences are those of such differences."""
    mysql = {"port": 3306, "protocol": Protocol.TCP, "service": "mysql", "private": True}
    http = {"port": 8000, "protocol": Protocol.TCP, "service": "http-alt"}
    opened = Difference(
        rule=DifferenceRule.OPENED, addresses=("10.88.0.10",), before="closed", after="open", **mysql
    )
    moved = Difference(rule=DifferenceRule.MOVED, before="specific: 192.168.77.10", after="wildcard", **http)
    for one in (opened, moved):
        assert f"{difference_sentence(one)}\n" in PAGE
