"""The few system calls that Python 3.11 has no name for. Linux only; knows nothing of scenarios.

Constants from include/uapi/linux/{sched,prctl,mount,sockios,ethtool,if}.h.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_SIOCGIFFLAGS = 0x8913
_SIOCETHTOOL = 0x8946
_IFF_UP = 0x1
_IFF_RUNNING = 0x40
_OFFLOADS_OFF = (0x17, 0x24)  # ETHTOOL_STXCSUM, ETHTOOL_SGSO


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def new_network() -> None:
    """Give the calling thread a new, empty network namespace (unshare(2)).

    Raises:
        OSError: not allowed.
    """
    _checked(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET), "new network namespace")


def new_mounts() -> None:
    """Give this process mounts that nobody else sees (mount_namespaces(7)).

    Raises:
        OSError: not allowed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.unshare(_CLONE_NEWNS), "new mount namespace")
    _checked(libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "private mounts")


def mount(kind: str, where: str) -> None:
    """Mount a new file system of a kind that needs no device, over whatever is there (mount(2)).

    Raises:
        OSError: not allowed, or no such directory.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.mount(b"none", where.encode(), kind.encode(), 0, None), f"mount {kind} on {where}")


def mount_file(content: str, where: str) -> None:
    """Have another file stand where a file is (mount(2), MS_BIND). `content`: its path.

    Raises:
        OSError: not allowed, or one of them is not there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(content.encode(), where.encode(), None, _MS_BIND, None)
    _checked(done, f"mount {content} on {where}")


def unmount(where: str) -> None:
    """Take the topmost file system off a directory, even while files of it are open.

    Raises:
        OSError: not allowed, or none is mounted there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.umount2(where.encode(), _MNT_DETACH), f"unmount {where}")


def current_network() -> int:
    """Open the calling thread's network namespace; the caller closes the descriptor."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter_network(namespace: int) -> None:
    """Move the calling thread into a network namespace (setns(2)).

    Raises:
        OSError: not allowed.
    """
    _checked(ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET), "enter network namespace")


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the process `parent` ends; end at once if it already has."""
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def _flags(interface: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", interface.encode(), 0)
        flags: int = struct.unpack_from("16xH", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[0]
    return flags


def is_up(interface: str) -> bool:
    """Whether the interface is switched on.

    Raises:
        OSError: no such interface.
    """
    return bool(_flags(interface) & _IFF_UP)


def is_running(interface: str) -> bool:
    """Whether the interface is up and its other end too.

    Raises:
        OSError: no such interface.
    """
    return bool(_flags(interface) & _IFF_RUNNING)


def checksum_in_software(interface: str) -> None:
    """Have the kernel finish each packet (checksum, size) before it leaves: a cable reads it as it is.

    Raises:
        OSError: no such interface, or it cannot.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in _OFFLOADS_OFF:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0), 8)
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, _SIOCETHTOOL, request)
