"""The report as GitHub-flavoured Markdown: the table, what to do, and the paths that are not clear."""

import re
from collections.abc import Iterable, Iterator

from probe.explain.findings import findings, what_one_address_leaves
from probe.model.binding import Condition
from probe.model.report import Report
from probe.report.alike import folded
from probe.report.escape import escaped
from probe.report.style import PLAIN, TextStyle
from probe.report.todo import to_do
from probe.report.words import (
    NOT_MEASURED,
    OWNERS,
    answer,
    answer_on,
    heading,
    of_owners,
    of_path,
    place,
    rows,
    sureness,
    verdict_words,
)

_SPECIAL = re.compile(r"([\\`*_|<>\[\]])")


def render_markdown(report: Report, style: TextStyle = PLAIN) -> str:
    """Render a report. Ends with a newline."""
    whole = escaped(report)
    report = whole if style.every_row else folded(whole)
    lines = [
        *_table(report),
        *_others(report),
        *_one_view(whole),
        *_owners(report),
        *_advice(whole),
        *_unclear(report),
    ]
    lines = [*_findings(whole), *lines]
    if not report.complete:
        lines = ["Interrupted: what is missing was not measured.", "", *lines]
    return "\n".join(lines) + "\n"


def _findings(report: Report) -> Iterator[str]:
    found = " ".join(map(_text, findings(report)))
    if found:
        yield from (found, "")


def _table(report: Report) -> Iterator[str]:
    addresses = report.addresses
    headers = ["port", *(" ".join(heading(a)) for a in addresses), "verdict", "sure", "why"]
    yield _line(map(_text, headers))
    yield _line("---" for _ in headers)
    for row in rows(report):
        observations = (answer_on(address, row) for address in addresses)
        answers = (NOT_MEASURED if o is None else answer(o) for o in observations)
        cells = (row.title, *answers, verdict_words(row, addresses), sureness(row), row.verdict.why)
        yield _line(map(_text, cells))


def _others(report: Report) -> Iterator[str]:
    for row in rows(report):
        if row.shortened:
            yield from ("", f"{row.label}: {_text(row.ports.replace(',', ', '))}")


def _one_view(report: Report) -> Iterator[str]:
    left = what_one_address_leaves(report)
    if left:
        yield from ("", _text(left))


def _advice(report: Report) -> Iterator[str]:
    texts = to_do(report)
    if texts:
        yield from ("", "## What to do", "")
        yield from (f"{number}. {_text(text)}" for number, text in enumerate(texts, 1))


def _owners(report: Report) -> Iterator[str]:
    lines = [f"- {_text(place(a))}: {_text(one.text)}" for a in report.addresses for one in of_owners(a)]
    if lines:
        yield from ("", f"## {OWNERS}", "", *lines)


def _unclear(report: Report) -> Iterator[str]:
    unclear = [address for address in report.addresses if address.condition is not Condition.CLEAR]
    if unclear:
        yield from ("", "## Paths that are not clear", "")
    for address in unclear:
        yield f"- {_text(place(address))}: {address.condition}"
        yield from (f"  - {_text(evidence.text)}" for evidence in of_path(address))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
