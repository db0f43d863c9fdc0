"""Getting into a place where worlds may be built: a network namespace that leads nowhere.

It has mounts of its own too. An ordinary user gets one together with a user namespace in which it is root
(user_namespaces(7)); root gets one without. Nothing that is built there can send a packet to a real network.
"""

import functools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence

from probe import interruption
from probe.errors import BackendError
from probe.lab.netns import syscalls

MARKER = "BINDPROBE_NETNS"
_WAYS: tuple[tuple[str, ...], ...] = (
    ("--user", "--map-root-user", "--net", "--mount"),
    ("--net", "--mount"),
)
_NEEDED = ("ip", "nft")
_TRIAL = "ip link add name one type veth peer name other && nft add table inet trial"
_WITH_LOOPBACK = 'ip link set lo up && exec "$0" "$@"'
_EXIT_BY_SIGNAL = 128


def inside() -> bool:
    """Whether this process was put into such a namespace, and it does lead nowhere."""
    return MARKER in os.environ and way_out() is None


def way_out() -> str | None:
    """Name an interface that might lead out of this network namespace; None where there is none."""
    for _, name in socket.if_nameindex():
        if name != "lo" and syscalls.is_up(name):
            return name
    return None


def require_no_way_out() -> None:
    """Refuse to go on where a packet could leave.

    Raises:
        BackendError: this is not a namespace made for worlds.
    """
    if MARKER not in os.environ:
        raise BackendError("not in a network namespace made for worlds; use `bindprobe lab run`")
    interface = way_out()
    if interface is not None:
        raise BackendError(f"this network namespace has a way out: {interface}")


def available() -> str | None:
    """Find why no world can be built on this machine; None: it can."""
    if inside():
        return None
    way = _way()
    return way if isinstance(way, str) else None


def command(argv: Sequence[str]) -> list[str]:
    """Return the command that runs another one in a fresh namespace, or right here when already in one.

    It needs `environment()`.

    Raises:
        BackendError: no such namespace can be made on this machine.
    """
    if inside():
        return list(argv)
    way = _way()
    if isinstance(way, str):
        raise BackendError(way)
    return [*way, "sh", "-c", _WITH_LOOPBACK, *argv]


def reenter(argv: Sequence[str]) -> int:
    """Run a command in a fresh namespace (or right here, when already in one); return its exit code.

    The command ends with this process. A signal that ends it gives 128 and its number. What interrupts
    this process is handed on, the terminal's Ctrl-C too: the command has a process group of its own.

    Raises:
        BackendError: no such namespace can be made on this machine.
    """
    die_too = functools.partial(syscalls.die_with_parent, os.getpid())
    with subprocess.Popen(command(argv), env=environment(), preexec_fn=die_too, process_group=0) as process:  # noqa: PLW1509, S603 - one system call; the caller's own command
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(interruption.number() or signal.SIGINT)
            code = process.wait()
    return code if code >= 0 else _EXIT_BY_SIGNAL - code


def environment() -> dict[str, str]:
    """Return the environment of a process in there: marked, and able to find `ip` and `nft`."""
    return {**os.environ, MARKER: "1", "PATH": _search_path()}


def _search_path() -> str:
    """Return PATH with the places where administrators' tools are, which users often lack."""
    return ":".join(dict.fromkeys([*os.environ.get("PATH", os.defpath).split(":"), "/usr/sbin", "/sbin"]))


@functools.cache
def _way() -> tuple[str, ...] | str:
    """Return the command that leads in, or why there is none."""
    unshare = shutil.which("unshare", path=_search_path())
    if unshare is None:
        return "unshare is not installed (package util-linux)"
    missing = [tool for tool in _NEEDED if shutil.which(tool, path=_search_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (packages iproute2, nftables)"
    complaint = ""
    for options in _WAYS:
        trial = [unshare, *options, "sh", "-c", _TRIAL]
        done = subprocess.run(trial, env=environment(), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        if done.returncode == 0:
            return (unshare, *options)
        complaint = complaint or next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
    hint = "; root may, with sudo" if os.geteuid() else ""
    return f"this machine does not let us make user and network namespaces: {complaint}{hint}"
