"""A reader in a process of its own: the same answers, also late ones, mistakes, and its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probe.errors import BackendError
from probe.host.reader_process import ReaderProcess
from probe.model.facts import LinkKind
from probe.model.machine import Link, Machine, Tunnel, TunnelKind

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


class Scripted:
    """Counts its looks in what it tells; `lo` stands for an interface that exists."""

    def __init__(self) -> None:
        self.looks = 0

    def machine(self) -> Machine:
        self.looks += 1
        return Machine(f"look {self.looks}", (), ())

    def tunnel(self, interface: str) -> Tunnel | None:
        self.looks += 1
        return Tunnel(Link(interface, LinkKind.TUNNEL, up=True, running=True), TunnelKind.OTHER)


class Broken(Scripted):
    """Fails at half of its looks."""

    def machine(self) -> Machine:
        raise LookupError("lost it")


def test_it_answers_like_the_reader_itself() -> None:
    """Machine and tunnel, as they are at the time of asking; this process's own reader stays untouched."""
    reader = Scripted()
    with ReaderProcess(reader) as apart:
        assert apart.machine() == Machine("look 1", (), ())
        found = apart.tunnel("lo")
        assert found is not None
        assert found.link.name == "lo"
        assert apart.machine().system == "look 3"
    assert reader.looks == 0


@pytest.mark.parametrize("name", ["no-such-link", "--help", "a b", "wg0\n"])
def test_only_interfaces_are_asked_about(name: str) -> None:
    """What is no interface of this machine never gets to the tools."""
    with ReaderProcess(Scripted()) as apart:
        assert apart.tunnel(name) is None
        assert apart.machine().system == "look 1"


def test_a_mistake_in_the_reader_is_seen_here() -> None:
    """An exception comes over the pipe, and the process goes on."""
    with ReaderProcess(Broken()) as apart:
        with pytest.raises(RuntimeError, match="LookupError: lost it"):
            apart.machine()
        assert apart.tunnel("lo") is not None


def test_an_answer_that_nobody_waited_for_is_dropped() -> None:
    """A question that Ctrl-C ended does not become the answer of the next."""
    with ReaderProcess(Scripted()) as apart:
        apart._pipe.send_bytes(f"{next(apart._numbers)} ".encode())
        assert apart.machine().system == "look 2"


def test_it_ends_with_the_pipe() -> None:
    """Nothing is left running, and who asks afterwards is told."""
    with ReaderProcess(Scripted()) as apart:
        pid = apart._pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(BackendError, match="has ended"):
        apart.machine()


PRIVILEGES = """
from pathlib import Path
from probe.engine import privilege
from probe.host.reader_process import ReaderProcess
from probe.model.machine import Machine

def capabilities():
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if "CapEff" in one]
    return line.split()[1]

class Reader:
    def machine(self):
        return Machine(capabilities(), (), ())

with ReaderProcess(Reader()) as apart:
    privilege.drop()
    print(int(capabilities(), 16) == 0, int(apart.machine().system, 16) != 0)
"""


@pytest.mark.nobody
def test_it_keeps_what_the_prober_gives_up() -> None:
    """After the drop this process has no capability, and the reader still has its own."""
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to give up")
    done = subprocess.run(
        [sys.executable, "-c", PRIVILEGES], cwd=TOP, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True True\n"
