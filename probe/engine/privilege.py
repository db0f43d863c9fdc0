"""The right to send raw packets: whether this process has it, how to get it, and giving it up again.

Lives here: CAP_NET_RAW of Linux (capabilities(7)). On other systems this program sends no raw packets: it
reads the answers from packet sockets (packet(7)), which only Linux has.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

from probe.errors import BackendError

_VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3, linux/capability.h
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 38, 47  # linux/prctl.h
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SETS = "=6I"  # effective, permitted and inheritable of the lower 32 capabilities, then of the upper ones
_SETS_BYTES = struct.calcsize(_SETS)
_CAP_NET_RAW = 13  # linux/capability.h

OTHER_SYSTEM = (
    "raw packets are sent on Linux only: reading their answers takes packet sockets; use the connect engine"
)
_OF_ROOT = (
    "raw packets need CAP_NET_RAW, which root does not have here (a container gets it by --cap-add NET_RAW)"
)
_OF_USER = (
    "raw packets need CAP_NET_RAW: run bindprobe with sudo, or as yourself with that capability alone:"
    " sudo setpriv --reuid={user} --regid={group} --init-groups --inh-caps=+net_raw --ambient-caps=+net_raw"
    " bindprobe ..."
)


def is_supported() -> bool:
    """Whether raw packets are sent on this kind of system at all."""
    return sys.platform == "linux"


def take_up() -> None:
    """Make CAP_NET_RAW effective where this thread is permitted it but does not have it in use.

    So it is where an executable file permits it without making it effective, as the container image's does:
    such a program starts without the capability too (capabilities(7), File capabilities).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    this_thread = struct.pack("=Ii", _VERSION_3, 0)
    sets = ctypes.create_string_buffer(_SETS_BYTES)
    _checked(libc.capget(this_thread, sets))
    effective, permitted, *rest = struct.unpack(_SETS, sets.raw)
    wanted = effective | permitted & 1 << _CAP_NET_RAW
    if wanted != effective:
        _checked(libc.capset(this_thread, struct.pack(_SETS, wanted, permitted, *rest)))


def missing() -> str | None:
    """What this process lacks for raw packets, and how to get it, in one line; None: it may send them."""
    if not is_supported():
        return OTHER_SYSTEM
    take_up()
    try:
        with (
            socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0),
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        ):
            return None
    except OSError as problem:
        return explain(problem)


def explain(problem: OSError) -> str:
    """Why the sockets of raw packets could not be opened, in one line."""
    if problem.errno not in {errno.EPERM, errno.EACCES}:
        return f"this system has no sockets for raw packets ({problem.strerror}); use the connect engine"
    if os.geteuid() == 0:
        return _OF_ROOT
    return _OF_USER.format(user=os.getuid(), group=os.getgid())


def drop() -> None:
    """Give up every capability of this thread for good; sockets that are open stay usable.

    Threads and commands that it starts later have none either, nor can they gain any (no_new_privs). Root
    remains the owner of its files. On systems without capabilities nothing happens.

    Raises:
        BackendError: the kernel refuses.
    """
    if not is_supported():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    this_thread = struct.pack("=Ii", _VERSION_3, 0)
    _checked(libc.capset(this_thread, bytes(_SETS_BYTES)))


def _checked(result: int) -> None:
    if result != 0:
        raise BackendError(f"cannot change privileges: {os.strerror(ctypes.get_errno())}")
