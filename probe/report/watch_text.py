"""What a watch prints after its first report: one line each, with the time of day."""

import datetime as dt

from probe.model.watching import WatchEvent, WatchKind
from probe.report.escape import printable

_WORDS = {WatchKind.GAP: "not measured: {why}", WatchKind.RESUMED: "measured again"}


def render_event(event: WatchEvent, zone: dt.tzinfo | None = None) -> str:
    """One line with the time of day in `zone` (None: the system's own). Ends with a newline."""
    time = dt.datetime.fromisoformat(event.time).astimezone(zone)
    if event.difference is not None:
        return f"{time:%H:%M:%S}  {printable(event.difference.text)}\n"
    return f"{time:%H:%M:%S}  {printable(_WORDS[event.kind].format(why=event.why))}\n"
