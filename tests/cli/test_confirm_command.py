"""`bindprobe confirm`: with a list from a file, and by ssh, to a real sshd too."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from probe.app.scan import scan
from probe.cli.main import main
from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.report.as_json import render_json

TOP = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("confirm_in_a_world.py")
SS = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=800,fd=3))
tcp   LISTEN 0      128          0.0.0.0:443       0.0.0.0:*    users:(("nginx",pid=801,fd=3))
tcp   LISTEN 0      128                *:3306            *:*    users:(("mysqld",pid=802,fd=3))
tcp   LISTEN 0      128        127.0.0.1:5432      0.0.0.0:*    users:(("postgres",pid=803,fd=3))
tcp   LISTEN 0      128    192.168.77.10:8000      0.0.0.0:*    users:(("python3",pid=4242,fd=3))
tcp   LISTEN 0      128          0.0.0.0:9090      0.0.0.0:*    users:(("prometheus",pid=804,fd=3))
"""
OTHER = "\n2: eth0    inet 10.1.1.1/24 brd 10.1.1.255 scope global eth0\n"
# A program in place of ssh: it keeps its arguments, prints a list, complains, and ends as it was asked to.
SSH = """#!/bin/sh
printf "%s\\n" "$@" > {folder}/arguments
cat {folder}/printed
echo denied >&2
exit {code}
"""


@pytest.fixture
def report(tmp_path: Path) -> str:
    with open_world(find_scenario("demo"), "sim") as world:
        text = render_json(scan(world.target, Timing(), backends_of(world, "connect")))
    path = tmp_path / "report.json"
    path.write_text(text)
    return str(path)


@pytest.fixture
def listing(tmp_path: Path) -> str:
    path = tmp_path / "sockets.txt"
    path.write_text(SS)
    return str(path)


def outcomes(text: str) -> dict[int, tuple[str, str]]:
    return {row["port"]: (row["outcome"], row["binding"]) for row in json.loads(text)["ports"]}


DEMO = {
    22: ("confirmed", "wildcard"),
    443: ("confirmed", "wildcard"),
    3306: ("confirmed", "wildcard"),
    5432: ("confirmed", "loopback"),
    8000: ("confirmed", "specific"),
    8080: ("sharpened", "not-listening"),
    9090: ("sharpened", "wildcard"),
}


def test_a_list_from_a_file(report: str, listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every port is compared; what the list shows stands beside each verdict."""
    assert main(["confirm", report, "--ss", listing, "--json"]) == 0
    printed = capsys.readouterr()
    assert (outcomes(printed.out), printed.err) == (DEMO, "")
    rows = {row["port"]: row for row in json.loads(printed.out)["ports"]}
    assert rows[8000]["truth"] == {
        "binding": "specific",
        "bound_to": ["192.168.77.10"],
        "families": [4],
        "process": "python3",
        "pid": 4242,
        "tool": "ss",
        "lines": [SS.splitlines()[5]],
    }
    assert rows[8080]["truth"] == {"binding": "not-listening"}


def test_a_list_from_stdin(
    report: str, listing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ssh server ss -tulnpe | bindprobe confirm REPORT.json --ss -`."""
    with Path(listing).open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["confirm", report, "--ss", "-"]) == 0
    text = capsys.readouterr().out
    words = " ".join(text.split())
    assert "8000/tcp http-alt: confirmed: bound to 192.168.77.10, python3 (pid 4242), bad for access" in words
    assert "9090/tcp prometheus: sharpened: bound to all interfaces, prometheus (pid 804), good" in words
    assert " ".join(SS.splitlines()[5].split()) in words


def test_a_confirmed_report_is_a_report(
    report: str, listing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list is kept in it: it is inferred and explained again with the list."""
    out = str(tmp_path / "confirmed.json")
    assert main(["confirm", report, "--ss", listing, "--json", "-o", out]) == 0
    assert main(["infer", out, "--json"]) == 0
    assert capsys.readouterr().out == Path(out).read_text()
    assert main(["explain", out, "8080"]) == 0
    assert "the target lists no socket on 8080" in capsys.readouterr().out


def test_redacted(report: str, listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Addresses in the list are replaced by the same as everywhere; the verdicts stay."""
    assert main(["confirm", report, "--ss", listing, "--redact", "--json"]) == 0
    text = capsys.readouterr().out
    assert outcomes(text) == DEMO
    assert "192.168.77.10" not in text


def test_another_machine(report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list with addresses none of which is the target's is pointed out."""
    other = tmp_path / "other.txt"
    other.write_text(SS + OTHER)
    assert main(["confirm", report, "--ss", str(other)]) == 0
    assert "none of the target's addresses" in capsys.readouterr().err
    assert main(["confirm", report, "--ss", str(other), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--ssh USER@HOST, or --ss FILE"),
        (["--ssh", "a", "--ss", "b"], "--ssh USER@HOST, or --ss FILE"),
        (["--ss", "nowhere.txt"], "cannot be read"),
        (["--ssh", "-oProxyCommand=x"], "no destination for ssh"),
        (["--ssh", "a b"], "no destination for ssh"),
    ],
)
def test_wrong_usage(report: str, flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the two; a destination that ssh cannot take for an option."""
    assert main(["confirm", report, *flags]) == 2
    assert words in capsys.readouterr().err


def test_one_stream_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    """Report and list cannot both come by stdin."""
    assert main(["confirm", "-", "--ss", "-"]) == 2
    assert "cannot both be" in capsys.readouterr().err


def test_a_report_is_no_list(report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that lists no sockets is refused, with what does."""
    empty = tmp_path / "empty.txt"
    empty.write_text("bash: ss: command not found\n")
    assert main(["confirm", report, "--ss", str(empty)]) == 2
    assert "ss -tulnpe" in capsys.readouterr().err


# --- by ssh ---


def plant_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, printed: str, code: int = 0) -> None:
    (folder / "printed").write_text(printed)
    program = folder / "ssh"
    program.write_text(SSH.format(folder=folder, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_by_ssh(
    report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One read-only command, run by a POSIX shell whatever the user's is."""
    plant_ssh(tmp_path, monkeypatch, SS)
    assert main(["confirm", report, "--ssh", "me@server", "--json"]) == 0
    assert outcomes(capsys.readouterr().out) == DEMO
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[-3:-1] == ["--", "me@server"]
    assert arguments[-1].startswith("exec sh -c '")
    assert arguments[-1].count("'") == 2


@pytest.mark.parametrize(
    "ends", [("", 255, 3), ("", 0, 2), ("x" * 33 * 2**20, 0, 2), ("bash: ss: command not found\n", 127, 2)]
)
def test_ssh_that_fails(
    ends: tuple[str, int, int],
    report: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No login ends with 3, a machine without any of the tools with 2; one line each."""
    printed, code, exit_code = ends
    plant_ssh(tmp_path, monkeypatch, printed, code)
    assert main(["confirm", report, "--ssh", "me@server"]) == exit_code
    assert len(capsys.readouterr().err.splitlines()) == 1  # ssh's own words go to the terminal itself


def test_without_ssh(
    report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where ssh is not installed, what to do instead."""
    monkeypatch.setattr("probe.machine.tools._search_path", lambda: str(tmp_path))
    assert main(["confirm", report, "--ssh", "me@server"]) == 2
    assert "--ss" in capsys.readouterr().err


def test_a_scan_that_confirms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`scan --confirm` lists the sockets before it scans, and reports both."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = f"LISTEN 0 128 127.0.0.1:{port} 0.0.0.0:*"
        header = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
        plant_ssh(tmp_path, monkeypatch, header + line)
        scan = [
            "scan",
            "127.0.0.1",
            "-p",
            str(port),
            "--engine",
            "connect",
            "--json",
            "--confirm",
            "me@server",
        ]
        assert main(scan) == 0
    (row,) = json.loads(capsys.readouterr().out)["ports"]
    assert (row["binding"], row["truth"]["lines"]) == ("loopback", [line])


def test_a_scan_that_cannot_confirm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends before the first probe."""
    plant_ssh(tmp_path, monkeypatch, "", 255)
    monkeypatch.setattr("probe.cli.measure.measure", None)
    assert main(["scan", "127.0.0.1", "-p", "1", "--engine", "connect", "--confirm", "me@server"]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.netns
def test_a_real_sshd(tmp_path: Path) -> None:
    """Logged in to the target with a key: its own ss decides every port of the demo."""
    why_not = enter.available()
    if why_not is not None or os.geteuid() != 0:
        pytest.skip(why_not or "sshd needs root, and no user namespace, to log a user in")
    alone = ("unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    done = subprocess.run(
        [*alone, sys.executable, str(SCRIPT), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TOP), "BINDPROBE_NETNS": "1"},
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    found = outcomes(done.stdout)
    assert {port: binding for port, (_, binding) in found.items()} == {
        **{port: binding for port, (_, binding) in DEMO.items()},
        2222: "wildcard",
    }
    assert {outcome for outcome, _ in found.values()} <= {"confirmed", "sharpened"}
    truth = {row["port"]: row["truth"] for row in document["ports"]}
    assert truth[2222]["process"] == "sshd"
    assert set(document["facts"]["sockets"]["addresses"]) >= {"192.168.77.10", "10.88.0.10"}
