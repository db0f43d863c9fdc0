"""Reports as JSON: one object, the same pieces line by line, and the doctor's."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from probe.model.doctor_report import DoctorReport
from probe.model.encoding import as_builtins, decode, encode
from probe.model.report import Report
from probe.report.escape import json_escaped

# --- pieces ---


_NAMES = ("port", "ports", "protocol", "service")


def as_pieces(report: Report) -> dict[str, Any]:
    """The report as plain data, in the order in which a reader looks: what it is of, then what is said."""
    whole = as_builtins(report)
    for key in ("ports", "rest"):
        if key in whole:
            whole[key] = [_named_first(piece) for piece in whole[key]]
    return whole


def _named_first(piece: dict[str, Any]) -> dict[str, Any]:
    return {name: piece[name] for name in _NAMES if name in piece} | piece


# --- the report ---


def render_json(report: Report) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite. JSON has no NaN and turns it into null,
            which would say "not measured"; so what was written is read again before anyone else does.
    """
    data = msgspec.json.encode(as_pieces(report))
    decode(data, Report)
    return json_escaped(msgspec.json.format(data, indent=2).decode()) + "\n"


# --- line by line ---


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


# --- the doctor's ---


def render_doctor_json(report: DoctorReport) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite, which JSON would show as null.
    """
    data = encode(report)
    decode(data, DoctorReport)
    return json_escaped(msgspec.json.format(data, indent=2).decode()) + "\n"


def render_line(piece: Struct) -> str:
    """Render a report or a change as one line of JSON. Ends with a newline."""
    return json_escaped(encode(piece).decode()) + "\n"
