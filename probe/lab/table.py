"""The truth table as text: which scenario met which expectation, in which world."""

from collections.abc import Sequence
from textwrap import fill

from probe.lab.result import CheckResult, ExpectationRow

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
