"""Signals at any moment of a scan and of the doctor: it ends soon, and prints what was measured.

The program runs in a network namespace that has loopback alone, where two addresses accept and one is silent.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from probe.lab.netns import enter

pytestmark = pytest.mark.netns

TOP = Path(__file__).parents[2]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LATEST_S = 1.0  # a signal that was noted is obeyed within this
LONGEST_S = 3.0  # of the commands below, more or less
WORLD = """
ip link set lo up
nft add table ip t
nft add chain ip t c '{ type filter hook output priority 0; }'
nft add rule ip t c ip daddr 127.0.0.3 drop
python=$1; shift
exec "$python" -c '
import socket, sys, runpy
servers = [socket.create_server((f"127.0.0.{n}", port)) for n in (1, 2) for port in (22, 443, 8000)]
sys.argv[0] = "bindprobe"
runpy.run_module("probe", run_name="__main__", alter_sys=True)
' "$@"
"""
PLACES = ("lan=127.0.0.1", "vpn=127.0.0.2", "public=127.0.0.3", "-p", "22,443,8000,8001")
COMMANDS = {
    "scan by sockets": ("scan", *PLACES, "--engine", "connect", "--json"),
    "scan with raw packets": ("scan", *PLACES, "--engine", "raw", "--json"),
    "doctor": ("doctor", *PLACES, "--json"),
}


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)


@dataclass(frozen=True)
class EndedProcess:
    """How a program ended after its signal, and how many seconds that took."""

    code: int
    took: float
    out: str
    err: str


def started(*argv: str) -> subprocess.Popen[str]:
    """The program at work: it has taken its signals over."""
    process = subprocess.Popen(
        ["unshare", "-Urn", "sh", "-c", WORLD, "sh", sys.executable, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOP), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    await_that(process, lambda: {number for number in CODES if catches(process.pid, number)} == set(CODES))
    return process


def probing(*argv: str) -> subprocess.Popen[str]:
    """The program in the middle of its probes: its network has begun to open connections."""
    process = started(*argv)
    await_that(process, lambda: connections(process.pid) > 0)
    return process


def await_that(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    """Wait until something holds of a process that goes on."""
    until = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.001)


def connections(pid: int) -> int:
    """How many connections were opened in the network of a process (RFC 1213, tcpActiveOpens)."""
    lines = Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
    names, values = [line.split() for line in lines if line.startswith("Tcp:")]
    return int(dict(zip(names, values, strict=True))["ActiveOpens"])


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process handles a signal itself (proc(5), SigCgt)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = [int(one.split()[1], 16) for one in lines if one.startswith("SigCgt")]
    return bool(caught & 1 << (number - 1))


def ended(process: subprocess.Popen[str], *numbers: signal.Signals) -> EndedProcess:
    """Send signals, and wait for the end."""
    for number in numbers:
        process.send_signal(number)
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return EndedProcess(as_a_shell_reports(process.returncode), time.monotonic() - began, out, err)


def as_a_shell_reports(code: int) -> int:
    """The exit code; of a process that a signal ended too, as in the last moment of the interpreter."""
    return code if code >= 0 else 128 - code


def moments(number: int) -> Iterator[tuple[str, signal.Signals, float]]:
    """So many commands, each with its signal and when to send it, the same at every run of the test."""
    chance = random.Random(1)  # noqa: S311 - a sample, no secret
    for turn in range(number):
        name = list(COMMANDS)[turn % len(COMMANDS)]
        yield name, chance.choice(list(CODES)), chance.uniform(0, LONGEST_S)


@pytest.mark.parametrize(("name", "number", "moment"), list(moments(int(os.environ.get("SIGNALS", "24")))))
def test_a_signal_at_any_moment(name: str, number: signal.Signals, moment: float) -> None:
    """It ends with the signal's code; stdout is empty or one whole document."""
    process = started(*COMMANDS[name])
    time.sleep(moment)
    found = ended(process, number)
    assert found.err == ""
    if found.code not in {0, 1}:  # else it had ended before
        assert found.code == CODES[number]
    if found.out:
        document = json.loads(found.out)
        assert document["complete"] in {True, False}


@pytest.mark.parametrize("number", CODES, ids=lambda one: one.name)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_was_measured_is_printed(name: str, number: signal.Signals) -> None:
    """In the middle of the probes each signal ends the run with what is known, marked as incomplete."""
    found = ended(probing(*COMMANDS[name]), number)
    assert (found.code, found.err) == (CODES[number], "")
    assert json.loads(found.out)["complete"] is False


@pytest.mark.wall_time
@pytest.mark.parametrize("name", COMMANDS)
def test_it_ends_within_a_second(name: str) -> None:
    """In the middle of the probes a signal is obeyed at once."""
    assert ended(probing(*COMMANDS[name]), signal.SIGINT).took < LATEST_S


def test_a_second_one_ends_at_once() -> None:
    """Whatever is still to be printed."""
    process = probing(*COMMANDS["scan by sockets"])
    process.send_signal(signal.SIGSTOP)
    found = ended(process, signal.SIGINT, signal.SIGTERM, signal.SIGCONT)
    assert found.code in {CODES[signal.SIGINT], CODES[signal.SIGTERM]}
    assert found.out == ""


def test_what_is_ignored_stays_ignored() -> None:
    """Under nohup(1) the end of the terminal does not end the scan."""
    scan = ("scan", "127.0.0.1", "-p", "9", "--json", "--engine", "connect")
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-m", "probe", *scan],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_that(process, lambda: catches(process.pid, signal.SIGTERM))
    found = ended(process, signal.SIGHUP)
    assert found.code == 0
    assert json.loads(found.out)["complete"] is True


PATCHED = """
import os, signal, sys, time
import probe.app.scan, probe.interruption
from probe.__main__ import main

def press():
    os.kill(os.getpid(), signal.SIGINT)

{patch}
sys.argv = ["bindprobe", *sys.argv[1:]]
main()
"""


def patched(patch: str, *argv: str) -> EndedProcess:
    """The program with something put in the place of a part of it; it fails the test where it waits."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PATCHED.format(patch=patch), *argv],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return EndedProcess(done.returncode, time.monotonic() - began, done.stdout, done.stderr)


def test_a_signal_during_the_inference() -> None:
    """All was measured: it is concluded from and printed, and the code is the signal's."""
    patch = """
import probe.app.infer
infer = probe.app.infer.infer
probe.app.infer.infer = lambda *args, **more: (press(), infer(*args, **more))[1]
"""
    found = patched(patch, "scan", "127.0.0.1", "-p", "9", "--engine", "connect", "--json")
    assert (found.code, found.err) == (130, "")
    document = json.loads(found.out)
    assert document["complete"] is True
    assert document["ports"][0]["observations"][0]["reason"] == "reset"


@pytest.mark.parametrize("command", ["scan", "doctor"])
def test_a_signal_while_a_name_is_looked_up(command: str) -> None:
    """The resolver waits for a name server as long as it likes; the program does not."""
    patch = """
import socket, threading
real = socket.getaddrinfo
def hanging(name, *args, **more):
    if name != "host.example.org":
        return real(name, *args, **more)
    threading.Timer(0.2, press).start()
    time.sleep(3600)
socket.getaddrinfo = hanging
"""
    found = patched(patch, command, "host.example.org", "--engine", "connect", "--json")
    assert (found.code, found.out, found.err) == (130, "", "")


def test_a_signal_while_the_program_loads() -> None:
    """Before anything was measured: no trace, nothing on stdout, the signal's code."""
    patch = """
watch = probe.interruption.watch
probe.interruption.watch = lambda: (watch(), press())
"""
    found = patched(patch, "scan", "127.0.0.1")
    assert (found.code, found.out, found.err) == (130, "", "")


def test_a_signal_in_a_pause_of_the_watch() -> None:
    """What was printed stays, and the pause is not waited for."""
    patch = """
sleep = probe.interruption.sleep
probe.interruption.sleep = lambda seconds: (press(), sleep(seconds))
"""
    found = patched(patch, "doctor", "127.0.0.1", "-p", "9", "--engine", "connect", "--watch", "3600")
    assert (found.code, found.err) == (130, "")
    assert "not-bound" in found.out
