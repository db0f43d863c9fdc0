"""What came of a scenario in one world with one engine: expectations, what the report has; as text. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import msgspec

from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.report import Report, VerdictReport
from probe.model.target import Protocol

SCHEMA = "bindprobe.lab-run/1"


@dataclass(frozen=True, slots=True)
class ExpectationRow:
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
class ReportedValue:
    """One value of a report, in the words of `ExpectationRow`, whether it was expected or not."""

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
    rows: tuple[ExpectationRow, ...]
    seconds: float
    reported: tuple[ReportedValue, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was measured, and every expectation was met."""
        return self.error is None and all(row.ok for row in self.rows)


def to_json(world: str, engine: str, results: Sequence[CheckResult]) -> str:
    """Write the results of one run as one JSON object in a line."""
    rows: list[dict[str, Any]] = [{**msgspec.to_builtins(one), "ok": one.ok} for one in results]
    whole = {"schema": SCHEMA, "world": world, "engine": engine, "results": rows}
    return msgspec.json.encode(whole).decode() + "\n"


def from_json(text: bytes) -> tuple[CheckResult, ...]:
    """Read the results back.

    Raises:
        ValueError: this is no such object.
    """
    return msgspec.json.decode(text, type=_ResultDocument).results


class _ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    results: tuple[CheckResult, ...]


# --- what a report has of ports and addresses ---


NOTHING = "-"


def listed(items: Iterable[object]) -> str:
    """Write items in one order, whatever order they came in."""
    return ", ".join(sorted(map(str, items))) or NOTHING


# What a report has of a port as a whole.
_OF_VERDICTS: dict[str, Callable[[VerdictReport], str]] = {
    "binding": lambda verdict: verdict.binding,
    "bound to": lambda verdict: listed(verdict.bound_to),
    "families": lambda verdict: listed(verdict.families),
    "bound by": lambda verdict: verdict.bound_by or NOTHING,
    "via": lambda verdict: verdict.via,
}
# What it has of it on each address: attributes of an observation.
_OF_OBSERVATIONS = ("state", "reason", "condition")

_SYMBOLS = {address: symbol for symbol, address in TARGET_ADDRESSES.items()}
_PREFIXES = {Protocol.TCP: "", Protocol.UDP: "U:"}  # as scenarios write ports


def values_of(report: Report) -> tuple[ReportedValue, ...]:
    """All that a report has: ports in their order, then addresses."""
    return (*_of_ports(report), *_of_addresses(report))


def _of_ports(report: Report) -> Iterator[ReportedValue]:
    for row in report.ports:
        yield from _of_verdict(f"{_PREFIXES[row.protocol]}{row.port}", row)
    for group in report.rest or ():
        yield from _of_verdict(f"{_PREFIXES[group.protocol]}{group.ports}", group)


def _of_verdict(port: str, verdict: VerdictReport) -> Iterator[ReportedValue]:
    for what, of in _OF_VERDICTS.items():
        yield ReportedValue(port, what, str(of(verdict)))
    for one in verdict.observations:
        for what in _OF_OBSERVATIONS:
            yield ReportedValue(port, f"{what} on {_symbol(one.address)}", str(getattr(one, what) or NOTHING))


def _of_addresses(report: Report) -> Iterator[ReportedValue]:
    for one in report.addresses:
        yield ReportedValue(_symbol(one.address), "address", one.condition.value)


def _symbol(address: str) -> str:
    return _SYMBOLS.get(address, address)


_HEADERS = ("scenario", "world", "engine", "checks", "result", "s")
_WIDTH = 34  # of the scenario's name, so that a row keeps within 80 columns
_MISSED_WIDTHS = (8, 22, 21, 21)


def render_truth_table(results: Sequence[CheckResult]) -> str:
    """Render every result as one row, then every expectation that was not met."""
    from tabulate import tabulate  # noqa: PLC0415 - loaded only where a table is printed

    rows = [_row(result) for result in results]
    widths = [_WIDTH, *(None for _ in _HEADERS[1:])]
    parts = [tabulate(rows, _HEADERS, "simple", maxcolwidths=widths, floatfmt=".2f")]
    for result in results:
        if not result.ok:
            missed = [_wrapped(row) for row in result.rows if not row.ok]
            table = tabulate(missed, ("port", "what", "expected", "found"), "simple", disable_numparse=True)
            parts.append(f"{result.scenario} in {result.world}, {result.engine}: not met\n\n{table}")
    parts.append(_summary(results))
    return "\n\n".join(parts)


def _wrapped(row: ExpectationRow) -> tuple[str, ...]:
    """The cells of a row that is not met. Not wrapped by tabulate, which takes "25,110" for a number then."""
    cells = (row.port, row.what, row.expected, row.found)
    return tuple(fill(cell, width) for cell, width in zip(cells, _MISSED_WIDTHS, strict=True))


def _row(result: CheckResult) -> tuple[str, str, str, str, str, float]:
    met = sum(row.ok for row in result.rows)
    verdict = "ok" if result.ok else "FAILED"
    return (
        result.scenario,
        result.world,
        result.engine,
        f"{met}/{len(result.rows)}",
        verdict,
        result.seconds,
    )


def _summary(results: Sequence[CheckResult]) -> str:
    rows = [row for result in results for row in result.rows]
    failed = sum(not result.ok for result in results)
    kept = f"{sum(row.ok for row in rows)} of {len(rows)} expectations met"
    return f"{len(results)} scenarios, {failed} failed; {kept}"
