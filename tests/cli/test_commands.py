"""Whole commands in this process: exit codes, one line an error, results on stdout and nothing else.

Probes go to listeners of the test on loopback, or to worlds in memory.
"""

import csv
import io
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from probe.backends.connect import ConnectBackend
from probe.cli.main import main
from probe.cli.measure import deliver
from probe.cli.options import WorldKind
from probe.cli.output import Destination
from probe.cli.worlds import scan_world
from probe.report.schema import report_schema
from probe.version import __version__


@pytest.fixture
def listener() -> Iterator[int]:
    """A TCP port that listens on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A report of the demo, in a file."""
    path = tmp_path / "report.json"
    assert main(["demo", "--world", "sim", "--json", "-o", str(path)]) == 0
    assert capsys.readouterr().out == ""
    return path


BAD = [
    (["scan"], 2, "no address given"),
    (["scan", "127.0.0.1", "-p", "65536"], 2, "'65536'"),
    (["scan", "127.0.0.1", "-p", "3-1"], 2, "did you mean 1-3"),
    (["scan", "127.0.0.1", "-p", ""], 2, "empty"),
    (["scan", "127.0.0.1", "--running", "1,,2"], 2, "1,,2"),
    (["scan", "127.0.0.1/8"], 2, "127.0.0.1/8"),
    (["scan", "fe80::1"], 2, "name its interface"),
    (["scan", "lan="], 2, "no address follows"),
    (["scan", "127.0.0.1", "-6"], 2, "IPv4"),
    (["scan", "127.0.0.1", "--json", "--csv"], 2, "--json and --csv"),
    (["scan", "127.0.0.1", "--plan", "--md"], 2, "--plan and --md"),
    (["scan", "127.0.0.1", "--timeout", "0"], 2, "--timeout 0"),
    (["scan", "127.0.0.1", "--timeout", "nan"], 2, "--timeout nan"),
    (["scan", "127.0.0.1", "--timeout", "soon"], 2, "--timeout"),
    (["scan", "127.0.0.1", "--rate", "-1"], 2, "--rate -1"),
    (["scan", "127.0.0.1", "--rate", "inf"], 2, "--rate inf"),
    (["scan", "127.0.0.1", "--retries", "-1"], 2, "--retries"),
    (["scan", "127.0.0.1", "--engine", "warp"], 2, "--engine"),
    (["scan", "127.0.0.1", "--engine", "raw"], 4, "CAP_NET_RAW"),
    (["scan", "127.0.0.1", "-o", "/nowhere/at/all"], 2, "no folder"),
    (["scan", "127.0.0.1", "--bogus"], 2, "--bogus"),
    (["scna", "127.0.0.1"], 2, "did you mean scan"),
    (["dotcor"], 2, "bindprobe scan dotcor"),
    (["Lab1"], 2, "did you mean lab"),
    (["127.0.0.0/8"], 2, "is a network"),
    (["127.0.0.300"], 2, "no IPv4 address"),
    (["127.0.0.1", "-p", "22/sctp"], 2, "no protocol"),
    (["--bogus", "127.0.0.1"], 2, "--bogus"),
    (["127.0.0.1", "--top-ports", "0"], 2, "--top-ports 0"),
    (["127.0.0.1", "--top-ports", "9999"], 2, "-p all"),
    (["127.0.0.1", "--top-ports", "5", "-p", "80"], 2, "--top-ports"),
    (["explain", "missing.json", "80"], 2, "missing.json"),
    (["explain", "missing.json"], 2, "PORT"),
    (["lab", "run", "no-such-world"], 2, "no-such-world"),
]


@pytest.mark.parametrize(
    "argv",
    [
        ["127.0.0.1:{port}"],
        ["http://127.0.0.1:{port}/"],
        ["127.0.0.1", "-p", "{port}/tcp"],
        ["-p", "{port}", "127.0.0.1"],
        ["--lan", "127.0.0.1:{port}"],
        ["scan", "127.0.0.1:{port}"],
    ],
)
def test_an_address_is_enough(argv, listener: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command it is a scan, of the port that is part of the address."""
    assert main([*(word.format(port=listener) for word in argv), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(port["port"], port["exposed_on"]) for port in report["ports"]] == [(listener, ["127.0.0.1"])]


def test_top_ports(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan has as many ports as were asked for, beside its controls."""
    assert main(["127.0.0.1", "--top-ports", "3", "--plan", "--json"]) == 0
    (address,) = json.loads(capsys.readouterr().out)["addresses"]
    assert [port["number"] for port in address["tested"]] == [22, 80, 443]


@pytest.mark.parametrize("short", [["-V"], ["-h"], ["scan", "-h"], ["doctor", "-h"]])
def test_short_options(short, capsys: pytest.CaptureFixture[str]) -> None:
    """As every tool has them."""
    assert main(short) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"bindprobe {__version__}" if short == ["-V"] else "Usage: bindprobe")


@pytest.mark.parametrize(
    ("argv", "code", "words"), BAD, ids=lambda case: " ".join(case) if isinstance(case, list) else None
)
def test_mistakes_are_one_line(argv, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code by the kind of mistake, one line on stderr that names it, nothing on stdout."""
    assert main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("bindprobe: ")
    assert err.count("\n") == 1


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Help is a success, no command at all is not; the version is the package's."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("scan", "doctor", "explain", "schema", "demo", "lab"))
    assert main([]) == 2
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.endswith(f"bindprobe {__version__}\n")


def test_scan_finds_a_listener(listener: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A real scan of loopback: valid JSON, the port open, nothing on stderr."""
    assert main(["scan", "127.0.0.1", "-p", f"{listener}", "--engine", "connect", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    Draft202012Validator(report_schema()).validate(document)
    (port,) = document["ports"]
    assert (port["port"], port["observations"][0]["state"]) == (listener, "open")
    assert document["addresses"][0]["realm"] == "loopback"
    assert document["complete"] is True
    assert err == ""


@pytest.mark.parametrize("option", ["--ndjson", "--csv", "--md", "--picture", "-v", "-q"])
def test_every_format_of_a_scan(option: str, listener: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each format shows the port and writes to stdout only."""
    assert main(["scan", "me=127.0.0.1", "-p", f"{listener}", "--engine", "connect", option]) == 0
    out, err = capsys.readouterr()
    assert str(listener) in out
    assert "me" in out
    assert err == ""


def test_a_large_scan_is_grouped(listener: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Over a thousand ports: those that are alike are ranges, unless every row is asked for."""
    first = min(listener, 64000)
    ports = f"{first}-{first + 1100},{listener}"
    assert main(["scan", "127.0.0.1", "-p", ports, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert listener in [port["port"] for port in document["ports"]]
    assert len(document["ports"]) < 100
    assert document["rest"]
    assert main(["scan", "127.0.0.1", "-p", ports, "--csv", "--all"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) >= 1 + 1101


def test_plan_sends_nothing(
    listener: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is printed as text or JSON without a backend."""
    monkeypatch.setattr(ConnectBackend, "__init__", None)
    assert main(["scan", "127.0.0.1", "-p", f"{listener}", "--plan"]) == 0
    assert str(listener) in capsys.readouterr().out
    assert main(["scan", "127.0.0.1", "--plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "bindprobe.plan/1"


@pytest.mark.parametrize(
    ("scenario", "strict", "code"),
    [
        ("host-drops-one-port", True, 5),
        ("host-drops-one-port", False, 0),
        ("reachable-everywhere", True, 0),
    ],
)
def test_strict_is_inconclusive(
    scenario: str, code: int, *, strict: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that stays undetermined is exit code 5 under --strict only; the report is printed anyway."""
    report = scan_world(scenario, WorldKind.SIM, quiet=True)
    assert deliver(report, Destination(), strict=strict) == code
    assert "verdict" in capsys.readouterr().out


def test_an_interrupted_scan_is_still_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, interrupt: Callable[[], None]
) -> None:
    """What was measured until Ctrl-C is printed, marked as incomplete, and the exit code is 130."""
    receive, calls = ConnectBackend.receive, iter(range(100))

    def interrupted(self, until):
        if next(calls) == 3:
            interrupt()
        return receive(self, until)

    monkeypatch.setattr(ConnectBackend, "receive", interrupted)
    assert main(["scan", "127.0.0.1", "-p", "1-50", "--rate", "20", "--json"]) == 130
    document = json.loads(capsys.readouterr().out)
    assert document["complete"] is False
    Draft202012Validator(report_schema()).validate(document)


def test_ctrl_c_elsewhere(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C before anything was measured ends with 130 and without a trace."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("probe.cli.measure.resolve_target", interrupt)
    assert main(["scan", "127.0.0.1"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("debug", [False, True])
def test_a_bug_is_one_line(
    *, debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 70, named with its place; the whole trace only for who asks."""
    monkeypatch.setenv("BINDPROBE_DEBUG", "1" if debug else "")

    def fail(*_: object) -> None:
        raise LookupError("lost\nit")

    monkeypatch.setattr("probe.cli.measure.resolve_target", fail)
    assert main(["scan", "127.0.0.1"]) == 70
    err = capsys.readouterr().err
    assert ("Traceback" in err) is debug
    assert err.splitlines()[-1].startswith(
        "bindprobe: a bug in bindprobe: LookupError: lost it at test_commands.py:"
    )


def test_explain_reads_what_scan_wrote(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saved report explains its ports, by number, name or as reports print it; also from stdin."""
    for port in ("5432", "postgresql", "5432/tcp", "T:5432"):
        assert main(["explain", str(saved), port]) == 0
        assert capsys.readouterr().out.startswith("5432/tcp postgresql: ")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(saved.read_bytes())))
    assert main(["explain", "-", "8000"]) == 0


@pytest.mark.parametrize(
    ("port", "words"), [("1-3", "names 3 ports"), ("1/sctp", "1/sctp"), ("53/udp", "has no 53/udp")]
)
def test_explain_takes_one_known_port(
    port: str, words: str, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A range, another protocol, a port that was not scanned: usage errors."""
    assert main(["explain", str(saved), port]) == 2
    assert words in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`schema` prints a valid JSON Schema."""
    assert main(["schema"]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("option", [None, "--json", "--picture", "--md"])
def test_demo_in_memory(option: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo prints the report of its world in each of its formats."""
    assert main(["demo", "--world", "sim", *filter(None, [option])]) == 0
    out, err = capsys.readouterr()
    assert "8000" in out
    assert [line.partition(":")[0] for line in err.splitlines()] == ([] if option else ["as", "next", "next"])


def test_demo_shows_its_world(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the machine lets us make no namespaces, the demo runs in memory and shows why; -q does not."""
    monkeypatch.setattr("probe.cli.worlds._why_no_netns", lambda: "not here")
    assert main(["demo"]) == 0
    assert capsys.readouterr().err.startswith("a simulated network in memory: not here\nas: bindprobe --lan ")
    assert main(["demo", "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["demo", "--world", "netns"]) == 3
    assert "not here" in capsys.readouterr().err


def test_demo_enters_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a namespace the same command is run again in one, and its exit code is ours."""
    ran = []
    monkeypatch.setattr("probe.cli.worlds._why_no_netns", lambda: None)
    monkeypatch.setattr("probe.cli.worlds._inside", lambda: False)
    monkeypatch.setattr("probe.lab.netns.enter.reenter", lambda argv: ran.append(list(argv)) or 7)
    assert main(["demo", "--picture"]) == 7
    assert ran[0][1:3] == ["-P", "-c"]
    assert ran[0][-3:] == ["probe", "demo", "--picture"]
