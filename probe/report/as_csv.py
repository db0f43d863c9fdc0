"""The report as CSV (RFC 4180): one row for each port, or group of ports, on each address."""

import csv
import io

from probe.model.report import ObservationReport, Report
from probe.report.escape import escaped
from probe.report.style import PLAIN, TextStyle
from probe.report.words import Row, rows

_PORT = ("port", "protocol", "service", "binding", "bound_to", "families", "via", "confidence")
_ANSWER = ("address", "realm", "state", "reason", "condition", "from", "rtt_ms", "ttl", "attempts")
COLUMNS = (*_PORT, *_ANSWER, "why", "bound_by", "raw_only", "vantage")
_FORMULA = ("=", "+", "-", "@")


def render_csv(report: Report, _: TextStyle = PLAIN) -> str:
    """Render a report; an empty cell means "not measured"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows(escaped(report)):
        for observation in row.verdict.observations or (None,):
            raw_only = None if observation is None or observation.raw_only is None else "true"
            vantage = None if observation is None else observation.vantage
            rest = (row.verdict.why, row.verdict.bound_by, raw_only, vantage)
            cells = (*_of_port(row), *_of_answer(observation), *rest)
            writer.writerow(["" if cell is None else _harmless(cell) for cell in cells])
    return text.getvalue()


def _of_port(row: Row) -> tuple[object, ...]:
    verdict = row.verdict
    bound_to, families = " ".join(verdict.bound_to), " ".join(map(str, verdict.families))
    where = (row.ports, verdict.protocol, row.service)
    return (*where, verdict.binding, bound_to, families, verdict.via, verdict.confidence)


def _of_answer(observation: ObservationReport | None) -> tuple[object, ...]:
    if observation is None:
        return (None,) * len(_ANSWER)
    names = ("sender" if name == "from" else name for name in _ANSWER)
    return tuple(getattr(observation, name) for name in names)


def _harmless(cell: object) -> object:
    """Keep a spreadsheet from taking text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
