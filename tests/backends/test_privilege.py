"""The right to send raw packets: checked, used by a user with one capability, and given up for good."""

import errno
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from nobody import ENVIRONMENT, OTHER_USER, TOP, python_for_nobody, require_root

from probe.backends import privilege, raw
from probe.errors import PrivilegeError
from probe.lab.netns import enter

NET_RAW = ("--inh-caps=+net_raw", "--ambient-caps=+net_raw")

# Opens the backend, gives everything up, and reports what is left. Probes loopback only.
SCRIPT = """
import json, socket, subprocess, sys
from ipaddress import ip_address
from probe.backends import privilege, raw
from probe.backends.system_host import SystemHost
from probe.model.probing import Probe, Question, Shape
from probe.model.target import Port, Protocol

def errno_of(attempt):
    try:
        attempt().close()
    except OSError as problem:
        return problem.errno

def probed(number):
    here = ip_address("127.0.0.1")
    for name, shape in enumerate((Shape.ECHO, Shape.WHO_HAS), number):
        backend.send(Probe(name, Question(here, Port(Protocol.TCP, 0), shape=shape)))
    until, received = backend.now() + 2, []
    while backend.now() < until and len(received) < 2:
        received += [reply.reason for reply in backend.receive(until)]
    return sorted(received)

missing = privilege.missing()
if missing is not None:
    json.dump({"missing": missing}, sys.stdout)
    sys.exit()
backend = raw.open_raw(SystemHost())
found = {"missing": None, "before": probed(1)}
privilege.drop()
sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
found["capabilities"] = [line.split()[1] for line in open("/proc/self/status") if line.startswith(sets)]
found["packet socket"] = errno_of(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0))
found["raw socket"] = errno_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
found["after"] = probed(3)
child = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)"
found["child"] = subprocess.run([sys.executable, "-c", child], capture_output=True).returncode
found["missing after"] = privilege.missing()
json.dump(found, sys.stdout)
"""


def run(*prefix: str, python: str = sys.executable) -> Any:
    command = (*prefix, *ENVIRONMENT, python, "-c", SCRIPT)
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def world() -> tuple[str, ...]:
    """A command that runs another one as root of a network that leads nowhere."""
    require_root()
    return ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@pytest.fixture
def python(world: tuple[str, ...]) -> str:
    """An interpreter that the user nobody may run."""
    return python_for_nobody()


def assert_given_up(found: Any) -> None:
    assert found["capabilities"] == ["0" * 16] * 4
    assert (found["packet socket"], found["raw socket"]) == (errno.EPERM, errno.EPERM)
    assert found["before"] == found["after"] == ["echo-reply", "not-sent"]
    assert found["child"] != 0
    assert "CAP_NET_RAW" in found["missing after"]


@pytest.mark.nobody
def test_root_gives_everything_up(world: tuple[str, ...]) -> None:
    """After it no raw socket can be opened, by this process or a child; the open backend still probes."""
    assert_given_up(run(*world))


@pytest.mark.nobody
def test_one_capability_is_enough_and_is_given_up(world: tuple[str, ...], python: str) -> None:
    """An ordinary user with CAP_NET_RAW alone opens the backend, and loses the right as root does."""
    assert_given_up(run(*world, *OTHER_USER, *NET_RAW, python=python))


@pytest.mark.nobody
def test_an_ordinary_user_sees_what_is_missing(world: tuple[str, ...], python: str) -> None:
    """Without any capability the one line names it, sudo, and the command for this user."""
    missing = run(*world, *OTHER_USER, python=python)["missing"]
    assert "\n" not in missing
    for word in ("CAP_NET_RAW", "sudo", "setpriv", "--reuid=65534", "--ambient-caps=+net_raw"):
        assert word in missing
    assert "setcap" not in missing


EXPLANATIONS = [
    (errno.EPERM, 0, "--cap-add NET_RAW"),
    (errno.EPERM, 1000, "sudo"),
    (errno.EACCES, 1000, "sudo"),
    (errno.EAFNOSUPPORT, 0, "no sockets for raw packets"),
]


@pytest.mark.parametrize(("number", "user", "word"), EXPLANATIONS)
def test_each_cause_has_its_line(number: int, user: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks the right is shown how to get it; what a kernel lacks is named."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert word in privilege.explain(OSError(number, os.strerror(number)))


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
def test_other_systems_are_named_plainly(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere the answer is no, before anything is tried, and there is nothing to give up."""
    monkeypatch.setattr(sys, "platform", system)
    missing = privilege.missing()
    assert missing is not None
    assert "Linux only" in missing
    with pytest.raises(PrivilegeError, match="Linux only"):
        raw.open_raw(None)  # type: ignore[arg-type]
    privilege.drop()


def test_a_refusal_to_drop_is_reported() -> None:
    """A system call that fails is an error, never silence."""
    with pytest.raises(PrivilegeError, match="cannot change privileges"):
        privilege._checked(-1)


@pytest.mark.netns
def test_it_is_there_in_a_world() -> None:
    """Inside a namespace made for worlds nothing is missing."""
    if enter.available() is not None:
        pytest.skip(str(enter.available()))
    script = "from probe.backends import privilege; print(privilege.missing())"
    done = subprocess.run(
        enter.command([sys.executable, "-c", script]),
        env={**enter.environment(), "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"


# Keeps every capability permitted, and uses none: as a program whose file permits them without more.
UNUSED = """
import ctypes, struct
from probe.backends import privilege
libc = ctypes.CDLL(None)
head, sets = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
libc.capget(head, sets)
words = struct.unpack("=6I", sets.raw)
assert libc.capset(head, struct.pack("=6I", 0, words[1], words[2], 0, words[4], words[5])) == 0
first = privilege.missing()
effective = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))
print(first, int(effective, 16) == 1 << 13)
privilege.drop()
print(privilege.missing() is None)
"""


@pytest.mark.nobody
def test_what_is_permitted_is_taken_up(world: tuple[str, ...]) -> None:
    """A capability that lies unused is used, that one alone; once given up it does not come back."""
    command = (*world, *ENVIRONMENT, sys.executable, "-c", UNUSED)
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["None", "True", "False"], done.stderr
