"""Keeps what the network sent from controlling the terminal: control characters become escapes."""

import re
from typing import Any, TypeVar

import msgspec

from probe.model.encoding import as_builtins, from_builtins

T = TypeVar("T", bound=msgspec.Struct)

# What moves the cursor, starts an escape sequence or reorders text, beyond what JSON itself escapes.
_DANGEROUS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Replace every character that is not printable by its escape, such as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def escaped(report: T) -> T:
    """The same report with every text printable, and without its measurements: no text is made of them."""
    plain = as_builtins(report)
    plain.pop("measurements", None)
    return from_builtins(_walk(plain), type(report))


def json_escaped(text: str) -> str:
    """The same JSON document with dangerous characters escaped; they only occur within strings."""
    return _DANGEROUS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _walk(value: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _walk(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(item) for item in value]
    return value
