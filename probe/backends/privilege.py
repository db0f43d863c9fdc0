"""Privileges: the right to send raw packets, and giving up all that this process has, for good.

Lives here: the capabilities of Linux (capabilities(7)). On other systems this program sends no raw packets:
it reads the answers from packet sockets (packet(7)), which only Linux has.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

from probe.errors import PrivilegeError

_VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3, linux/capability.h
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # linux/prctl.h
_PR_GET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 39, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITIES = range(64)  # as many as the sets have bits
_SETS = "=6I"  # effective, permitted and inheritable of the lower 32 capabilities, then of the upper ones
_SETS_BYTES = struct.calcsize(_SETS)
_THIS_THREAD = struct.pack("=Ii", _VERSION_3, 0)
_CAP_NET_ADMIN, _CAP_NET_RAW, _CAP_SYS_PTRACE = 12, 13, 19  # linux/capability.h
_READING = (_CAP_NET_ADMIN, _CAP_NET_RAW, _CAP_SYS_PTRACE)

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
    effective, permitted, inheritable = _sets()
    wanted = effective | permitted & 1 << _CAP_NET_RAW
    if wanted != effective:
        _set(wanted, permitted, inheritable)


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


def held() -> bool:
    """Whether this process may do more than its user: it is root, or has capabilities."""
    if not hasattr(os, "geteuid"):
        return False
    return os.geteuid() == 0 or (is_supported() and _sets()[1] != 0)


def keep_what_reads() -> None:
    """Give up every capability of this thread but those that reading this machine takes, and gain none again.

    CAP_NET_ADMIN for tunnels and the packet filter, CAP_NET_RAW for `iptables-save` of the older kind and to
    know whether raw packets are permitted, CAP_SYS_PTRACE to see which program holds a tunnel.

    Raises:
        PrivilegeError: the kernel refuses.
    """
    if is_supported():
        kept = _sets()[1] & sum(1 << capability for capability in _READING)
        gain_none(kept)
        _set(kept, kept, 0)


def drop() -> None:
    """Give up every capability of this thread for good, and make sure of it.

    Sockets that are open stay usable. Threads and commands that it starts later have no capability either,
    nor can they gain any (no_new_privs). Root remains the owner of its files. On systems without capabilities
    nothing happens.

    Raises:
        PrivilegeError: the kernel refuses, or some are left.
    """
    if not is_supported():
        return
    gain_none()
    _set(0, 0, 0)
    if any(_sets()) or _libc().prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        raise PrivilegeError("some capabilities could not be given up; nothing was sent")


def gain_none(kept: int = 0) -> None:
    """See to it that no command gains a capability again: by no_new_privs, and by a bounding set without any.

    Args:
        kept: those of the bounding set that stay, a bit each.

    Raises:
        PrivilegeError: the kernel refuses.
    """
    if not is_supported():
        return
    libc = _libc()
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    for capability in _CAPABILITIES:
        if not kept >> capability & 1:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # without CAP_SETPCAP refused, and not needed


def _sets() -> tuple[int, int, int]:
    """The effective, permitted and inheritable capabilities of this thread, one bit each."""
    sets = ctypes.create_string_buffer(_SETS_BYTES)
    _checked(_libc().capget(_THIS_THREAD, sets))
    words = struct.unpack(_SETS, sets.raw)
    effective, permitted, inheritable = (
        low | high << 32 for low, high in zip(words[:3], words[3:], strict=True)
    )
    return effective, permitted, inheritable


def _set(effective: int, permitted: int, inheritable: int) -> None:
    lower = (one & 0xFFFFFFFF for one in (effective, permitted, inheritable))
    upper = (one >> 32 for one in (effective, permitted, inheritable))
    _checked(_libc().capset(_THIS_THREAD, struct.pack(_SETS, *lower, *upper)))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        raise PrivilegeError(f"cannot change privileges: {os.strerror(ctypes.get_errno())}")
