"""Pieces of a sentence: lists and durations."""

from collections.abc import Sequence

from probe.model.target import IPAddress

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


def socket_of(end: tuple[IPAddress, int]) -> str:
    """An address and a port as RFC 3986 section 3.2.2 writes them: IPv6 in brackets."""
    host, port = end
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
