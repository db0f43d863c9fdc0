"""Pieces of a sentence: lists and durations."""

from collections.abc import Sequence

_SHOWN = 3
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds


def few(texts: Sequence[str], shown: int = _SHOWN) -> str:
    """The first ones, separated by commas, and the number of the others."""
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more


def lasting(seconds: float) -> str:
    """A duration in the largest unit of which there are two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
