"""Where two results of one scenario differ, and what explains it. Pure.

In one world, raw packets may add what sockets leave open. Whatever else differs, between engines or between
worlds, has to be stated by the scenario's file: by an expectation for that engine or world alone, and met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from probe.lab.result import NOTHING, CheckResult
from probe.model.binding import Binding, Condition, Via
from probe.model.probing import Reason, State

# By which words a report leaves something open. What raw packets put in their place is no contradiction.
_OPEN: dict[str, frozenset[str]] = {
    "binding": frozenset({Binding.UNDETERMINED}),
    "bound to": frozenset({NOTHING}),
    "families": frozenset({NOTHING}),
    "bound by": frozenset({NOTHING}),
    "via": frozenset({Via.UNKNOWN}),
    "state": frozenset({NOTHING, State.OPEN_FILTERED}),
    "reason": frozenset({Reason.NOT_SENT, Reason.REFUSED}),
    "condition": frozenset({Condition.UNKNOWN}),
    "address": frozenset({Condition.UNKNOWN}),
}


class Why(StrEnum):
    """What explains a difference."""

    RAW = "raw"  # raw packets show more, or the file expects otherwise of them
    WORLD = "world"  # the file expects otherwise of this world
    NONE = "none"


@dataclass(frozen=True, slots=True)
class WorldDifference:
    """One thing in which two results differ: `before` the one compared with, `after` this one."""

    port: str
    what: str
    before: str
    after: str
    why: Why


@dataclass(frozen=True, slots=True)
class Compared:
    """A result, and in what it differs from those it is compared with."""

    result: CheckResult
    differences: tuple[WorldDifference, ...] = ()

    @property
    def unexplained(self) -> tuple[WorldDifference, ...]:
        """The differences that nothing explains."""
        return tuple(one for one in self.differences if one.why is Why.NONE)

    @property
    def ok(self) -> bool:
        """Whether its expectations are met, and every difference is explained."""
        return self.result.ok and not self.unexplained


def compared(results: Sequence[CheckResult]) -> tuple[Compared, ...]:
    """Compare the results of one scenario: each with the first of its world and of its engine.

    One that could not be measured is compared with nothing.
    """
    measured = [one for one in results if one.error is None]
    return tuple(Compared(one, tuple(_beside(one, measured))) for one in results)


def _beside(one: CheckResult, measured: Sequence[CheckResult]) -> Iterator[WorldDifference]:
    if one not in measured:
        return
    same_world = next(other for other in measured if other.world == one.world)
    same_engine = next(other for other in measured if other.engine == one.engine)
    yield from _differences(same_world, one, Why.RAW)
    yield from _differences(same_engine, one, Why.WORLD)


def _differences(reference: CheckResult, one: CheckResult, why: Why) -> Iterator[WorldDifference]:
    """What differs from a reference; `why`: what explains it, where anything does."""
    old, new, stated = _values(reference), _values(one), _stated(reference, one)
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key, NOTHING), new.get(key, NOTHING)
        if before != after:
            known = key in stated or (why is Why.RAW and _was_open(key[1], before))
            yield WorldDifference(*key, before, after, why if known else Why.NONE)


def _stated(reference: CheckResult, one: CheckResult) -> set[tuple[str, str]]:
    """What the file expects of this result and not of the reference, and what is met."""
    usual = {(row.port, row.what): row.expected for row in reference.rows}
    return {
        (row.port, row.what) for row in one.rows if row.ok and usual.get((row.port, row.what)) != row.expected
    }


def _was_open(what: str, before: str) -> bool:
    return before in _OPEN.get(what.partition(" on ")[0], ())


def _values(result: CheckResult) -> dict[tuple[str, str], str]:
    return {(one.port, one.what): one.value for one in result.reported}
