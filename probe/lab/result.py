"""What came of a scenario in one world with one engine: expectations, and all that the report says. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

SCHEMA = "bindprobe.lab-run/1"


@dataclass(frozen=True, slots=True)
class Row:
    """One expectation. `port` as the scenario writes it, or the symbol of an address."""

    port: str
    what: str
    expected: str
    found: str

    @property
    def ok(self) -> bool:
        """Whether it was met."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a report says, in the words of `Row`, whether it was expected or not."""

    port: str
    what: str
    value: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A scenario in one world with one engine, and every expectation of it. `seconds` of real time.

    `error`: why it could not be measured, where it could not.
    """

    scenario: str
    world: str
    engine: str
    rows: tuple[Row, ...]
    seconds: float
    says: tuple[Said, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was measured, and every expectation was met."""
        return self.error is None and all(row.ok for row in self.rows)


def to_json(world: str, engine: str, results: Sequence[CheckResult]) -> str:
    """Write the results of one run as one JSON object in a line."""
    told: list[dict[str, Any]] = [{**msgspec.to_builtins(one), "ok": one.ok} for one in results]
    whole = {"schema": SCHEMA, "world": world, "engine": engine, "results": told}
    return msgspec.json.encode(whole).decode() + "\n"


def from_json(text: bytes) -> tuple[CheckResult, ...]:
    """Read the results back.

    Raises:
        ValueError: this is no such object.
    """
    return msgspec.json.decode(text, type=_Run).results


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    results: tuple[CheckResult, ...]
