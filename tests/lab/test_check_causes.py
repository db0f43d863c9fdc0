"""Scenarios that expect causes: what the doctor finds is compared, beside what a scan finds."""

from typing import NoReturn

import pytest

from probe.lab.check import check, first_causes
from probe.lab.result import render_truth_table
from probe.lab.scenario import Scenario, parse_scenario
from probe.lab.world import target_of
from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis, Suspicion

FOUND = {"lan": (Cause.NONE, Cause.DNS), "vpn": (Cause.NO_RETURN_ROUTE, Cause.HOST_DOWN)}


def scenario(causes: dict[str, str], **parts: object) -> Scenario:
    """A world in memory with two addresses, of which these causes are expected."""
    document = {"about": "a test", "addresses": ["lan", "vpn"], "scan": {"ports": "80"}, "expect": {}}
    return parse_scenario("test", {**document, "expect_causes": causes, **parts})


def diagnosis(world: Scenario) -> Diagnosis:
    """What a doctor found: for each address its causes, in the order of asking."""
    return Diagnosis(
        machine=(),
        addresses=tuple(
            AddressDiagnosis(
                address,
                Condition.UNKNOWN,
                tuple(Suspicion(cause, p) for cause, p in zip(FOUND[symbol], (0.7, 0.3), strict=True)),
            )
            for symbol, address in zip(world.addresses, target_of(world).addresses, strict=True)
        ),
    )


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        ({"lan": "none"}, [("lan", "none", "none")]),
        ({"vpn": "host-down"}, [("vpn", "host-down", "no-return-route")]),
        (
            {"lan": "dns", "vpn": "no-return-route"},
            [("lan", "dns", "none"), ("vpn", "no-return-route", "no-return-route")],
        ),
    ],
)
def test_the_first_cause_is_compared(expected: dict[str, str], rows: list[tuple[str, str, str]]) -> None:
    """Of each address that a scenario speaks of, by its place in the list: a name may give another."""
    world = scenario(expected)
    assert list(first_causes(world, diagnosis(world))) == rows


def test_the_truth_table_has_the_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cause that is not the expected one fails its scenario, and is shown."""
    world = scenario({"lan": "none", "vpn": "host-down"})
    monkeypatch.setattr("probe.lab.check.examined", lambda *_: diagnosis(world))
    result = check(world, "sim")
    assert [(row.port, row.what, row.ok) for row in result.rows] == [
        ("lan", "first cause", True),
        ("vpn", "first cause", False),
    ]
    table = render_truth_table([result])
    assert "no-return-route" in table
    assert "1 scenarios, 1 failed; 1 of 2 expectations met" in table


def test_a_scan_is_made_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expectations of the scan are met beside the doctor's."""
    world = scenario({"lan": "none"}, expect_addresses={"lan": "clear"})
    monkeypatch.setattr("probe.lab.check.examined", lambda *_: diagnosis(world))
    assert [row.what for row in check(world, "sim").rows] == ["address", "first cause"]


def test_without_causes_there_is_no_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is expected of a scan alone is asked of a scan alone."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a doctor")

    monkeypatch.setattr("probe.lab.check.examined", refuse)
    assert check(scenario({}, expect_addresses={"lan": "clear"}), "sim").ok
