"""The same pieces as the JSON report, one a line: scan, addresses, ports, groups of ports, stats."""

from collections.abc import Iterator
from typing import Any

import msgspec

from probe.model.report import Report
from probe.report.escape import json_escaped
from probe.report.piece import as_pieces

_LISTS = ("addresses", "ports", "rest")
_END = ("elapsed_s", "complete", "stats")  # known when the scan is over


def render_ndjson(report: Report) -> str:
    """Render a report line by line; every line names the schema. A line's other keys tell what it is of:
    `scan`, `address`, `port`, `ports` (a group), `measurement` or `stats`.
    """  # noqa: D205 - one sentence over two lines reads best here
    lines = (msgspec.json.encode({"schema": report.schema, **piece}).decode() for piece in _pieces(report))
    return "".join(f"{json_escaped(line)}\n" for line in lines)


def _pieces(report: Report) -> Iterator[dict[str, Any]]:
    whole = as_pieces(report)
    apart = {"schema", *_LISTS, "measurements", *_END}
    yield {"scan": {key: value for key, value in whole.items() if key not in apart}}
    for name in _LISTS:
        yield from whole.get(name, ())
    yield from ({"measurement": one} for one in whole["measurements"])
    yield {"stats": whole["stats"], "elapsed_s": whole["elapsed_s"], "complete": whole["complete"]}
