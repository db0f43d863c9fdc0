"""Lists within a sentence: the first of them, and how many more there are."""

from collections.abc import Sequence

_SHOWN = 3


def few(texts: Sequence[str], shown: int = _SHOWN) -> str:
    """The first ones, separated by commas, and the number of the others."""
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more
