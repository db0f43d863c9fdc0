"""A reader in a process of its own: the same answers, also late ones, mistakes, and its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.errors import BackendError
from probe.interruption import StopRequestedError
from probe.machine.reader_process import ReaderProcess
from probe.model.facts import LinkKind
from probe.model.machine import Link, Machine, Tunnel, TunnelKind

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def nothing() -> None:
    """Give up nothing."""


class ScriptedTunnels:
    """Counts its looks in what it reports; `lo` stands for an interface that exists."""

    def __init__(self) -> None:
        self.looks = 0

    def machine(self) -> Machine:
        self.looks += 1
        return Machine(f"look {self.looks}", (), ())

    def tunnels(self) -> tuple[Tunnel, ...]:
        self.looks += 1
        return tuple(map(self._tunnel, ("tun0", "tun1")))

    def tunnel(self, interface: str) -> Tunnel | None:
        self.looks += 1
        return self._tunnel(interface)

    def _tunnel(self, interface: str) -> Tunnel:
        return Tunnel(Link(interface, LinkKind.TUNNEL, up=True, running=True), TunnelKind.OTHER)


class Broken(ScriptedTunnels):
    """Fails at half of its looks."""

    def machine(self) -> Machine:
        raise LookupError("lost it")


def test_it_answers_like_the_reader_itself() -> None:
    """Machine and tunnel, as they are at the time of asking; this process's own reader stays untouched."""
    reader = ScriptedTunnels()
    with ReaderProcess(reader, nothing) as apart:
        assert apart.machine() == Machine("look 1", (), ())
        found = apart.tunnel("lo")
        assert found is not None
        assert found.link.name == "lo"
        assert [one.link.name for one in apart.tunnels()] == ["tun0", "tun1"]
        assert apart.machine().system == "look 4"
    assert reader.looks == 0


@pytest.mark.parametrize("name", ["no-such-link", "--help", "a b", "wg0\n"])
def test_only_interfaces_are_asked_about(name: str) -> None:
    """What is no interface of this machine never gets to the tools."""
    with ReaderProcess(ScriptedTunnels(), nothing) as apart:
        assert apart.tunnel(name) is None
        assert apart.machine().system == "look 1"


def test_a_mistake_in_the_reader_is_seen_here() -> None:
    """An exception comes over the pipe, and the process goes on."""
    with ReaderProcess(Broken(), nothing) as apart:
        with pytest.raises(RuntimeError, match="LookupError: lost it"):
            apart.machine()
        assert apart.tunnel("lo") is not None


def test_an_answer_that_nobody_waited_for_is_dropped() -> None:
    """A question that Ctrl-C ended does not become the answer of the next."""
    with ReaderProcess(ScriptedTunnels(), nothing) as apart:
        apart._pipe.send_bytes(f"{next(apart._numbers)} machine".encode())
        assert apart.machine().system == "look 2"


def test_it_ends_with_the_pipe() -> None:
    """Nothing is left running, and who asks afterwards gets an error."""
    with ReaderProcess(ScriptedTunnels(), nothing) as apart:
        pid = apart._pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(BackendError, match="has ended"):
        apart.machine()


PRIVILEGES = """
import os
from pathlib import Path
from probe.backends import privilege
from probe.machine import tools
from probe.machine.reader_process import ReaderProcess
from probe.model.machine import Machine

def capabilities():
    lines = Path("/proc/self/status").read_text().splitlines()
    return [int(one.split()[1], 16) for one in lines if one.startswith("Cap")]

class Reader:
    def machine(self):
        child = tools.ask(["grep", "Cap", "/proc/self/status"]).output.split()[1::2]
        return Machine(repr((capabilities(), [int(one, 16) for one in child], dict(os.environ))), (), ())

    tunnels = machine

with ReaderProcess(Reader(), privilege.keep_what_reads) as apart:
    privilege.drop()
    here, (there, child, environ) = capabilities(), eval(apart.machine().system)
    print(here, there, child, environ["PATH"], len(environ), sep="\\n")
"""
READING = 1 << 12 | 1 << 13 | 1 << 19  # CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE: linux/capability.h


@pytest.mark.nobody
def test_it_keeps_what_reading_takes(tmp_path: Path) -> None:
    """After the drop there is no capability here; the reader and its tools have three, and a fixed PATH."""
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to give up")
    (tmp_path / "grep").write_text("#!/bin/sh\necho planted\n")
    (tmp_path / "grep").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "WHATEVER": "1"}
    command = [sys.executable, "-c", PRIVILEGES]
    done = subprocess.run(command, cwd=TOP, env=env, capture_output=True, text=True, timeout=60, check=True)
    here, there, child, path, variables = done.stdout.splitlines()
    assert here == str([0] * 5)
    assert there == str([0, READING, READING, READING, 0])
    assert child == str([0, READING, READING, READING, 0])
    assert str(tmp_path) not in path
    assert variables == "2"


def test_it_ends_with_the_prober() -> None:
    """Should the prober be killed, neither the reader nor the tool that it runs is left."""
    script = """
import os, sys
from probe.machine import tools
from probe.machine.reader_process import ReaderProcess

class Slow:
    def machine(self):
        tools.ask(["sleep", "60"], within=60)

    tunnels = machine

apart = ReaderProcess(Slow(), lambda: None)
apart._pipe.send_bytes(b"1 machine")
print(apart._pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as prober:
        assert prober.stdout is not None
        reader = int(prober.stdout.readline())
        children = Path(f"/proc/{reader}/task/{reader}/children")
        until = time.monotonic() + 10
        while not children.read_text() and time.monotonic() < until:
            time.sleep(0.01)
        tool = int(children.read_text())
        prober.kill()
    until = time.monotonic() + 10
    while not (has_ended(reader) and has_ended(tool)) and time.monotonic() < until:
        time.sleep(0.01)
    assert has_ended(reader)
    assert has_ended(tool)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits only for its parent to take note (proc(5), State)."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_a_signal_ends_the_waiting(interrupt: Callable[[], None]) -> None:
    """Once a signal asked for the end, no answer is waited for: it would come after a minute."""

    class Slow(ScriptedTunnels):
        def machine(self) -> Machine:
            time.sleep(60)
            return super().machine()

    with ReaderProcess(Slow(), nothing) as apart:
        interrupt()
        with pytest.raises(StopRequestedError):
            apart.machine()
        assert not has_ended(apart._pid)
        os.kill(apart._pid, signal.SIGKILL)
        os.waitpid(apart._pid, 0)
