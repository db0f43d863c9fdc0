"""The program without any privilege: a user that owns nothing sees the same as root."""

import json
import socket
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from nobody import ENVIRONMENT, NOBODY, python_for_nobody, require_root


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def as_nobody() -> tuple[str, ...]:
    require_root()
    return (*NOBODY, *ENVIRONMENT)


@pytest.fixture(scope="module")
def python(as_nobody: tuple[str, ...]) -> str:
    return python_for_nobody()


def answers(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What must not depend on who asks."""
    return [
        (one["binding"], one["observations"][0]["state"], one["observations"][0]["reason"])
        for one in report["ports"]
    ]


@pytest.mark.nobody
def test_nobody_has_no_capability(as_nobody: tuple[str, ...]) -> None:
    """The test's own premise: nothing is left to the dropped process."""
    status = run((*as_nobody, "cat", "/proc/self/status")).stdout
    sets = [line.split() for line in status.splitlines() if line.startswith("Cap")]
    assert len(sets) == 5
    assert {value for _, value in sets} == {"0" * 16}


@pytest.mark.nobody
def test_same_scan_without_privilege(as_nobody: tuple[str, ...], python: str) -> None:
    """An open and a closed port on loopback: state, reason and binding are those that root gets."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        ports = [server.getsockname()[1] for server in (listening, closed)]
        closed.close()
        flags = ("-p", ",".join(map(str, ports)), "--engine", "connect", "--json")
        scan = (python, "-m", "probe", "scan", "127.0.0.1", *flags)
        reports = [run((*prefix, *scan)) for prefix in (ENVIRONMENT, as_nobody)]
    assert [done.returncode for done in reports] == [0, 0], [done.stderr for done in reports]
    root, nobody = (answers(json.loads(done.stdout)) for done in reports)
    assert nobody == root
    assert {state for _, state, _ in nobody} == {"open", "closed"}
