"""The lab in containers: images, the lines of the README, scenarios with both engines, and nothing left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker_engine
import pytest
from docker_engine import DockerEngine

from probe.errors import BackendError

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SCAN = ("scan", "--lan", "192.168.77.10", "--vpn", "10.88.0.10", "--public", "203.0.113.10")
COMPOSE = ("docker-compose",)  # what is there to be run; the file has only what `docker compose` knows too

CONNECT = (
    *("reachable-by-both-families", "loopback-only", "bound-to-vpn-device"),
    *("ipv6-works-ipv4-refuses", "accept-queue-full", "host-drops-one-port", "host-rejects-as-unreachable"),
    *("router-rejects", "router-forwards-port", "own-firewall-rejects"),
    *("nobody-has-this-address", "udp-services"),
)
SERVICES = "real-services"
TUNNELLED = {  # with the image of services
    "connect": (SERVICES, "tunnel-carries-both-families"),
    "raw": (SERVICES,),
}
EVERYWHERE = {"binding": "wildcard", "states": {"vpn": "open", "vpn6": "open"}}
# More scenarios for the images, and the message of one that cannot be.
OWN: dict[str, dict[str, Any]] = {
    "warm-tunnel": {
        "about": "A tunnel for both families that has just been used.",
        "addresses": ["vpn", "vpn6"],
        "vpn": {"kind": "wireguard", "warm": True},
        "target": {"listen": [{"port": 8000, "bind": "::"}]},
        "scan": {"ports": "8000"},
        "expect": {"8000": EVERYWHERE},
    },
    "port-is-taken": {
        "about": "Two services want one port.",
        "addresses": ["lan"],
        "target": {
            "services": [
                {"kind": "redis", "bind": ["lan"]},
                {"kind": "nginx", "bind": ["lan"], "ports": [6379, 443]},
            ]
        },
        "scan": {"ports": "6379"},
        "expect": {"6379": {"binding": "specific"}},
    },
}
HOSTS = {"host": ("prober", "target"), "services": ("target",)}  # images for the hosts, and what has them
FIND_REDIS = "sed -n 's/^\\([0-9]*\\) (redis-server).*/\\1/p' /proc/[0-9]*/stat"
KILL_REDIS = ("--user=65534", "target", "sh", "-c", f"kill $({FIND_REDIS})")
RAW = ("host-forges-resets", "only-syns-are-dropped", "own-firewall-hides-answers")


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    why_not = docker_engine.available()
    if why_not is not None:
        pytest.skip(why_not)
    with docker_engine.started() as running:
        for name, parts in OWN.items():
            (running.context / "scenarios" / f"{name}.yaml").write_text(json.dumps(parts))
        yield running


@pytest.fixture(scope="module")
def images(engine: DockerEngine) -> dict[str, Any]:
    """What Docker reports of each image."""
    for host, built_for in HOSTS.items():
        built = engine.run(*COMPOSE, "--profile", "scan", "build", *built_for, HOST=host)
        assert built.returncode == 0, built.stdout + built.stderr
    names = ("bindprobe", *(f"bindprobe-{host}" for host in HOSTS))
    inspected = engine.run("docker", "inspect", *names)
    return dict(zip(names, json.loads(inspected.stdout), strict=True))


@pytest.fixture
def _tunnels() -> None:
    if not Path("/sys/class/misc/tun").exists():
        pytest.skip("this kernel has no tunnels")


def in_prober(engine: DockerEngine, *options: str) -> str:
    """What the image of the prober reports when it is to send raw packets, without any network."""
    command = ("docker", "run", "--rm", "--network=none", "--cap-drop=ALL", *options, "bindprobe")
    done = engine.run(*command, "scan", "127.0.0.1", "-p", "9", "--engine", "raw", "--json")
    return done.stderr if done.returncode else json.loads(done.stdout)["engine"]


def test_image_of_the_prober(images: dict[str, Any]) -> None:
    """It starts the program as a user without privileges, and adds little to its base."""
    settings = images["bindprobe"]["Config"]
    assert settings["Entrypoint"] == ["bindprobe"]
    assert settings["User"] == "65534:65534"
    assert len(images["bindprobe"]["RootFS"]["Layers"]) == 3
    assert images["bindprobe"]["Size"] < 250e6


def test_raw_packets_take_one_capability(engine: DockerEngine, images: dict[str, Any]) -> None:
    """NET_RAW is enough for raw packets; without it the program starts, and reports what is missing."""
    assert in_prober(engine, "--cap-add=NET_RAW") == "raw"
    assert "raw packets need CAP_NET_RAW" in in_prober(engine)


def test_no_way_out(engine: DockerEngine, images: dict[str, Any]) -> None:
    """The premise: the engine's own network has no route at all that leads out."""
    words = ("docker", "run", "--rm", "--network=host", "--entrypoint=ip", "bindprobe-host")
    routes = engine.run(*words, "-json", "route").stdout
    assert not [one for one in json.loads(routes) if one["dst"] == "default"]


def test_lines_of_the_readme(engine: DockerEngine, images: dict[str, Any]) -> None:
    """Up, a scan with a real verdict table, down; SCENARIO chooses another file."""
    chosen = {"SCENARIO": "lan-works-vpn-refuses"}
    up = engine.run(*COMPOSE, "up", "-d", **chosen)
    assert up.returncode == 0, up.stderr
    hosts = engine.left()["containers"].split()
    try:
        done = engine.run(*COMPOSE, "run", "--rm", "-T", "prober", *SCAN, "-p", "22,8000", **chosen)
    finally:
        down = engine.run(*COMPOSE, "down", **chosen)
    assert "specific: lan" in done.stdout, done.stdout + done.stderr
    assert "wildcard" in done.stdout
    assert len(hosts) == 3  # the prober waits until it is called
    assert down.returncode == 0
    assert not any(engine.left().values()), engine.left()


@pytest.mark.parametrize(("how", "names"), [("connect", CONNECT), ("raw", RAW)])
def test_scenarios_hold(
    engine: DockerEngine, images: dict[str, Any], how: str, names: tuple[str, ...]
) -> None:
    """What is found in containers is what the scenarios expect; then nothing is left."""
    done = engine.run(*engine.bindprobe("lab", "run", "--world", "compose", "--engine", how, *names))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(names)} scenarios, 0 failed" in done.stdout
    assert not any(engine.left().values()), engine.left()


def test_worlds_show_the_same(engine: DockerEngine, images: dict[str, Any]) -> None:
    """In memory, in namespaces and in containers, with both engines: no cell of the table differs."""
    places = f"{engine.environment['PYTHONPATH']}:{docker_engine.TOP / 'tests'}"
    table = (sys.executable, "-m", "worlds_table", "loopback-only", "host-forges-resets")
    done = engine.run(*table, PYTHONPATH=places)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 scenarios in 6 columns, 12 cells: " in done.stdout
    assert "0 not run" in done.stdout
    assert not any(engine.left().values()), engine.left()


def test_a_host_that_fails_is_reported(engine: DockerEngine, images: dict[str, Any]) -> None:
    """A scenario that containers cannot hold ends the host with the reason as its last word."""
    words = ("docker", "run", "--rm", "--network=none", "--env=SCENARIO=slow-vpn", "bindprobe-host")
    done = engine.run(*words, "target")
    assert done.returncode == 2
    assert done.stderr.startswith("target: scenario slow-vpn does not run in compose: delay")


@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("how", ["connect", "raw"])
def test_services_hold(engine: DockerEngine, images: dict[str, Any], how: str) -> None:
    """Real services and a WireGuard tunnel: every verdict, and what shows one service on all addresses."""
    names = TUNNELLED[how]
    done = engine.run(*engine.bindprobe("lab", "run", "--world", "compose", "--engine", how, *names))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(names)} scenarios, 0 failed" in done.stdout
    assert not any(engine.left().values()), engine.left()


@pytest.mark.usefixtures("_tunnels")
def test_a_tunnel_that_is_warm(engine: DockerEngine, images: dict[str, Any]) -> None:
    """The two containers find each other, whichever comes first, before the scan begins."""
    done = engine.run(*engine.bindprobe("lab", "run", "--world", "compose", "warm-tunnel"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(engine.left().values()), engine.left()


def test_a_service_that_does_not_start(engine: DockerEngine, images: dict[str, Any]) -> None:
    """It ends its host and the run, with its last words; nothing is left."""
    done = engine.run(*engine.bindprobe("lab", "run", "--world", "compose", "-q", "port-is-taken"))
    assert done.returncode == BackendError.exit_code
    assert "target: " in done.stderr
    assert " ended early: " in done.stderr
    assert not any(engine.left().values()), engine.left()


@pytest.mark.usefixtures("_tunnels")
def test_a_service_that_ends_too_soon(engine: DockerEngine, images: dict[str, Any]) -> None:
    """Its host ends with it: a service that broke down must not pass for one that is not there."""
    services = {"SCENARIO": SERVICES, "HOST": "services"}
    target = ("--filter", "name=target")
    try:
        engine.run(*COMPOSE, "up", "-d", **services)
        engine.run(*COMPOSE, "run", "--rm", "-T", "prober", "--version", **services)  # waits for them
        killed = engine.run(*COMPOSE, "exec", "-T", *KILL_REDIS, **services)
        (ended,) = _awaited(engine, "docker", "ps", "-q", *target, "--filter", "status=exited")
        output = engine.run("docker", "logs", ended).stderr
    finally:
        engine.run(*COMPOSE, "down", **services)
    assert killed.returncode == 0, killed.stderr
    assert output.startswith("target: redis ended early")
    assert not any(engine.left().values()), engine.left()


def _awaited(engine: DockerEngine, *command: str) -> list[str]:
    """What a command prints once it prints anything."""
    deadline = time.monotonic() + 20
    while not (output := engine.run(*command).stdout.split()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return output


def test_the_image_without_services_reports_it(engine: DockerEngine, images: dict[str, Any]) -> None:
    """A host that lacks programs names them, and how the image that has them is chosen."""
    words = ("docker", "run", "--rm", "--network=none", f"--env=SCENARIO={SERVICES}", "bindprobe-host")
    done = engine.run(*words, "target")
    assert done.returncode == BackendError.exit_code
    assert done.stderr.startswith("target: not installed: wireguard-go, wg (packages wireguard-go, wireguard")
    assert done.stderr.endswith("the image for it is built and chosen by HOST=services\n")


def test_nothing_is_left_after_an_interrupt(engine: DockerEngine, images: dict[str, Any]) -> None:
    """Ctrl-C in the middle, when hosts run, ends with 130 and without containers."""
    command = engine.bindprobe("lab", "run", "--world", "compose", "-q", "demo")
    running = subprocess.Popen(command, cwd=engine.context, env=engine.environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    assert not any(engine.left().values()), engine.left()
    while not engine.left()["containers"]:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait(60) == 130
    assert not any(engine.left().values()), engine.left()
