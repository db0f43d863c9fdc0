"""Real services in worlds: bound as the scenario has it, found by scans, and gone with their world."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import netns_tasks
import psutil
import pytest
from nobody import NOBODY, python_for_nobody

from probe.lab.daemons import TOOLS, listens_of
from probe.lab.netns import daemons, enter, tunnels
from probe.lab.netns.daemons import daemons_available
from probe.lab.scenario import VpnKind, address_of
from probe.lab.scenario_hosts import ServiceKind
from probe.model.fixes import Place

SCRIPT = Path(__file__).with_name("service_tasks.py")
WHOLE = "real-services"
WIREGUARD_PORT = {("udp", address, 51820) for address in ("0.0.0.0", "::")}
REDIS = {"kind": "redis", "bind": ["lan"]}
UP = 4.0  # seconds until a world with all services is up
ANY = ["0.0.0.0", "::"]
ROOTS_WAY = ["unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
CONTAINER = [*ROOTS_WAY[:-1], 'ip link set lo up && mount -t tmpfs none /run && exec "$0" "$@"']
ONE_USER = 'ip link set lo up && echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"'
# In these two ways a real user runs them, who may not read an interpreter in root's home: no application.
WITHOUT_PYTHON = [ServiceKind.REDIS, ServiceKind.POSTGRESQL, ServiceKind.SSHD, ServiceKind.DNSMASQ]

pytestmark = pytest.mark.netns


@pytest.fixture(autouse=True)
def _services() -> None:
    why_not = daemons_available(ServiceKind) or tunnels.vpn_available(VpnKind.WIREGUARD)
    if why_not is not None:
        pytest.skip(why_not)


def world(*services: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"addresses": ["lan", "lan6", "vpn"], "target": {"services": list(services)}, **parts}


def without_python(bind: str) -> dict[str, Any]:
    return world(*({"kind": kind, "bind": [bind]} for kind in WITHOUT_PYTHON))


def require_root(way: list[str] | None) -> None:
    if way is not None and os.getuid() != 0:
        pytest.skip("only root can become somebody else, or make worlds without a user namespace")


def started(
    task: str, *arguments: object, way: list[str] | None = None, python: str = sys.executable
) -> subprocess.Popen[str]:
    program = [python, str(SCRIPT), task, *map(json.dumps, arguments)]
    command = enter.command(program) if way is None else [*way, *program]
    environment = {**netns_tasks.environment(), enter.MARKER: "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def run(task: str, *arguments: object, **how: Any) -> Any:
    with started(task, *arguments, **how) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def bound(given: str | dict[str, Any]) -> set[tuple[str, str, int]]:
    """What a scenario has bound."""
    target = netns_tasks.scenario(given).target
    return {(one.protocol.value, str(address_of(one.bind)), one.port) for one in listens_of(target)}


def found(given: str | dict[str, Any], way: list[str] | None = None) -> set[tuple[str, str, int]]:
    return {(protocol, address, port) for protocol, address, port in run("sockets", given, way=way)}


def test_each_is_bound_as_in_the_scenario() -> None:
    """Seen from inside, the target has the sockets of the scenario and its tunnel's, and no others."""
    assert found(WHOLE) == bound(WHOLE) | WIREGUARD_PORT


# The services with binds that they do not have in the scenario.
OTHERWISE = {
    "specific": [
        {"kind": "nginx", "bind": ["lan6", "vpn"], "ports": [8000, 8443]},
        {"kind": "postgresql", "bind": ["lan", "lan6"]},
        {"kind": "sshd", "bind": ["vpn", "127.0.0.1"], "ports": [2222]},
        {"kind": "app", "bind": ["lan", "::1", "127.0.0.1"]},
        {"kind": "proxy", "bind": ["lan6"]},
    ],
    "wildcard": [
        {"kind": "postgresql", "bind": ANY},
        {"kind": "redis", "bind": ANY},
        {"kind": "redis", "bind": ["127.0.0.1"], "ports": [6380]},
        {"kind": "dnsmasq", "bind": ANY},
        {"kind": "app", "bind": ANY},
    ],
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_they_are_bound_otherwise_too(case: str) -> None:
    """Every service takes any address of its host, and ports of the scenario's choice."""
    given = world(*OTHERWISE[case])
    assert found(given) == bound(given)


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_scans_find_what_each_is_bound_to(engine: str) -> None:
    """Seen from outside, every verdict, state and reason is the scenario's."""
    assert run("missed", WHOLE, engine) == []


@pytest.mark.wall_time
def test_they_come_up_quickly() -> None:
    """A world with all of them is up within seconds."""
    assert run("left", WHOLE)["up"] < UP


def test_they_go_at_once() -> None:
    """With a world, every process of its services is gone."""
    seen = run("left", WHOLE)
    running = {"nginx", "postgres", "redis-server", "sshd", "dnsmasq", "wireguard-go"}
    assert running <= set(seen["names"])
    assert seen["stay"] == []
    assert seen["after"] == seen["before"]


@pytest.mark.parametrize("way", [None, ROOTS_WAY], ids=["usual", "root's"])
def test_nothing_stays_of_a_world_that_was_killed(way: list[str] | None) -> None:
    """When the process that holds a world is killed, the kernel ends every service."""
    require_root(way)
    with started("held", WHOLE if way is None else without_python("lan"), way=way) as process:
        assert process.stdout is not None
        holder, *others = json.loads(process.stdout.readline())
        assert len(others) > len(WITHOUT_PYTHON)
        os.kill(holder, signal.SIGKILL)
        process.wait(10)
    deadline = time.monotonic() + 10
    while (stay := [pid for pid in others if psutil.pid_exists(pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stay == []


def test_a_port_that_is_taken() -> None:
    """A service that cannot start is named with its own last words, and nothing stays."""
    given = world(REDIS, {"kind": "nginx", "bind": ["lan"], "ports": [6379, 443]})
    seen = run("broken", given)
    assert " ended early: " in seen["outcome"]
    assert seen["after"] == seen["before"]


def test_a_service_that_ends_too_soon() -> None:
    """A service that broke down must not pass for one that is not there."""
    seen = run("broken", world(REDIS), "redis-server")
    assert seen["outcome"].startswith("redis ended early")
    assert seen["after"] == seen["before"]


def test_roots_way() -> None:
    """Where root gets no user namespace, the machine's own user without privileges runs them."""
    require_root(ROOTS_WAY)
    given = without_python("lan")
    assert found(given, ROOTS_WAY) == bound(given)


def test_a_user_without_any_privilege_runs_them() -> None:
    """An ordinary user, even one who may gain no privilege, gets all of them; only tunnels take more."""
    way = [*NOBODY, *enter.command([])]
    require_root(way)
    given = world(*({"kind": kind, "bind": ["lan", "127.0.0.1"]} for kind in ServiceKind))
    seen = run("sockets", given, way=way, python=python_for_nobody())
    assert {tuple(one) for one in seen} == bound(given)


def test_on_a_host_of_their_own() -> None:
    """In a container, they run on the host that starts them."""
    require_root(CONTAINER)
    given = without_python("127.0.0.1")
    seen = {tuple(one) for one in run("here", given, way=CONTAINER)}
    assert seen == bound(given)


def test_peers_get_what_each_serves() -> None:
    """The prober gets one SSH key and one certificate, whichever address it asks."""
    addresses = "192.168.77.10 10.88.0.10 203.0.113.10"
    keys = "ssh-keyscan -t ed25519 $a 2>/dev/null | cut -d' ' -f2-"
    prints = "openssl s_client -connect $a:443 2>&1 </dev/null | openssl x509 -noout -fingerprint"
    commands = [f"for a in {addresses}; do {command}; done" for command in (keys, prints)]
    for lines in netns_tasks.run("lines", WHOLE, [(Place.HERE, command) for command in commands]):
        assert len(lines) == 3
        assert len(set(lines)) == 1


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_a_renewed_certificate(engine: str) -> None:
    """Two web servers whose certificates were made for one key show one service."""
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    by = ["public-key", "greeting"]
    expect = {"443": {"services": [{"addresses": ["lan", "vpn"], "by": by}]}}
    servers = [{"kind": "nginx", "bind": [symbol], "key": "web"} for symbol in ("lan", "vpn")]
    parts = {"scan": {"ports": "443"}, "expect": expect}
    given = {"addresses": ["lan", "vpn"], "target": {"services": servers}, **parts}
    assert run("missed", given, engine) == []


def test_a_machine_that_lacks_another_user() -> None:
    """Where no other user can be had, nothing is started as root instead, and the reason is reported."""
    way = ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", ONE_USER]
    if subprocess.run([*way, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us make such a namespace")
    seen = run("broken", world(REDIS), way=way)
    assert seen["outcome"].startswith("this machine does not let us run services as another user: unshare")
    assert seen["after"] == seen["before"]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where programs are missing, their packages are named before anything is started."""
    monkeypatch.setattr(daemons, "_POSTGRESQL", tmp_path)
    monkeypatch.setattr(enter, "environment", lambda: {"PATH": str(tmp_path)})
    missing = daemons_available([ServiceKind.POSTGRESQL, ServiceKind.DNSMASQ])
    assert missing == "not installed: initdb, postgres, dnsmasq (packages postgresql, dnsmasq-base)"
    missing = {tool for kind in ServiceKind for tool in TOOLS[kind]}
    assert all(tool in str(daemons_available(ServiceKind)) for tool in missing)
