"""What is loaded before privileges are given up: all that is needed later, and nothing else.

Without capabilities root cannot read another user's Python. The lists of it are kept by hand.
"""

import ast
import contextlib
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.app import privileged_start

TOP = Path(__file__).parents[2]
DROPPING = """
import sys
import probe.backends.privilege, probe.backends.raw
from probe.backends.connect import ConnectBackend

probe.backends.raw.open_raw = lambda host, capture=None, interface=None: ConnectBackend()
probe.backends.privilege.missing = lambda: None
probe.backends.privilege.held = lambda: True
import probe.app.privileged_start, probe.cli.progress
probe.app.privileged_start._stays_readable = lambda: False
probe.cli.progress._PATIENCE_S = 0.0
probe.backends.privilege.drop = lambda: loaded.update(sys.modules)
loaded = set()
from probe.cli.main import main
code = main(sys.argv[1:])
print(code, *sorted(set(sys.modules) - loaded), file=sys.stderr)
"""
ON_TWO = ("scan", "lan=localhost", "public=127.0.0.2")


@pytest.fixture(scope="module")
def greeting() -> Iterator[int]:
    """A port that is open on every address of loopback, and greets: it is asked for keys and banners."""
    with socket.create_server(("0.0.0.0", 0)) as listening:

        def greet() -> None:
            with contextlib.suppress(OSError):  # it was shut down
                while True:
                    with listening.accept()[0] as peer, contextlib.suppress(OSError):
                        peer.sendall(b"220 ready\r\n")
                        peer.recv(1)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def run(*argv: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DROPPING, *argv]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.run(command, cwd=TOP, text=True, timeout=60, check=True, **streams)


@pytest.mark.parametrize("engine", ["connect", "raw"])
@pytest.mark.parametrize("form", ["-v", "--json", "--csv", "--md", "--ndjson", "--picture", "--redact"])
def test_a_scan_loads_nothing_once_privileges_are_gone(form: str, engine: str, greeting: int) -> None:
    """Names, keys and banners included, in every format."""
    done = run(*ON_TWO, "-p", f"{greeting},9,U:9", "--engine", engine, form)
    assert done.stderr.splitlines()[-1] == "0"
    assert form != "--json" or "220 ready" in done.stdout


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_an_examination_loads_nothing_once_privileges_are_gone(form: list[str]) -> None:
    """The doctor too has all that it needs before; the process that reads this machine is another one."""
    done = run("doctor", "127.0.0.1", "-p", "9", *form)
    assert done.stderr.splitlines()[-1] == "1"
    assert "not-bound" in done.stdout


def test_a_progress_bar_is_loaded_before(greeting: int) -> None:
    """On a terminal, where it is drawn at once here."""
    ours, theirs = pty.openpty()
    try:
        done = run(*ON_TWO, "-p", str(greeting), stderr=theirs, env={**os.environ, "TERM": "xterm"})
        drawn = os.read(ours, 1_000_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout
    assert "probing" in drawn
    assert drawn.splitlines()[-1].split("\x1b")[-1].endswith("0")


# What is loaded by others than us, and by whom.
BY_OTHERS = {
    "concurrent.futures.thread": "concurrent.futures, at the first thread",
    "encodings.ascii": "psutil, from what the kernel reports",
    "encodings.idna": "socket, for a name",
    "dns.rdtypes.ANY.CNAME": "dnspython, for a record of the kind",
    "dns.rdtypes.IN.A": "dnspython",
    "dns.rdtypes.IN.AAAA": "dnspython",
}


def loaded_late() -> set[str]:
    """Every module that some function of the program imports."""
    found: set[str] = set()
    for path in (TOP / "probe").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for node in (inner for function in functions for inner in ast.walk(function)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_what_is_loaded_early_is_loaded_late_otherwise() -> None:
    """Nothing is kept in the lists that no function imports any more."""
    listed = {
        *privileged_start._LATER,
        *privileged_start._LATER_IN_DOCTOR,
        *privileged_start._OPTIONAL,
    }
    assert listed - loaded_late() == set(BY_OTHERS)
