"""`bindprobe scan --watch` and `--prom`, of services on 127.0.0.1."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from probe.cli.main import main
from probe.report.schema import report_schema, watch_schema

USUAL = ("scan", "127.0.0.1", "--engine", "connect", "-q")


@pytest.fixture
def port() -> int:
    """A port that nothing uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_service_that_comes_up(form: str, port: int, tmp_path: Path) -> None:
    """The report, then one line when it is there, while metrics are kept; Ctrl-C ends it with 130."""
    metrics = tmp_path / "bindprobe.prom"
    more = ("--json",) if form == "json" else ()
    command = (sys.executable, "-m", "probe", *USUAL, *more, "-p", str(port))
    watch = ("--watch", "0.2s", "--prom", str(metrics))
    with subprocess.Popen((*command, *watch), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        before = metrics.read_text(encoding="utf-8")
        with socket.create_server(("127.0.0.1", port)):
            line = next(one for one in running.stdout if "opened" in one)
            after = metrics.read_text(encoding="utf-8")
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    labels = f'port="{port}",protocol="tcp",service="",address="127.0.0.1",realm="loopback"'
    assert f"bindprobe_port_open{{{labels}}} 0" in before
    assert f"bindprobe_port_open{{{labels}}} 1" in after
    if form == "json":
        Draft202012Validator(report_schema()).validate(json.loads(first))
        Draft202012Validator(watch_schema()).validate(json.loads(line))
        assert json.loads(line)["difference"]["rule"] == "opened"
    else:
        assert line[8:] == f"  {port}/tcp opened on 127.0.0.1: it was closed\n"


def test_metrics_of_one_scan(port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the report, as cron would have it."""
    metrics = tmp_path / "bindprobe.prom"
    assert main([*USUAL, "-p", str(port), "--prom", str(metrics)]) == 0
    assert str(port) in capsys.readouterr().out
    assert "bindprobe_scan_success 1\n" in metrics.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--watch", "0"), "'0' is no time"),
        (("--watch", "25h"), "'25h' is no time"),
        (("--watch", "soon"), "'soon' is no time"),
        (("--watch", "s"), "'s' is no time"),
        (("--watch", "5m", "-o", "x.txt"), "--watch and -o"),
        (("--watch", "5m", "--csv"), "no --csv"),
        (("--watch", "5m", "--redact"), "--watch and --redact"),
        (("--watch", "5m", "--strict"), "--watch and --strict"),
        (("--watch", "5m", "--confirm", "me@host"), "--watch and --confirm"),
        (("--prom", "/nowhere/x.prom"), "/nowhere/x.prom"),
    ],
)
def test_what_makes_no_sense(flags: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names it, before anything is sent."""
    assert main([*USUAL, "-p", "1", *flags]) == 2
    assert words in capsys.readouterr().err
