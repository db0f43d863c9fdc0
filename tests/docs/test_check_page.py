"""The file on docs/check.md can be read, and is met by the demo but for what is public there."""

from pathlib import Path

from probe.app.check import check_report
from probe.app.expectations import read_expectations
from probe.lab.check import scanned
from probe.lab.files import find_scenario
from probe.model.expectation import CheckOutcome

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")


def test_the_sample() -> None:
    """MySQL is open in public: that is found by class alone."""
    text = PAGE.partition("```toml\n")[2].partition("```")[0]
    expected = read_expectations(text, "docs/check.md")
    checked = check_report(scanned(find_scenario("demo"), "sim"), expected).checked
    assert [one.text for one in checked if one.outcome is not CheckOutcome.MET] == [
        "3306/tcp: expected never public, found open on 203.0.113.10"
    ]


def test_every_outcome_is_explained() -> None:
    """Each has its row."""
    for outcome in CheckOutcome:
        assert f"| {outcome} | " in PAGE
