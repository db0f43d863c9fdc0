"""Pieces of a report as plain data, with the keys that name a piece first."""

from typing import Any

from probe.model.encoding import as_builtins
from probe.model.report import Report

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
