"""A report as short texts, and results as JSON and back."""

import json

import pytest
from test_check import LAN, REPORT

from probe.lab.result import CheckResult, ExpectationRow, ReportedValue, from_json, listed, to_json, values_of

MET, MISSED = (
    ExpectationRow("80", "binding", "wildcard", "wildcard"),
    ExpectationRow("80", "via", "direct", "forward"),
)
VALUE = ReportedValue("80", "binding", "wildcard")


def test_all_that_a_report_has() -> None:
    """Ports as scenarios write them, groups of ports too, addresses by their symbols."""
    values = {(one.port, one.what): one.value for one in values_of(REPORT)}
    assert values["80", "binding"] == "specific"
    assert values["80", "bound to"] == LAN
    assert values["80", "bound by"] == "address"
    assert values["80", "families"] == "4"
    assert values["80", "via"] == "direct"
    assert values["80", "state on lan"] == "open"
    assert values["80", "reason on lan"] == "syn-ack"
    assert values["80", "condition on lan"] == "clear"
    assert values["U:53", "state on lan"] == "-"
    assert values["1000-2000", "binding"] == "loopback-or-not-listening"
    assert values["lan", "address"] == "clear"
    assert len(values) == 2 * (5 + 3) + 5 + 1


def test_order_does_not_count() -> None:
    """Items are listed in one order; nothing is a dash."""
    assert listed((6, 4)) == listed((4, 6)) == "4, 6"
    assert listed(()) == "-"


@pytest.mark.parametrize(
    ("rows", "error", "ok"),
    [((), None, True), ((MET,), None, True), ((MET, MISSED), None, False), ((MET,), "no route", False)],
)
def test_results_as_json(rows: tuple[ExpectationRow, ...], error: str | None, ok: bool) -> None:  # noqa: FBT001 - a case
    """Everything comes back; whether it is ok stands there for other programs."""
    result = CheckResult("demo", "netns", "raw", rows, 1.5, (VALUE,), error)
    text = to_json("netns", "raw", [result])
    assert from_json(text.encode()) == (result,)
    whole = json.loads(text)
    assert (whole["schema"], whole["world"], whole["engine"]) == ("bindprobe.lab-run/1", "netns", "raw")
    assert whole["results"][0]["ok"] is ok
    assert result.ok is ok
    assert text.count("\n") == 1


def test_no_results() -> None:
    """What is no such object is an error."""
    with pytest.raises(ValueError, match="JSON"):
        from_json(b"Traceback")
