"""Reads a report back from its JSON, and names what is wrong with a file that is none."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from probe.errors import UsageError
from probe.model.doctor_report import DOCTOR_SCHEMA, DoctorReport
from probe.model.encoding import decode
from probe.model.report import SCHEMA, Report

T = TypeVar("T")
_STDIN = Path("-")
_FAMILY = SCHEMA.split("/", maxsplit=1)[0]


class _Envelope(Struct):
    """What must be right before anything else is looked at."""

    schema: str


def read_report(path: Path) -> Report:
    """Load a scan's report from a file or, for `-`, standard input.

    Raises:
        UsageError: the file cannot be read, is not complete JSON, or is no report; named.
    """
    return parse_report(*_source(path))


def read_any(path: Path) -> Report | DoctorReport:
    """Load a report, a scan's or the doctor's, from a file or, for `-`, standard input.

    Raises:
        UsageError: the file cannot be read, is not complete JSON, or is no report; named.
    """
    return parse_any(*_source(path))


def read_text(path: Path) -> str:
    """Load a text from a file or, for `-`, standard input; what is no UTF-8 is replaced.

    Raises:
        UsageError: the file cannot be read; named.
    """
    return _source(path)[0].decode(errors="replace")


def _source(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, or of standard input, and what messages call it."""
    if path == _STDIN:
        return _bytes_of_stdin(), "stdin"
    try:
        return path.read_bytes(), str(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{str(path)!r} cannot be read: {reason}") from None


def _bytes_of_stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("stdin is closed; name a file")
    return sys.stdin.buffer.read()


def parse_any(data: bytes, name: str) -> Report | DoctorReport:
    """Read a report, a scan's or the doctor's, from JSON; `name` is what messages call it.

    Raises:
        UsageError: not complete JSON, or no report; `name` and what is wrong.
    """
    if _decoded(lambda: msgspec.json.decode(data, type=_Envelope), name).schema == DOCTOR_SCHEMA:
        return _decoded(lambda: decode(data, DoctorReport), name)
    return parse_report(data, name)


def parse_report(data: bytes, name: str) -> Report:
    """Read a scan's report from JSON; `name` is what messages call it.

    Raises:
        UsageError: not complete JSON, or no report; `name` and what is wrong.
    """
    found = _decoded(lambda: msgspec.json.decode(data, type=_Envelope), name).schema
    if found != SCHEMA:
        newer = found.startswith(f"{_FAMILY}/")
        hint = "written by another version of bindprobe" if newer else f"no {SCHEMA} report"
        raise UsageError(f"{name!r} is {hint} (its schema is {found[:60]!r})")
    return _decoded(lambda: decode(data, Report), name)


def _decoded(decode: Callable[[], T], name: str) -> T:
    try:
        return decode()
    except msgspec.ValidationError as error:
        raise UsageError(f"{name!r} is no bindprobe report: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name!r} is not one complete JSON report: {error}") from None
