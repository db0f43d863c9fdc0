"""Comparing the results of one scenario: a planted difference is found, and what explains one is found."""

import pytest

from probe.lab.result import CheckResult, ExpectationRow, ReportedValue
from worlds_table.differences import Compared, Why, WorldDifference, compared

USUAL = {
    ("80", "binding"): "specific",
    ("80", "bound to"): "192.168.77.10",
    ("80", "bound by"): "address",
    ("80", "families"): "4",
    ("80", "via"): "direct",
    ("80", "state on lan"): "open",
    ("80", "reason on lan"): "syn-ack",
    ("80", "condition on lan"): "clear",
    ("lan", "address"): "clear",
}
ORDER = (("sim", "connect"), ("sim", "raw"), ("netns", "connect"), ("netns", "raw"), ("compose", "raw"))


def result(world: str, engine: str, **more: object) -> CheckResult:
    """A result that reports what is usual, but for `values`; `expects` is met."""
    given = {**USUAL, **more.get("values", {})}
    rows = tuple(ExpectationRow(*key, value, value) for key, value in more.get("expects", {}).items())
    values = tuple(ReportedValue(*key, value) for key, value in given.items() if value is not None)
    return CheckResult("demo", world, engine, rows, 0.1, values, more.get("error"))


def all_but(changed: tuple[str, str], **more: object) -> dict[tuple[str, str], Compared]:
    """Every column compared, of which one differs."""
    results = [result(*column, **(more if column == changed else {})) for column in ORDER]
    return {(one.result.world, one.result.engine): one for one in compared(results)}


def test_equal_results() -> None:
    """Where every report is the same, nothing differs."""
    assert all(one.ok and not one.differences for one in all_but(("sim", "raw")).values())


@pytest.mark.parametrize("key", USUAL, ids=" ".join)
@pytest.mark.parametrize("column", ORDER[1:], ids=" ".join)
def test_a_planted_difference_is_found(key: tuple[str, str], column: tuple[str, str]) -> None:
    """Whatever one column reports otherwise, with neither an expectation nor an open word before it."""
    odd = all_but(column, values={key: "odd"})[column]
    assert not odd.ok
    assert {(one.port, one.what, one.after) for one in odd.unexplained} == {(*key, "odd")}


@pytest.mark.parametrize("key", USUAL, ids=" ".join)
def test_a_difference_between_worlds_is_found(key: tuple[str, str]) -> None:
    """The same words that raw packets may add to are no excuse for another world."""
    odd = compared([result("sim", "raw"), result("netns", "raw", values={key: "odd"})])[1]
    assert odd.unexplained == (WorldDifference(*key, USUAL[key], "odd", Why.NONE),)


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        (("80", "binding"), "undetermined", "wildcard"),
        (("80", "bound to"), "-", "192.168.77.10"),
        (("80", "families"), "-", "4"),
        (("80", "bound by"), "-", "device"),
        (("80", "via"), "unknown", "forward"),
        (("80", "state on lan"), "open|filtered", "open"),
        (("80", "reason on lan"), "refused", "reset"),
        (("80", "condition on lan"), "unknown", "dropped"),
        (("lan", "address"), "unknown", "dropped"),
    ],
)
def test_raw_packets_may_add(key: tuple[str, str], before: str, after: str) -> None:
    """What sockets leave open is filled in; the other way round it is a loss, and a difference."""
    _, more = compared(
        [result("sim", "connect", values={key: before}), result("sim", "raw", values={key: after})]
    )
    assert more.differences == (WorldDifference(*key, before, after, Why.RAW),)
    assert more.ok
    _, less = compared(
        [result("sim", "connect", values={key: after}), result("sim", "raw", values={key: before})]
    )
    assert [one.why for one in less.unexplained] == [Why.NONE]


BINDING = ("80", "binding")


def test_a_file_explains_what_it_expects() -> None:
    """An expectation for raw packets explains their difference, one for a world that of the world."""
    loopback = {BINDING: "loopback"}
    usual = {"expects": {BINDING: "wildcard"}}
    _, raw = compared(
        [result("sim", "connect", **usual), result("sim", "raw", values=loopback, expects=loopback)]
    )
    assert [one.why for one in raw.differences] == [Why.RAW]
    _, world = compared(
        [result("sim", "raw", **usual), result("compose", "raw", values=loopback, expects=loopback)]
    )
    assert [one.why for one in world.differences] == [Why.WORLD]
    assert raw.ok
    assert world.ok


def test_an_expectation_of_both_explains_nothing() -> None:
    """Where the file expects the same of both, or what it expects is not met, the difference stays."""
    same = {BINDING: "loopback"}
    _, one = compared(
        [result("sim", "connect", expects=same), result("sim", "raw", values=same, expects=same)]
    )
    assert [found.why for found in one.differences] == [Why.NONE]
    missed = CheckResult(
        *("demo", "sim", "raw", (ExpectationRow(*BINDING, "loopback", "odd"),), 0.1),
        (ReportedValue(*BINDING, "odd"),),
    )
    _, two = compared(
        [CheckResult("demo", "sim", "connect", (), 0.1, (ReportedValue(*BINDING, "wildcard"),)), missed]
    )
    assert [found.why for found in two.differences] == [Why.NONE]
    assert not two.ok


def test_what_is_reported_in_one_place_alone() -> None:
    """Something that only one report has is a difference too."""
    more, less = ({("443", "binding"): "wildcard"}, {("80", "via"): None})
    _, one = compared([result("sim", "connect"), result("netns", "connect", values={**more, **less})])
    assert one.unexplained == (
        WorldDifference("80", "via", "direct", "-", Why.NONE),
        WorldDifference("443", "binding", "-", "wildcard", Why.NONE),
    )


def test_what_was_not_measured() -> None:
    """It is compared with nothing, and nothing with it; the next of the row takes its place."""
    broken = result("sim", "connect", values={("80", "via"): "forward"}, error="no route")
    first, second, third = compared([broken, result("sim", "raw"), result("netns", "raw")])
    assert not first.ok
    assert first.differences == second.differences == third.differences == ()
