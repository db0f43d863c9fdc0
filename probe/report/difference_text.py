"""Differences as text, a line each: of two reports, the new exposures first, and of a watch as they come."""

import datetime as dt
from collections.abc import Iterator
from textwrap import wrap

from probe.model.difference import Difference, DifferenceRule, DiffReport
from probe.model.watching import WatchEvent, WatchKind
from probe.report.escape import escaped, printable
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


# --- of a watch ---


_WORDS = {WatchKind.GAP: "not measured: {why}", WatchKind.RESUMED: "measured again"}


def render_event(event: WatchEvent, zone: dt.tzinfo | None = None) -> str:
    """One line with the time of day in `zone` (None: the system's own). Ends with a newline."""
    time = dt.datetime.fromisoformat(event.time).astimezone(zone)
    if event.difference is not None:
        return f"{time:%H:%M:%S}  {printable(event.difference.text)}\n"
    return f"{time:%H:%M:%S}  {printable(_WORDS[event.kind].format(why=event.why))}\n"
