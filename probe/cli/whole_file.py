"""A file that appears whole or not at all: written beside its place under another name, and renamed over it.

Such a part file is locked as long as its writer lives: so a later run knows one that a dead run left behind,
and removes it.
"""

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from probe import interruption

if sys.platform != "win32":
    import fcntl

_PART = re.compile(r"\.bindprobe\.[0-9a-f]{16}\.part")
_TRIAL = "x" * 4096  # characters: a block of most file systems, so that a full one has no room for it
_FRESH_S = 60.0  # a younger part file may belong to a run that has not locked it yet


@dataclass(frozen=True, slots=True)
class PartFile:
    """An open file beside the one in whose place it is to be."""

    path: Path
    name: Path
    file: TextIO

    def replace(self, parts: Iterable[str]) -> None:
        """Write it, and put it in the place of `path`, whose permissions are kept.

        Raises:
            OSError: it cannot be written; what is there stays.
        """
        if not self.name.exists():  # somebody has cleared the folder meanwhile
            replace(self.path, parts)
            return
        mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else None
        self.file.seek(0)
        self.file.writelines(parts)
        self.file.truncate()  # what was reserved and is not needed
        self.file.flush()
        os.fsync(self.file.fileno())
        if mode is not None:
            self.name.chmod(mode)
        if sys.platform == "win32":
            self.file.close()  # no open file is renamed there; elsewhere it is locked until then
        self.name.replace(self.path)


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[PartFile]:
    """Hold a file open in which `path` can be written, with room for a small one; at the end nothing stays.

    Raises:
        OSError: it cannot be written: no permission, no room, a name that is too long.
    """
    with contextlib.suppress(FileNotFoundError):
        path.stat()  # finds out about a name that is too long: the part file's is short
    with _part_beside(path) as part:
        part.file.write(_TRIAL)
        part.file.flush()
        _clear(path.parent, os.fstat(part.file.fileno()).st_mtime - _FRESH_S)
        yield part


def replace(path: Path, parts: Iterable[str]) -> None:
    """Write a file in the place of `path`; see `PartFile.replace`.

    Raises:
        OSError: it cannot be written; what is there stays.
    """
    with _part_beside(path) as part:
        part.replace(parts)


@contextlib.contextmanager
def _part_beside(path: Path) -> Iterator[PartFile]:
    """A new file beside `path`, with a short name; at the end it has another one, or is gone."""
    name = path.with_name(f".bindprobe.{os.urandom(8).hex()}.part")
    with interruption.undone_by(lambda: name.unlink(missing_ok=True)):
        try:
            with name.open("x", encoding="utf-8", newline="") as file:
                with contextlib.suppress(OSError):  # a file system without locks: nobody removes it then
                    _lock(file.fileno())
                yield PartFile(path, name, file)
        finally:
            name.unlink(missing_ok=True)


def _clear(folder: Path, before: float) -> None:
    """Remove part files of dead runs that were last written before a time of the folder's own clock."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:  # it may be written to, but not listed
        for entry in entries:
            if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_dead(entry.path, before)


def _remove_dead(path: str, before: float) -> None:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with contextlib.suppress(OSError):  # locked by a run that lives, another user's, or gone by now
        descriptor = os.open(path, flags)
        try:
            if os.fstat(descriptor).st_mtime < before:
                _lock(descriptor)
                os.unlink(path)  # noqa: PTH108 - as it was listed
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open file against other processes.

    Raises:
        OSError: one of them has it locked, or its file system knows no locks.
    """
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
