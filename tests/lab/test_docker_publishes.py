"""Ports that a real Docker engine publishes: its rules and sockets, and the same packets as in the lab."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker_engine
import engine_on_target
import pytest
from world_surveys import found_in_memory, world_named

from probe.lab.scenario import address_of

pytestmark = [pytest.mark.docker, pytest.mark.timeout(200)]

PROXY, NO_PROXY = "docker-publishes", "docker-publishes-without-proxy"
WORLDS = (
    *(PROXY, NO_PROXY, "Docker without its proxy, behind a filter"),
    "Docker forwards nothing else, and loopback is routed",
)
PATIENCE = 60.0  # seconds for a world and its engine, four at once
DNAT = "-p tcp -m tcp --dport {} -j DNAT --to-destination 172.31.0.2:80"
# Which packets are forwarded, by port: never by their interface. With the proxy, containers' own are spared.
FORWARDED = {
    8000: "",
    8001: "-d 127.0.0.1/32 ",
    8002: "-d 192.168.77.10/32 ",
    9000: "",
    9001: "-d 127.0.0.1/32 ",
    9002: "-d 192.168.77.10/32 ",
}
SPARED = {PROXY: "! -i docker0 ", NO_PROXY: ""}
IPV4 = {*("0.0.0.0:8000", "127.0.0.1:8001", "192.168.77.10:8002")}
IPV4 |= {*("0.0.0.0:9000", "127.0.0.1:9001", "192.168.77.10:9002")}
LISTENING = {PROXY: IPV4 | {"[::]:8000", "[::]:9000"}, NO_PROXY: IPV4}
OTHERS = {"*:22", "[::]:22"}  # the world's own listener


class PublishRun:
    """One world with an engine, in a process of its own. Outside it has a folder and a control group."""

    def __init__(self, folder: Path, world: str, number: int) -> None:
        self.folder = folder / str(number)
        self.folder.mkdir()
        self.cgroup = f"bindprobe-test-{os.getpid()}-{number}"
        command = engine_on_target.inside(self.folder, self.cgroup, world)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def found(self) -> dict[str, Any]:
        """What it prints in the end."""
        output, complaint = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, complaint
        return json.loads(output)

    def end(self) -> None:
        """End it, with everything in its namespaces."""
        self.process.kill()
        self.process.communicate()
        await_that(lambda: not processes_of(self.folder))
        docker_engine.remove_cgroups(self.cgroup)


def await_that(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that were given a folder."""
    given = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        given += [line] if str(folder) in line else []
    return given


def runs_a_container(run: PublishRun) -> bool:
    """Whether a run has come so far."""
    assert run.process.poll() is None
    return any(line.startswith("/bin/busybox httpd") for line in processes_of(run.folder))


def left_by(folder: Path) -> dict[str, list[str]]:
    """What is left on this machine of the runs that had a folder."""
    groups = [*Path("/sys/fs/cgroup").glob(f"*/bindprobe-test-{os.getpid()}-*")]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return {
        "processes": processes_of(folder),
        "mounts": [line for line in mounts if str(folder) in line],
        "control groups": [str(group) for group in groups],
        "files": [str(path) for path in folder.glob("*")],
    }


@contextmanager
def runs(*worlds: str) -> Iterator[list[PublishRun]]:
    """Worlds with engines, all at once; whatever happens, nothing is left of them."""
    why_not = engine_on_target.available()
    if why_not is not None:
        pytest.skip(why_not)
    with tempfile.TemporaryDirectory(prefix="bindprobe-publish-") as folder:
        started: list[PublishRun] = []
        try:
            for number, world in enumerate(worlds):
                started.append(PublishRun(Path(folder), world, number))
            yield started
        finally:
            for run in started:
                run.end()
    assert not any(left_by(Path(folder)).values()), left_by(Path(folder))


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, Any]]:
    """What is found in each world where Docker publishes."""
    with runs(*WORLDS) as running:
        return dict(zip(WORLDS, [run.found() for run in running], strict=True))


@pytest.mark.parametrize("world", WORLDS)
def test_expectations_hold_with_docker(world: str, published: dict[str, dict[str, Any]]) -> None:
    """What a scenario expects of published ports holds of Docker's own, by sockets and by raw packets."""
    assert published[world]["rows"] == []


@pytest.mark.parametrize("engine", ["connect", "raw"])
@pytest.mark.parametrize("world", WORLDS)
def test_packets_are_docker_s(world: str, engine: str, published: dict[str, dict[str, Any]]) -> None:
    """Every packet is answered in the lab as by Docker: from the same place, with the same marks."""
    nobody = {str(address_of(symbol)) for symbol in world_named(world).dead}
    assert without(nobody, found_in_memory(engine, world)) == without(nobody, published[world][engine])


def without(nobody: set[str], found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what this machine itself reports of an address that nobody has, after three seconds."""
    return {
        asked: seen for asked, seen in found.items() if not nobody & set(asked.split()) or " by " in asked
    }


@pytest.mark.parametrize("world", [PROXY, NO_PROXY])
def test_docker_s_rules_go_by_address(world: str, published: dict[str, dict[str, Any]]) -> None:
    """Docker forwards by destination address, whatever the interface, and drops what it does not publish."""
    rules = published[world]["rules"]
    forwards = {line for line in rules if "-j DNAT" in line}
    expected = {f"-A DOCKER {which}{SPARED[world]}{DNAT.format(port)}" for port, which in FORWARDED.items()}
    assert forwards == expected
    assert ":FORWARD DROP [0:0]" in rules
    assert not [line for line in rules if line.startswith("-A INPUT")]


@pytest.mark.parametrize("world", [PROXY, NO_PROXY])
def test_docker_listens_on_the_host_too(world: str, published: dict[str, dict[str, Any]]) -> None:
    """With the proxy a socket listens wherever a port is published, IPv6 included; without it, for IPv4."""
    listening = {line.split()[3] for line in published[world]["sockets"]}
    assert listening - OTHERS == LISTENING[world]


def test_nothing_is_left_after_a_failure() -> None:
    """A failure while the container runs is reported, and leaves no process, mount, control group or file."""
    with runs(f"{PROXY}=in the middle") as (run,):
        _, complaint = run.process.communicate(timeout=PATIENCE)
        assert "LookupError: in the middle" in complaint
        assert run.process.returncode == 1


def test_nothing_is_left_after_a_kill() -> None:
    """Killed while its container runs, it takes everything with it."""
    with runs(PROXY) as (run,):
        await_that(lambda: runs_a_container(run))
        run.process.kill()
        await_that(lambda: not processes_of(run.folder))
