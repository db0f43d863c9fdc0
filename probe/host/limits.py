"""What this process may do here without privileges: ping, and how many files it may have open."""

import socket
import sys


def ping_allowed() -> bool | None:
    """Whether echo requests need no privilege (Linux: net.ipv4.ping_group_range, icmp(7)); nothing is sent.

    None where the system has no such sockets at all.
    """
    if sys.platform == "win32":
        return None
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return False
    except OSError:  # no such sockets
        return None
    return True


def open_files() -> tuple[int, int] | None:
    """Soft and hard limit of file descriptors (getrlimit(2)); no limit is told as the greatest number."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _number(soft), _number(hard)


def _number(limit: int) -> int:
    return sys.maxsize if limit < 0 else limit
