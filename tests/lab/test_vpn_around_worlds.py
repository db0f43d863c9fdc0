"""What is around a world with tunnels: how soon it is up, that nothing of it stays, and why there is none."""

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import netns_tasks
import psutil
import pytest
from msgspec import convert

from probe.errors import BackendError
from probe.lab.netns import enter, tunnels
from probe.lab.netns.tunnel_plan import plan_tunnel
from probe.lab.scenario import Vpn, VpnKind

SERVICE = {"listen": [{"port": 80, "bind": "::", "serves": "greet"}]}
KINDS = [kind.value for kind in VpnKind]
WORLDS = {
    kind: {"addresses": ["lan", "vpn"], "target": SERVICE, "vpn": {"kind": kind, "warm": True}}
    for kind in KINDS
}


@pytest.fixture
def _tunnels() -> None:
    why_not = tunnels.vpn_available()
    if why_not is not None:
        pytest.skip(why_not)


BUILT_WITHIN = {"wireguard": 1.0, "openvpn": 2.0}  # seconds


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_tunnels_leave_nothing(kind: str) -> None:
    """No process, file, mount or interface remains of worlds with tunnels."""
    result = netns_tasks.run("in_a_row", WORLDS[kind], 4)
    assert result["after"] == result["before"]


@pytest.mark.netns
@pytest.mark.wall_time
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_tunnels_are_quick(kind: str) -> None:
    """Worlds with tunnels come up soon."""
    result = netns_tasks.run("in_a_row", WORLDS[kind], 4)
    assert max(result["up"]) < BUILT_WITHIN[kind]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"listen": [{"port": 80, "bind": "10.1.2.3"}]}, "BackendError: the target host: cannot listen on"),
        (SERVICE, "in the middle"),
    ],
)
def test_failures_leave_nothing(kind: str, target: dict[str, Any], message: str) -> None:
    """Neither a world that cannot be built nor a body that fails leaves anything of a tunnel."""
    result = netns_tasks.run("broken", {**WORLDS[kind], "target": target}, target == SERVICE)
    assert result["outcome"].startswith(message)
    assert result["after"] == result["before"]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_tunnels_end_with_their_world(kind: str) -> None:
    """Killed in the middle of a world, the program takes those of the tunnel with it."""
    script = (
        "import netns_tasks, time\n"
        "from probe.lab.netns.world import open_network\n"
        f"with open_network(netns_tasks.scenario({WORLDS[kind]!r})):\n"
        "    print('open', flush=True)\n"
        "    time.sleep(60)\n"
    )
    outer = (
        f"import sys; from probe.lab.netns import enter; enter.reenter([sys.executable, '-c', {script!r}])"
    )
    environment = netns_tasks.environment()
    environment["PYTHONPATH"] += f":{Path(__file__).parent}"
    with subprocess.Popen([sys.executable, "-c", outer], env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"open\n"
        family = psutil.Process(program.pid).children(recursive=True)
        names = [process.name() for process in family]
        program.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert names.count({"wireguard": "wireguard-go", "openvpn": "openvpn"}[kind]) == 2
    assert alive == []


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program is missing, the reason names it and its package; opening a world reports the same."""
    monkeypatch.setattr("shutil.which", lambda tool, path: None if tool in {"wg", "openvpn"} else tool)
    lacking = "not installed: wg (packages wireguard-tools)"
    assert tunnels.vpn_available(VpnKind.WIREGUARD) == lacking
    assert tunnels.vpn_available() == "not installed: wg, openvpn (packages wireguard-tools, openvpn)"
    plan = plan_tunnel(convert({"kind": "wireguard"}, Vpn), ["vpn"])
    with ExitStack() as stack, pytest.raises(BackendError, match="not installed: wg "):
        tunnels.lay_tunnel(plan, 0, stack)


@pytest.mark.netns
def test_a_machine_without_tunnels_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel's side is missing, the reason names it, and nothing is made in its place."""
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)
    monkeypatch.setattr("shutil.which", lambda tool, path: tool)
    monkeypatch.setattr(tunnels, "_TUN", "/dev/net/none")
    tunnels._machine_lacks.cache_clear()
    try:
        result = tunnels.vpn_available()
    finally:
        tunnels._machine_lacks.cache_clear()
    assert result == "this machine does not let us make tunnels: no device /dev/net/none"
    assert not Path("/dev/net/none").exists()


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_a_tunnel_needs_mounts_of_its_own() -> None:
    """Where the mounts are the machine's, plain worlds open, and those with tunnels report why not."""
    script = (
        "import netns_tasks\n"
        f"for given in ({{**{WORLDS['wireguard']!r}, 'vpn': None}}, {WORLDS['wireguard']!r}):\n"
        "    print(netns_tasks.broken(given)['outcome'])\n"
    )
    environment = {**netns_tasks.environment(), enter.MARKER: "1"}
    environment["PYTHONPATH"] += f":{Path(__file__).parent}"
    with_loopback = ("sh", "-c", 'ip link set lo up && exec "$0" "$@"')
    inside = ["unshare", "--user", "--map-root-user", "--net", *with_loopback]
    done = subprocess.run(
        [*inside, sys.executable, "-c", script], env=environment, check=False, capture_output=True, text=True
    )
    if done.stderr.startswith("unshare:"):
        pytest.skip(done.stderr)
    plain, tunnel = done.stdout.splitlines()
    assert plain == "it opened"
    assert tunnel.startswith("BackendError: this world needs mounts of its own")
