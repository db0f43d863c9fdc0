"""What the terminal can show, and the one line that an error is. Honours NO_COLOR, FORCE_COLOR, TERM=dumb."""

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from probe.report.style import TextStyle

_NARROWEST = 40


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_colour(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether to colour, given whether the text goes to a terminal (no-color.org, force-color.org)."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return terminal


def style_of(stream: TextIO | None, *, detail: bool) -> TextStyle:
    """The style for text on a stream. In a pipe: plain, and as wide as COLUMNS, or 80."""
    import shutil

    terminal = is_terminal(stream)
    return TextStyle(
        width=max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST),
        unicode=terminal and "utf" in (getattr(stream, "encoding", None) or "").lower(),
        colour=wants_colour(os.environ, terminal=terminal and is_terminal(sys.stderr)),
        detail=detail,
    )


def complain(message: str) -> None:
    """Print one line on stderr, whatever the message holds."""
    note(f"bindprobe: {' '.join(message.split())}")


def note(text: str) -> None:
    """Print one line on stderr with everything unprintable escaped; nowhere, where there is no room."""
    from probe.report.escape import printable

    if sys.stderr is not None:
        try:
            sys.stderr.write(f"{printable(text)}\n")
        except OSError:  # a full disk, or a terminal that is gone: the result still counts
            discard_rest(sys.stderr)


def discard_rest(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's exit does not fail on it again."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor has nothing to redirect
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
