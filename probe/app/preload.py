"""Loads modules that are needed later while packets are under way.

A scan that is short spends as long on loading its inference as on waiting for answers. A thread loads it
beside the wait, but not while answers come fast: it would delay the reading of them, and with that their
round-trip times and the pace.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Event, Thread

_SILENCE_S = 0.25  # after so long without any answer there are few whose time could suffer


class Preload:
    """Modules to be loaded by a thread: when `begin` is called, or nothing was answered for a while."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._answered = False
        self._begin, self._over = Event(), Event()

    def answered(self) -> None:
        """Wait for `begin`: there are answers."""
        self._answered = True

    def begin(self) -> None:
        """Load them now."""
        self._begin.set()

    def end(self) -> None:
        """Load nothing more."""
        self._over.set()
        self._begin.set()

    def run(self) -> None:
        """Wait, and load; what cannot be loaded is left to who needs it, and will meet the same error."""
        if not self._begin.wait(_SILENCE_S) and self._answered:
            self._begin.wait()
        for name in self._names:
            if self._over.is_set():
                return
            with suppress(Exception):
                import_module(name)


@contextmanager
def preloading(names: Sequence[str]) -> Iterator[Preload]:
    """Load modules meanwhile, where they are not loaded yet."""
    missing = [name for name in names if name not in sys.modules]
    preload = Preload(missing)
    if missing:
        Thread(target=preload.run, name="preloading").start()
    try:
        yield preload
    finally:
        preload.end()
