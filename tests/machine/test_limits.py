"""What a process may do without privileges."""

import errno
import socket
import sys

import pytest

from probe.machine.system import open_files, ping_allowed

OUTCOMES = [
    (None, True),
    (PermissionError(errno.EACCES, "Permission denied"), False),
    (PermissionError(errno.EPERM, "Operation not permitted"), False),
    (OSError(errno.EPROTONOSUPPORT, "Protocol not supported"), None),
]


@pytest.mark.parametrize(("problem", "allowed"), OUTCOMES)
def test_ping(monkeypatch: pytest.MonkeyPatch, problem: OSError | None, allowed: object) -> None:
    """A socket for echo requests opens, may not, or does not exist."""

    class Socket:
        def __init__(self, *asked: int) -> None:
            assert asked == (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
            if problem is not None:
                raise problem

        def close(self) -> None:
            pass

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(socket, "socket", Socket)
    assert ping_allowed() is allowed


def test_no_ping_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no such sockets: not known."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert ping_allowed() is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soft and hard limit; without a limit the number is as great as can be."""
    import resource  # noqa: PLC0415 - Windows has none

    assert open_files() == tuple(
        limit if limit >= 0 else sys.maxsize for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, resource.RLIM_INFINITY))
    assert open_files() == (1024, sys.maxsize)


def test_no_limits_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the module there is nothing to report."""
    monkeypatch.setitem(sys.modules, "resource", None)
    assert open_files() is None
