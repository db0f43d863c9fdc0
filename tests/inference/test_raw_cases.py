"""The inference against tests/cases/raw.yaml: the responses, and what must be concluded."""

import operator
from pathlib import Path

import pytest
import yaml
from survey_builder import (
    address_named,
    expected_conditions,
    expected_rules,
    port_of,
    stated_in,
    surveys_of,
    without_raw,
)

from probe.inference import infer
from probe.model.binding import Candidate
from probe.model.verdict import PortVerdict, Verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "raw.yaml").read_text(encoding="utf-8"))
ORDERS = {"<": operator.lt, ">": operator.gt}


def names() -> list:
    """Every case; one that is known to be concluded wrongly has a reason."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=case["wrong"]))
        if "wrong" in case
        else name
        for name, case in CASES.items()
    ]


def conclude(case: dict) -> tuple[PortVerdict, Verdict]:
    """Run the inference on a case."""
    verdict = infer(surveys_of(case), stated_in(case))
    (found,) = [one for one in verdict.ports if one.port == port_of(case)]
    return found, verdict


def share(name: str, candidates: tuple[Candidate, ...]) -> float:
    """What a candidate such as `wildcard` or `specific lan` has."""
    binding, *symbols = name.split()
    bound_to = {address_named(symbol) for symbol in symbols}
    return sum(c.probability for c in candidates if c.binding == binding and set(c.bound_to) == bound_to)


@pytest.mark.parametrize("name", names())
def test_raw_case(name):
    """The verdict, its conditions, its candidates and its rules are those of the case."""
    case = CASES[name]
    found, verdict = conclude(case)
    shown = "\n".join(f"{c.binding} {c.bound_to} {c.probability:.3f}" for c in found.candidates)
    assert found.binding == case["binding"], shown
    assert sum(c.probability for c in found.candidates) == pytest.approx(1)
    assert found.confidence >= case.get("at_least", 0), shown
    if "bound_to" in case:
        assert set(found.bound_to) == {address_named(symbol) for symbol in case["bound_to"]}
    for key in ("bound_by", "via"):
        if key in case:
            assert getattr(found, key) == case[key]
    if "families" in case:
        assert list(found.families) == case["families"]
    for candidate, bound in case.get("shares", {}).items():
        order, limit = bound.split()
        assert ORDERS[order](share(candidate, found.candidates), float(limit)), (candidate, shown)
    expected_conditions(case, found, verdict)
    expected_rules(case, found, verdict)


def test_raw_packets_are_the_reason():
    """Most cases are concluded otherwise, or with other shares, without what raw packets brought."""
    changed = 0
    for case in CASES.values():
        found, _ = conclude(case)
        before = infer([without_raw(one) for one in surveys_of(case)], stated_in(case))
        (other,) = [one for one in before.ports if one.port == found.port]
        changed += other.candidates != found.candidates or other.conditions != found.conditions
    assert changed > 0.8 * len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_addresses_and_of_traces_makes_no_difference(name):
    """A verdict does not depend on which address was given first."""
    case = CASES[name]
    surveys = surveys_of(case)
    (one,) = [p for p in infer(surveys, stated_in(case)).ports if p.port == port_of(case)]
    (two,) = [p for p in infer(surveys[::-1], stated_in(case)).ports if p.port == port_of(case)]
    assert (one.binding, one.bound_to, one.conditions) == (two.binding, two.bound_to, two.conditions)
    assert one.confidence == pytest.approx(two.confidence)
