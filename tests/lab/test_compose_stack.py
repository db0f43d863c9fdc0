"""Bringing containers up and down, with programs in the place of Docker's that note what they are given."""

import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from docker_engine import TOP

from probe.cli.main import main
from probe.errors import BackendError
from probe.lab.compose import host, stack
from probe.lab.files import find_scenario

# What both programs do: note the words, then print what the test has put there for the first word that fits.
PROGRAM = """#!/bin/sh
echo "$HOST $(basename "$0") $*" >> {folder}/given
[ "$(basename "$0")" = docker ] && [ "$1" = compose ] && exit 1
for word in "$@"; do
  if [ -e "{folder}/script-$word" ]; then . "{folder}/script-$word"; fi
done
exit 0
"""
REPORT = {
    "schema": "bindprobe.report/2",
    "version": "0",
    "started": "2026-11-22T05:00:00Z",
    "elapsed_s": 0.1,
    "engine": "connect",
    "vantage": {"name": "x"},
    "addresses": [],
    "ports": [],
}
HEALTHY = "echo 'abc Up 2 seconds (healthy)'; exit 0"


class Docker:
    """The two programs: what they print, and what they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("docker", "docker-compose"):
            program = folder / name
            program.write_text(PROGRAM.format(folder=folder))
            program.chmod(program.stat().st_mode | stat.S_IEXEC)
        self.runs("ps", HEALTHY)
        self.runs("run", f"echo '{json.dumps(REPORT)}'; exit 0")

    def runs(self, word: str, script: str) -> None:
        (self.folder / f"script-{word}").write_text(script)

    def given(self, word: str) -> list[str]:
        lines = (self.folder / "given").read_text().splitlines()
        return [line for line in lines if f" {word}" in line]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    stack.compose_command.cache_clear()
    return Docker(tmp_path)


def test_one_project_for_several_scenarios(docker: Docker) -> None:
    """An image is built once, hosts renewed for each scenario; the prober scans, and all goes at the end."""
    with stack.open_stack() as opened:
        for name in ("demo", "real-services", "loopback-only"):
            assert opened.scan(find_scenario(name), "connect").engine == "connect"
    built = [line.split()[0] for line in docker.given("build prober target")]
    assert built == ["host", "services"]
    assert len(docker.given("up -d")) == 3
    (down,) = docker.given("down")
    assert f"{stack._project_prefix()}{os.getpid()} " in down
    assert "--volumes --remove-orphans" in down
    assert "--ports 5432,8000,9000 --engine connect" in docker.given("run")[2]


def test_what_a_killed_run_left_is_taken_down(docker: Docker) -> None:
    """By the next one: projects of this machine whose process is gone, and no other's."""
    ours = stack._project_prefix()
    gone = subprocess.Popen(["true"])
    gone.wait()
    listed = [
        f"{ours}{gone.pid}",
        f"{ours}{gone.pid}",
        f"{ours}{os.getppid()}",
        "other",
        f"bindprobe-lab-{gone.pid}",
    ]
    words = "\\n".join([*listed, f"{ours}x", f"bindprobe-lab-00000000-{gone.pid}"])
    docker.runs("ps", f"printf '{words}\\n'; exit 0")
    with stack.open_stack():
        taken = docker.given("down")
    assert [f"--project-name {ours}{gone.pid} " in line for line in taken] == [True]


def test_a_host_that_ended_meanwhile(docker: Docker) -> None:
    """A host that broke down under the scan must not pass for a silent one."""
    docker.runs("logs", "echo 'target: redis ended early' >&2; exit 0")
    (docker.folder / "later").write_text("echo 'abc Exited (3) 1 second ago'; exit 0")
    docker.runs(
        "run", f"mv {docker.folder}/later {docker.folder}/script-ps; echo '{json.dumps(REPORT)}'; exit 0"
    )
    with pytest.raises(BackendError, match="redis ended early"), stack.open_stack() as opened:
        opened.scan(find_scenario("demo"), "connect")


def test_arguments_of_a_scan() -> None:
    """Addresses keep their order and realms; what is known to run is passed on."""
    words = stack.scan_arguments(find_scenario("demo"), "raw")
    assert words[:4] == ["scan", "lan=192.168.77.10", "vpn=10.88.0.10", "public=203.0.113.10"]
    assert words[-2:] == ["--running", "5432"]
    assert words[words.index("--engine") + 1] == "raw"
    assert {"--fin", "--l2"} < set(words)
    assert not {"--fin", "--l2"} & set(stack.scan_arguments(find_scenario("demo"), "connect"))


@pytest.mark.parametrize(
    ("word", "script", "message"),
    [
        (
            "build",
            "echo 'ERROR: no base image' >&2; echo done >&2; exit 1",
            "docker-compose: ERROR: no base image",
        ),
        ("up", "echo 'it is so' >&2; exit 1", "docker-compose: it is so"),
        ("run", "echo 'prober: broken' >&2; exit 3", "the prober's container: prober: broken"),
        ("ps", "echo 'abc Exited (2) 1 second ago'; exit 0", "target: no such scenario"),
        ("ps", "echo 'abc Up 2 seconds (unhealthy)'; exit 0", "the hosts in containers do not get ready"),
    ],
)
def test_failures_leave_nothing(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, word: str, script: str, message: str
) -> None:
    """Whatever fails is reported with its reason, and the project is taken down."""
    monkeypatch.setattr(stack, "_PATIENCE", 0.3)
    docker.runs("logs", "echo 'target: no such scenario' >&2; exit 0")
    docker.runs(word, script)
    with pytest.raises(BackendError, match=message.replace("(", r"\(")), stack.open_stack() as opened:
        opened.scan(find_scenario("demo"), "connect")
    assert len(docker.given("down")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(docker: Docker, number: int) -> None:
    """A signal in the middle takes the project down too, and another one then does not stop that."""
    docker.runs("run", f"kill -{int(number)} {os.getpid()}; sleep 5; exit 0")
    docker.runs(
        "down", f"kill -{int(number)} {os.getpid()}; sleep 0.2; touch {docker.folder}/is-down; exit 0"
    )
    with pytest.raises(KeyboardInterrupt), stack.open_stack() as opened:
        opened.scan(find_scenario("demo"), "connect")
    assert (docker.folder / "is-down").exists()
    assert signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}


def test_what_cannot_be_taken_down_is_reported(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that somebody still uses is tried again, and is then an error that names it."""
    monkeypatch.setattr(stack, "_RECOVERY", 0.0)
    docker.runs("down", "echo 'error while removing network x' >&2; exit 1")
    with pytest.raises(BackendError, match="error while removing network x"), stack.open_stack():
        pass
    assert len(docker.given("down")) == 5
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_no_docker(monkeypatch: pytest.MonkeyPatch, docker: Docker) -> None:
    """What is missing is named: the program, Compose, or the engine."""
    docker.runs("info", "exit 1")
    assert stack.available() == "no Docker engine answers (DOCKER_HOST, or the service docker)"
    docker.runs("version", "exit 1")
    stack.compose_command.cache_clear()
    assert stack.available() == "not installed: docker compose, or docker-compose from 1.29 on"
    monkeypatch.setenv("PATH", "/nonexistent")
    assert stack.available() == "not installed: docker"
    with pytest.raises(BackendError, match="no containers here: not installed: docker"), stack.open_stack():
        pass


def test_no_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without the compose file reports it."""
    monkeypatch.setattr(stack, "FILE", tmp_path / "docker-compose.yml")
    with pytest.raises(BackendError, match="built from a checkout"), stack.open_stack():
        pass


def test_the_command_line(docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    """`lab run --world compose` compares what the prober printed with what is expected."""
    assert main(["lab", "run", "loopback-only", "--world", "compose", "-q"]) == 1
    assert "not in the report" in capsys.readouterr().out
    assert main(["lab", "run", "slow-vpn", "--world", "compose", "-q"]) == 2
    assert "slow-vpn does not run in compose: delay" in capsys.readouterr().err


@pytest.fixture
def a_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a container's process may do to itself, kept from this one."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(host, "READY", tmp_path / "ready")
    monkeypatch.setenv("SCENARIO", "demo")


@pytest.mark.parametrize(
    ("words", "scenario", "message"),
    [
        ([], "demo", "usage: "),
        (["printer"], "demo", "usage: "),
        (["target"], "no-such", "target: no scenario 'no-such'"),
        (["router"], "slow-vpn", "router: scenario slow-vpn does not run in compose"),
    ],
)
def test_a_host_that_cannot_be(
    capsys: pytest.CaptureFixture[str], a_host: None, words: list[str], scenario: str, message: str
) -> None:
    """A container that cannot be what it is given ends with one line."""
    os.environ["SCENARIO"] = scenario
    assert host.main(words) == 2
    assert capsys.readouterr().err.startswith(message)


def test_the_file_is_that_of_the_checkout() -> None:
    """The stack is built from the checkout that runs."""
    assert stack.FILE == TOP / "docker-compose.yml"
