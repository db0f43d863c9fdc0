"""`bindprobe learn` and `bindprobe check`: a gate of saved reports, and of a live service that comes up."""

import json
import socket
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from probe.app.scan import scan
from probe.cli.main import main
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.report.as_json import render_json


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.json"
    with open_world(find_scenario("demo"), "sim") as world:
        path.write_text(render_json(scan(world.target, Timing(), backends_of(world, "connect"))))
    return str(path)


@pytest.fixture
def port() -> int:
    """A port of loopback that nothing uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_learned_then_checked(report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was learned of a report is met by it: 0."""
    expect = str(tmp_path / "expect.toml")
    assert main(["learn", report, "-o", expect]) == 0
    assert main(["check", expect, "--report", report]) == 0
    assert capsys.readouterr().out == "28 met, 0 unmet, 0 unsettled\n"


def test_what_is_not_met(report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1, with the reason, in text, JSON, JUnit and annotations."""
    expect, junit = tmp_path / "expect.toml", tmp_path / "junit.xml"
    expect.write_text('[target]\nlan = "192.168.77.10"\n[port.443]\nlan = "closed"\n')
    flags = ["check", str(expect), "--report", report]
    assert main([*flags, "--junit", str(junit), "--github"]) == 1
    text = capsys.readouterr().out
    assert "NOT MET    443/tcp lan: expected closed, found open (syn-ack)\n" in text
    assert f"::error file={expect},line=4::443/tcp lan" in text
    assert ET.parse(junit).getroot().get("failures") == "1"  # noqa: S314 - written by us
    assert main([*flags, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checked"][0]["outcome"] == "unmet"


def test_what_is_unsettled(report: str, tmp_path: Path) -> None:
    """0, or 5 where that is to be an error."""
    expect = tmp_path / "expect.toml"
    expect.write_text('[target]\nlan = "192.168.77.10"\n[port.8080]\nbinding = "loopback"\n')
    flags = ["check", str(expect), "--report", report]
    assert [main(flags), main([*flags, "--strict"])] == [0, 5]


def test_mistakes(report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with a slip of a key, and none: 2, in one line."""
    expect = tmp_path / "expect.toml"
    expect.write_text("prot = 1\n")
    assert main(["check", str(expect), "--report", report]) == 2
    assert "did you mean port" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "missing.toml")]) == 2
    assert main(["learn", str(expect)]) == 2


def expectation(tmp_path: Path, port: int, word: str) -> str:
    expect = tmp_path / "expect.toml"
    expect.write_text(f'[target]\nloopback = "127.0.0.1"\n[port.{port}]\nloopback = "{word}"\n')
    return str(expect)


def test_a_scan(port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a report the target that the file names is scanned."""
    flags = ["--engine", "connect", "-q"]
    assert main(["check", expectation(tmp_path, port, "closed"), *flags]) == 0
    assert main(["check", expectation(tmp_path, port, "open"), *flags]) == 1
    assert "found closed (reset" in capsys.readouterr().out


def test_a_service_that_comes_up(port: int, tmp_path: Path) -> None:
    """--wait scans again until it is there."""
    servers: list[socket.socket] = []

    def come_up() -> None:
        servers.append(socket.create_server(("127.0.0.1", port)))

    timer = threading.Timer(2.0, come_up)
    timer.start()
    try:
        flags = ["--engine", "connect", "-q", "--wait", "60"]
        assert main(["check", expectation(tmp_path, port, "open"), *flags]) == 0
    finally:
        timer.join()
        for server in servers:
            server.close()
