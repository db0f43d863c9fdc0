"""What a terminal shows while a scan runs: each address, how far it is, and what is open there so far."""

import contextlib
import fcntl
import io
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from test_terminal import Screen

from probe.cli.progress import LiveView
from probe.model.probing import Observation, Question, Reason, Role, Shape
from probe.model.target import Port, Protocol

LAN, VPN = ip_address("192.168.77.10"), ip_address("fd88::10")
SETTLED = "lan 192.168.77.10"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A terminal of 60 columns."""
    for name in ("NO_COLOR", "FORCE_COLOR", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    usual = sys.stderr
    yield Screen()
    sys.stderr = usual


def outcome(number: int, reason: Reason, protocol: Protocol = Protocol.TCP, **more: object) -> Observation:
    return Observation(Question(LAN, Port(protocol, number), **more), reason, 1)  # type: ignore[arg-type]


def view(stream: io.StringIO, *, quiet: bool = False, count: int = 2) -> LiveView:
    sys.stderr = stream  # a fixture is too early: pytest captures each phase of a test anew
    addresses = {LAN: "lan", VPN: "vpn"} | {ip_address(f"10.0.0.{n}"): "far" for n in range(count - 2)}
    ticks = iter(range(0, 100, 2))
    return LiveView(addresses, quiet=quiet, clock=lambda: float(next(ticks)))


def test_each_address_has_its_open_ports(screen: Screen) -> None:
    """In the order in which they were found; asked once more, or for comparison, a port counts no more."""
    shown = view(screen)
    assert shown.watcher is not None
    shown.watcher([outcome(22, Reason.SYN_ACK, ttl=1), outcome(53, Reason.UDP_RESPONSE, Protocol.UDP)])
    shown.watcher([outcome(80, Reason.RESET), outcome(9, Reason.SYN_ACK, role=Role.CONTROL)])
    shown.watcher([outcome(22, Reason.TIME_EXCEEDED, ttl=1), outcome(22, Reason.RESET, shape=Shape.ACK)])
    shown.watcher([outcome(81, Reason.SYN_ACK, ttl=1), outcome(82, Reason.SYN_ACK, min_ttl=64)])
    assert list(shown.lines()) == [
        ("lan 192.168.77.10  3 ports", "  open: 22, 53/udp"),
        ("vpn fd88::10       0 ports", ""),
    ]


def test_it_is_drawn_below_the_bar_and_goes(screen: Screen) -> None:
    """A long list of ports ends with the line; at the end all of it is erased."""
    with view(screen) as shown:
        assert shown.watcher is not None
        shown.watcher([outcome(number, Reason.SYN_ACK) for number in range(1, 60)])
        shown(10, 20)
    drawn = screen.getvalue()
    assert "probing" in drawn
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", drawn).replace("\r", "\n").splitlines()
    (line,) = {line for line in lines if line.startswith(SETTLED)}
    assert (len(line), line[-1]) == (60, "…")
    assert drawn.rstrip("\r\n").endswith("\x1b[2K")


def test_many_addresses_leave_room_on_the_screen(screen: Screen) -> None:
    """Eight have a line, the others are counted."""
    assert [head for head, _ in view(screen, count=11).lines()][-1] == "and 3 more"


@pytest.mark.parametrize("case", ["quiet", "dumb", "no colour", "no terminal"])
def test_where_it_is_off(case: str, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is watched: with -q, on a dumb terminal, in a pipe; with NO_COLOR there is a bar alone."""
    if case == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    elif case == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO() if case == "no terminal" else screen
    with view(stream, quiet=case == "quiet") as shown:
        assert shown.watcher is None
        shown(1, 2)
    assert SETTLED not in screen.getvalue()
    assert ("probing" in screen.getvalue()) is (case == "no colour")


@pytest.fixture
def listening() -> Iterator[int]:
    """An open port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def on_a_terminal(*argv: str, **environ: str) -> str:
    """What the program draws on a pseudo-terminal of 80 columns; its result goes elsewhere."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    usual = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    command = [sys.executable, "-m", "probe", *argv]
    drawn = b""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=usual | {"TERM": "xterm"} | environ
    ) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # EIO: the program has ended
            while select.select([ours], [], [], 60)[0] and (part := os.read(ours, 65536)):
                drawn += part
        assert process.wait() == 0
    os.close(ours)
    return drawn.decode()


def test_on_a_real_terminal(listening: int) -> None:
    """A scan that its rate makes last two seconds shows the open port, and leaves nothing on the screen."""
    ports = f"{listening},1-300"
    drawn = on_a_terminal("127.0.0.1", "-p", ports, "--rate", "150")
    assert re.search(rf"loopback 127\.0\.0\.1  \d+ ports.*open: {listening}", drawn)
    assert drawn.endswith("\x1b[2K")
    assert "open:" not in on_a_terminal("127.0.0.1", "-p", ports, "--rate", "150", NO_COLOR="1")
