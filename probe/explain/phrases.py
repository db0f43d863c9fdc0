"""The small phrases that sentences are made of: lists, numbers as words, addresses with their realm."""

from collections.abc import Sequence

from probe.model.target import IPAddress

_SHOWN = 3
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def listed(items: Sequence[str]) -> str:
    """Join words as prose: a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def few(items: Sequence[str], shown: int = _SHOWN) -> str:
    """The first ones, separated by commas, and the number of the others."""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more


def lasting(seconds: float) -> str:
    """A duration in the largest unit of which there are two."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def spelled(count: int) -> str:
    """A small number as a word."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def named(ip: IPAddress | str, realm: str) -> str:
    """An address with its realm."""
    return f"{ip} ({realm})"
