"""A comparison of two reports as text: one line each, the new exposures first."""

from collections.abc import Iterator
from textwrap import wrap

from probe.model.difference import Difference, DifferenceRule, DiffReport
from probe.report.escape import escaped
from probe.report.style import PLAIN, TextStyle

_ORDER = tuple(DifferenceRule)


def render_differences(report: DiffReport, style: TextStyle = PLAIN) -> str:
    """Render the comparison. Ends with a newline."""
    return "\n".join(_lines(escaped(report), style)) + "\n"


def _lines(report: DiffReport, style: TextStyle) -> Iterator[str]:
    if not report.differences:
        yield f"Nothing changed between {report.old} and {report.new}."
    for one in sorted(report.differences, key=_rank):
        yield from wrap(one.text, style.width, subsequent_indent="  ", break_on_hyphens=False)
    for when, only in ((report.old, report.only_old), (report.new, report.only_new)):
        if only:
            text = f"Not compared, measured at {when} only: {', '.join(only)}"
            yield from wrap(text, style.width, subsequent_indent="  ", break_on_hyphens=False)


def _rank(one: Difference) -> tuple[bool, int]:
    return not (one.private and one.rule is DifferenceRule.OPENED), _ORDER.index(one.rule)
