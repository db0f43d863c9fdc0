"""Reports as JSON: one object, the same pieces line by line, and the doctor's."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, structs

from probe.model.encoding import as_builtins, decode, encode
from probe.model.report import PortReport, Report, RestReport
from probe.report.escape import json_escaped
from probe.report.style import PLAIN, TextStyle

if TYPE_CHECKING:
    from probe.model.doctor_report import DoctorReport  # a scan needs none of it

# --- pieces ---


_NAMES = ("port", "ports", "protocol", "service")
_LISTS = ("ports", "rest")  # long ones: a piece of them at a time is data, the others are not made yet


def _head(report: Report) -> dict[str, Any]:
    """The report as plain data, with the long lists empty."""
    return as_builtins(structs.replace(report, ports=(), rest=UNSET if report.rest is UNSET else ()))


def _pieces_of(report: Report, name: str) -> Iterator[bytes]:
    """A long list piece by piece as JSON: what it is of comes first, then what is reported of it."""
    for piece in _list(report, name):
        plain = as_builtins(piece)
        yield msgspec.json.encode({key: plain[key] for key in _NAMES if key in plain} | plain)


def _list(report: Report, name: str) -> Sequence[PortReport | RestReport]:
    found: Sequence[PortReport | RestReport] = getattr(report, name) or ()
    return found


def _check(report: Report, head: dict[str, Any]) -> None:
    """Read again what is written, before anyone else does: JSON turns NaN into null, which would mean "not
    measured".

    Raises:
        msgspec.ValidationError: a required number is not finite.
    """  # noqa: D205 - one sentence over two lines reads best here
    decode(msgspec.json.encode(head), Report)
    for name in _LISTS:
        for piece in _list(report, name):
            decode(encode(piece), type(piece))


# --- the report ---


def render_json(report: Report) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite.
    """
    return "".join(json_parts(report))


def json_parts(report: Report, _: TextStyle = PLAIN) -> Iterator[str]:
    """Render a report as indented JSON, part by part: of a long one the whole would take much memory.

    Raises:
        msgspec.ValidationError: a required number is not finite; nothing has been rendered then.
    """
    head = _head(report)
    _check(report, head)
    opening = "{"
    for key, value in head.items():
        yield f'{opening}\n  "{key}": '
        if key in _LISTS:
            yield from _listed(_pieces_of(report, key))
        else:
            yield _indented(msgspec.json.encode(value), 2)
        opening = ","
    yield "\n}\n"


def _listed(pieces: Iterator[bytes]) -> Iterator[str]:
    opening = "["
    for piece in pieces:
        yield f"{opening}\n    {_indented(piece, 4)}"
        opening = ","
    yield "[]" if opening == "[" else "\n  ]"


def _indented(data: bytes, by: int) -> str:
    """JSON over several lines, all but the first `by` columns in."""
    text = json_escaped(msgspec.json.format(data, indent=2).decode())
    return text.replace("\n", "\n" + " " * by)


# --- line by line ---


_END = ("elapsed_s", "complete", "stats")  # known when the scan is over


def render_ndjson(report: Report) -> str:
    """Render a report line by line (`ndjson_parts`)."""
    return "".join(ndjson_parts(report))


def ndjson_parts(report: Report, _: TextStyle = PLAIN) -> Iterator[str]:
    """Render a report line by line; every line names the schema. A line's other keys show what it is of:
    `scan`, `address`, `port`, `ports` (a group), `measurement` or `stats`.
    """  # noqa: D205 - one sentence over two lines reads best here
    schema = msgspec.json.encode({"schema": report.schema})[:-1] + b","
    return (f"{json_escaped((schema + piece[1:]).decode())}\n" for piece in _lines(report))


def _lines(report: Report) -> Iterator[bytes]:
    head = _head(report)
    apart = {"schema", "addresses", *_LISTS, "measurements", *_END}
    yield msgspec.json.encode({"scan": {key: value for key, value in head.items() if key not in apart}})
    yield from map(msgspec.json.encode, head["addresses"])
    for name in _LISTS:
        yield from _pieces_of(report, name)
    yield from (msgspec.json.encode({"measurement": one}) for one in head["measurements"])
    yield msgspec.json.encode({key: head[key] for key in ("stats", "elapsed_s", "complete")})


# --- the doctor's ---


def render_doctor_json(report: "DoctorReport", _: TextStyle = PLAIN) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite, which JSON would show as null.
    """
    decode(encode(report), type(report))
    return render_indented(report)


def render_indented(piece: Struct) -> str:
    """Render any value as indented JSON. Ends with a newline."""
    return json_escaped(msgspec.json.format(encode(piece), indent=2).decode()) + "\n"


def render_line(piece: Struct) -> str:
    """Render a report or a change as one line of JSON. Ends with a newline."""
    return json_escaped(encode(piece).decode()) + "\n"
