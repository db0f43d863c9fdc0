"""The lab in containers: images, the lines of the README, scenarios with both engines, and nothing left."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import docker_engine
import pytest
from docker_engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SCAN = ("scan", "--lan", "192.168.77.10", "--vpn", "10.88.0.10", "--public", "203.0.113.10")
COMPOSE = ("docker-compose",)  # what is there to be run; the file has only what `docker compose` knows too

CONNECT = (
    *("reachable-by-both-families", "loopback-only", "bound-to-vpn-device"),
    *("ipv6-works-ipv4-refuses", "accept-queue-full", "host-drops-one-port", "host-rejects-as-unreachable"),
    *("router-rejects", "router-forwards-port", "own-firewall-rejects"),
    *("nobody-has-this-address", "udp-services"),
)
RAW = ("host-forges-resets", "only-syns-are-dropped", "own-firewall-hides-answers")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    why_not = docker_engine.available()
    if why_not is not None:
        pytest.skip(why_not)
    with docker_engine.started() as running:
        yield running


@pytest.fixture(scope="module")
def images(engine: Engine) -> dict[str, Any]:
    """What Docker tells of both images."""
    built = engine.run(*COMPOSE, "--profile", "scan", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    told = engine.run("docker", "inspect", "bindprobe", "bindprobe-host")
    return dict(zip(("bindprobe", "bindprobe-host"), json.loads(told.stdout), strict=True))


def in_prober(engine: Engine, *options: str) -> str:
    """What the image of the prober says of itself when it is to send raw packets, without any network."""
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


def test_raw_packets_take_one_capability(engine: Engine, images: dict[str, Any]) -> None:
    """NET_RAW is enough for raw packets; without it the program starts, and says what is missing."""
    assert in_prober(engine, "--cap-add=NET_RAW") == "raw"
    assert "raw packets need CAP_NET_RAW" in in_prober(engine)


def test_no_way_out(engine: Engine, images: dict[str, Any]) -> None:
    """The premise: the engine's own network has no route at all that leads out."""
    words = ("docker", "run", "--rm", "--network=host", "--entrypoint=ip", "bindprobe-host")
    routes = engine.run(*words, "-json", "route").stdout
    assert not [one for one in json.loads(routes) if one["dst"] == "default"]


def test_lines_of_the_readme(engine: Engine, images: dict[str, Any]) -> None:
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
def test_scenarios_hold(engine: Engine, images: dict[str, Any], how: str, names: tuple[str, ...]) -> None:
    """What is found in containers is what the scenarios expect; then nothing is left."""
    done = engine.run(*engine.bindprobe("lab", "run", "--world", "compose", "--engine", how, *names))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(names)} scenarios, 0 failed" in done.stdout
    assert not any(engine.left().values()), engine.left()


def test_a_host_that_fails_is_told(engine: Engine, images: dict[str, Any]) -> None:
    """A scenario that containers cannot hold ends the host with the reason as its last word."""
    words = ("docker", "run", "--rm", "--network=none", "--env=SCENARIO=vpn-healthy", "bindprobe-host")
    done = engine.run(*words, "target")
    assert done.returncode == 2
    assert done.stderr.startswith("target: scenario vpn-healthy does not run in compose: a real tunnel")


def test_nothing_is_left_after_an_interrupt(engine: Engine, images: dict[str, Any]) -> None:
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
