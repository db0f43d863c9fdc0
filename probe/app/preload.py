"""Loads modules that are needed later while packets are under way.

A scan that is short spends as long on loading its inference as on waiting for answers. They are loaded in a
thread beside the wait, and not before the first answers have come: loading delays the reading of others, and
their round-trip times with it.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Event, Thread

_SILENCE_S = 0.25  # after so long without an answer there are few whose time could suffer


@contextmanager
def preloading(names: Sequence[str]) -> Iterator[Callable[[], None]]:
    """Load modules meanwhile; what is yielded is called when the first answers have come."""
    missing = [name for name in names if name not in sys.modules]
    if not missing:
        yield _nothing
        return
    begin, over = Event(), Event()

    def load() -> None:
        begin.wait(_SILENCE_S)
        for name in missing:
            if over.is_set():
                return
            with suppress(Exception):  # who needs it imports it again, and meets the same error
                import_module(name)

    Thread(target=load, name="preloading").start()
    try:
        yield begin.set
    finally:
        over.set()
        begin.set()


def _nothing() -> None:
    """Everything is loaded."""
