"""The small phrases that sentences are made of: lists, numbers as words, addresses with their realm."""

from collections.abc import Sequence

from probe.model.target import IPAddress

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def listed(items: Sequence[str]) -> str:
    """Join words as prose: a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def spelled(count: int) -> str:
    """A small number as a word."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def named(ip: IPAddress | str, realm: str) -> str:
    """An address with its realm."""
    return f"{ip} ({realm})"
