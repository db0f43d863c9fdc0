"""What a host of a world sees of files that belong to its network. Linux only; knows nothing of scenarios.

/sys/class/net lists the interfaces of the network that it was mounted in, and WireGuard's programs are spoken
to by sockets in one directory: hosts that share these would see each other's interfaces.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from probe.errors import BackendError
from probe.lab.netns import syscalls

_OF_DAEMONS = ("/run", "/dev/shm")  # noqa: S108 - covered, not used
_NEEDED = "this world needs mounts of its own: use `bindprobe lab run`, or unshare --mount"


def socket_directory() -> Path:
    """Where WireGuard's programs keep their control sockets; often not there before the first one runs."""
    return Path("/var/run").resolve() / "wireguard"


def settle(*, tunnel: bool, daemons: bool) -> None:
    """Give this process, a host of a world, its own view for good.

    `tunnel`: control sockets too. `daemons`: a place for their files, and for the memory that they share.

    Raises:
        OSError: not allowed.
    """
    syscalls.new_mounts()
    for place in _OF_DAEMONS if daemons else ():
        syscalls.mount("tmpfs", place)
    list(_cover(tunnel=tunnel))


@contextlib.contextmanager
def own_view(*, tunnel: bool) -> Iterator[None]:
    """Give this process the view of the network that it has just entered, and take it back after.

    Without mounts of its own it keeps the view that it has, which only a tunnel cannot do with.

    Raises:
        BackendError: a tunnel is wanted, and this process may not mount for itself alone.
    """
    if _of_the_machine():
        if tunnel:
            raise BackendError(_NEEDED)
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            for place in _cover(tunnel=tunnel):
                stack.callback(syscalls.unmount, place)
        except OSError as error:
            raise BackendError(f"{_NEEDED} ({error.strerror})") from None
        yield


@contextlib.contextmanager
def own_files(files: Mapping[str, str]) -> Iterator[None]:
    """Have files of this machine show something else to this process and what it starts, and then no more.

    Raises:
        BackendError: one is not there, or this process may not mount for itself alone.
    """
    if files and _of_the_machine():
        raise BackendError(_NEEDED)
    with contextlib.ExitStack() as stack:
        for path, text in files.items():
            # It has a name until it is mounted only: nothing is left of it, however this process ends.
            with tempfile.NamedTemporaryFile("w", encoding="ascii", prefix="bindprobe-") as content:
                content.write(text)
                content.flush()
                os.fchmod(content.fileno(), 0o644)
                try:
                    syscalls.mount_file(content.name, path)
                except OSError as error:
                    problem = f"a world with names needs {path}, and mounts: {error.strerror}"
                    raise BackendError(problem) from None
            stack.callback(syscalls.unmount, path)
        yield


def _of_the_machine() -> bool:
    """Whether a mount of this process would be one of the whole machine."""
    try:
        return Path("/proc/self/ns/mnt").samefile("/proc/1/ns/mnt")
    except PermissionError:
        return False  # we are not the machine's root, so its mounts are safe from us


def _cover(*, tunnel: bool) -> Iterator[str]:
    """Mount what a host has of its own, and return where."""
    # A container may hide parts of /sys: then the kernel allows no new one, and the old one stays.
    with contextlib.suppress(OSError):
        syscalls.mount("sysfs", "/sys")
        yield "/sys"
    if tunnel:
        sockets = socket_directory()
        # What the machine lacks is not made there: the parent is covered instead.
        place = str(sockets if sockets.is_dir() else sockets.parent)
        syscalls.mount("tmpfs", place)
        yield place
        sockets.mkdir(exist_ok=True)
