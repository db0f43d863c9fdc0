"""The real services of a host: starting them, waiting until they answer, and ending them. Linux only.

Each runs as a user without privileges, which PostgreSQL insists on, and is the first process of a process
namespace: the kernel ends all of its children with it (pid_namespaces(7)). Its System V memory ends with it
too. Where a world has no user but root, this one is made by a user namespace inside of the world's. In a
container the host is the caller's own, None, and all of it ends with the container.
"""

import functools
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from probe.errors import BackendError
from probe.lab import small_app
from probe.lab.daemons import HOME, TOOLS, Daemon, ServiceCheck
from probe.lab.netns import enter, programs, syscalls
from probe.lab.netns.programs import Program
from probe.lab.scenario_hosts import ServiceKind
from probe.model.target import Protocol

_NOBODY = 65534
_ALONE = ("unshare", "--pid", "--ipc", "--fork", "--kill-child")
_USER = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
_IN_CONTAINER = ("setpriv", *_USER, "--pdeathsig", "KILL")
_OTHER_USER = (*_ALONE, *_IN_CONTAINER)
_OTHER_NAMESPACE = (*_ALONE, "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
_EVERYBODY = 0o1777
_PATIENCE = 0.5  # seconds for one answer
_UNTIL_UP = 30.0  # seconds: a database is made first
_LONGEST_ANSWER = 512
_KIND = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}
_POSTGRESQL = Path("/usr/lib/postgresql")  # Debian has a directory for each version


def daemons_available(kinds: Iterable[ServiceKind]) -> str | None:
    """Find why these services cannot run in worlds of this machine; None: they can."""
    return not_installed(kinds) or enter.available() or _machine_lacks()


def not_installed(kinds: Iterable[ServiceKind]) -> str | None:
    """Find which programs of these services are missing, with their packages; None: they are there."""
    tools = {tool: package for kind in kinds for tool, package in TOOLS[kind].items()}
    return programs.not_installed(tools, *map(str, _POSTGRESQL.glob("*/bin")))


@functools.cache
def _machine_lacks() -> str | None:
    """Find why nobody else can be made in a world; None: it can."""
    trial = 'mount -t tmpfs none /run || exit; mount -t tmpfs none /dev/shm || exit; exec "$@"'
    inside = ["unshare", "--mount", "sh", "-c", trial, "sh"]
    ways = [enter.command([*inside, *way, "true"]) for way in (_OTHER_NAMESPACE, _OTHER_USER)]
    ended = [_attempt(way) for way in ways]
    if any(done.returncode == 0 for done in ended):
        return None
    complaint = next(iter(ended[0].stderr.splitlines()), f"exit code {ended[0].returncode}")
    return f"this machine does not let us run services as another user: {complaint}"


def _attempt(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=enter.environment(), capture_output=True, text=True, check=False)  # noqa: S603 - our own words


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """A service on the host of process `host`, or on our own."""

    daemon: Daemon
    program: Program
    host: int | None

    def await_answers(self) -> None:
        """Wait until it answers on each of its sockets, asked from its own host.

        Raises:
            BackendError: it does not, or ends before.
        """
        self.program.await_that(self._answers, _UNTIL_UP)

    def _answers(self) -> bool:
        with _in_network(self.host):
            return all(map(_answered, self.daemon.checks))

    def end(self) -> None:
        """End it with all its children: when its first process is gone, so are the others."""
        for pid in () if self.host is None else _children(self.program.pid):
            with suppress(ProcessLookupError):  # it has just ended
                _kill(pid)
            self.program.await_end()
        self.program.end()


def start_daemons(daemons: Iterable[Daemon], host: int | None, stack: ExitStack) -> list[RunningDaemon]:
    """Start services on the host of process `host` (None: our own), all at once; `stack` ends them.

    Raises:
        BackendError: one is not installed, or this machine cannot run it.
        OSError: the host has no place for their files.
    """
    wanted = tuple(daemons)
    if not wanted:
        return []
    kinds = [one.kind for one in wanted]
    lacking = not_installed(kinds) if host is None else daemons_available(kinds)
    if lacking is not None:
        raise BackendError(lacking)
    home = _directory(host, HOME)
    app = home / "app.py"
    app.write_bytes(Path(small_app.__file__).read_bytes())
    app.chmod(0o644)
    return [_start(one, host, stack) for one in wanted]


def _start(daemon: Daemon, host: int | None, stack: ExitStack) -> RunningDaemon:
    place = _directory(host, daemon.directory)
    for name, text in daemon.files.items():
        (place / name).write_text(text, encoding="ascii")
        (place / name).chmod(0o644)
    known = ("env", f"PYTHON={sys.executable}", f"APP={HOME}/app.py")
    script = f"cd {daemon.directory}\n{daemon.script}"
    program = Program(host, [*_somebody_else(host), *known, "sh", "-ec", script], name=daemon.kind)
    running = RunningDaemon(daemon, program, host)
    stack.callback(running.end)
    return running


def _somebody_else(host: int | None) -> tuple[str, ...]:
    """How to run as a user without privileges: one that this namespace has, or one that is made."""
    if host is None:
        return _IN_CONTAINER
    rows = (line.split() for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines())
    mapped = any(int(first) <= _NOBODY < int(first) + int(count) for first, _, count in rows)
    return _OTHER_USER if mapped else _OTHER_NAMESPACE


def _directory(host: int | None, path: str) -> Path:
    """Make a directory on a host for everybody."""
    made = Path(path if host is None else f"/proc/{host}/root{path}")
    made.mkdir()
    made.chmod(_EVERYBODY)
    return made


@contextmanager
def _in_network(host: int | None) -> Iterator[None]:
    """Have this thread be in the network of a host: sockets that are made meanwhile stay there."""
    if host is None:
        yield
        return
    with ExitStack() as stack:
        before = syscalls.current_network()
        stack.callback(os.close, before)
        there = os.open(f"/proc/{host}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, there)
        syscalls.enter_network(there)
        stack.callback(syscalls.enter_network, before)
        yield


def _answered(check: ServiceCheck) -> bool:
    """Whether a service answers as it should."""
    family = socket.AF_INET6 if ":" in check.address else socket.AF_INET
    with socket.socket(family, _KIND[check.protocol]) as opened:
        opened.settimeout(_PATIENCE)
        try:
            opened.connect((check.address, check.port))
            opened.sendall(check.request)
            return not check.response or opened.recv(_LONGEST_ANSWER).startswith(check.response)
        except OSError:
            return False  # not yet; the reason is in its output, if it ends


def _children(pid: int) -> list[int]:
    """The processes that a process has started; none where it has ended (proc(5), CONFIG_PROC_CHILDREN)."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except FileNotFoundError:
        return []


def _kill(pid: int) -> None:
    """End a process, and wait until it has ended."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [])
    finally:
        os.close(process)
