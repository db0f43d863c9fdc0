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
from pathlib import Path
from typing import TextIO

from probe import interruption

if sys.platform != "win32":
    import fcntl

_PART = re.compile(r"\.bindprobe\.[0-9a-f]{16}\.part")
_TRIAL = "x" * 4096  # characters: a block of most file systems, so that a full one has no room for it
_FRESH_S = 60.0  # a younger part file may belong to a run that has not locked it yet


def require_room(path: Path) -> None:
    """Find out whether a file can be written, by writing another one beside it, of which nothing stays.

    Raises:
        OSError: it cannot: no permission, no room, a name that is too long.
    """
    with contextlib.suppress(FileNotFoundError):
        path.stat()  # finds out about a name that is too long: the part file's is short
    with _part_beside(path) as (_, file):
        file.write(_TRIAL)
        file.flush()
        _clear(path.parent, os.fstat(file.fileno()).st_mtime - _FRESH_S)


def replace(path: Path, parts: Iterable[str]) -> None:
    """Write a file in the place of `path`, whose permissions are kept.

    Raises:
        OSError: it cannot be written; what is there stays.
    """
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    with _part_beside(path) as (name, file):
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
        if mode is not None:
            name.chmod(mode)
        if sys.platform == "win32":
            file.close()  # no open file is renamed there; elsewhere it stays locked until it has its name
        name.replace(path)


@contextlib.contextmanager
def _part_beside(path: Path) -> Iterator[tuple[Path, TextIO]]:
    """A new file beside `path`, with a short name; at the end it has another one, or is gone."""
    name = path.with_name(f".bindprobe.{os.urandom(8).hex()}.part")
    with interruption.undone_by(lambda: name.unlink(missing_ok=True)):
        try:
            with name.open("x", encoding="utf-8", newline="") as file:
                with contextlib.suppress(OSError):  # a file system without locks: nobody removes it then
                    _lock(file.fileno())
                yield name, file
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
