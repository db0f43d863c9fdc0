"""Real tunnels in worlds: every knob, seen by `wg`, ping and sockets; and nothing of them stays."""

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

from probe.errors import BackendError, ScenarioError
from probe.lab.door import open_world
from probe.lab.netns import enter, tunnels
from probe.lab.netns.carried import plan_tunnel
from probe.lab.scenario import Vpn, VpnKind
from probe.model.diagnosis import Place

GREETED = "220 ready"
SERVICE = {"listen": [{"port": 80, "bind": "::", "serves": "greet"}]}
SILENT = {"echo": False, "tcp": "TimeoutError"}
WELL = {"echo": True, "tcp": GREETED}
KINDS = [kind.value for kind in VpnKind]
LINKS = ["lan", "lo", "vpn", "wan"]


@pytest.fixture
def _tunnels() -> None:
    why_not = tunnels.vpn_available()
    if why_not is not None:
        pytest.skip(why_not)


def world(kind: str, *, addresses: tuple[str, ...] = ("lan", "vpn"), **parts: Any) -> dict[str, Any]:
    """A scenario with a tunnel and a service; `parts` are the tunnel's, but for those of the scenario."""
    own = {key: parts.pop(key) for key in ("target", "prober", "links", "down") if key in parts}
    return {"addresses": list(addresses), "target": SERVICE, "vpn": {"kind": kind, **parts}, **own}


# The tunnel, and what is seen, in that order.
WIREGUARD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cold": (
        {"addresses": ("lan", "vpn", "vpn6")},
        {
            "links": LINKS,
            "their links": LINKS,
            "allowed": ["10.88.0.10/32", "fd88::10/128"],
            "accepts": ["10.88.0.2/32", "fd88::2/128"],
            "mtu": 1420,
            "handshake": False,
            "their handshake": False,
            **WELL,
            "echo6": True,
            "tcp6": GREETED,
            "lan tcp": GREETED,
            "handshake after": True,
        },
    ),
    "warm": ({"warm": True}, {"handshake": True, "their handshake": True, **WELL}),
    "far end absent": (
        {"far_end": "absent"},
        {
            "their links": ["lan", "lo", "wan"],
            "carrier echo": True,
            "carrier port": "ConnectionRefusedError",
            **SILENT,
            "lan tcp": GREETED,
            "handshake after": False,
        },
    ),
    "far end absent, warm": (
        {"far_end": "absent", "warm": True},
        {"handshake": True, "carrier port": "ConnectionRefusedError", **SILENT},
    ),
    "far end a stranger": (
        {"far_end": "stranger"},
        {"accepts": [], "carrier port": "TimeoutError", **SILENT, "handshake after": False},
    ),
    "far end a stranger, warm": (
        {"far_end": "stranger", "warm": True},
        {"accepts": [], "handshake": True, **SILENT},
    ),
    "far end unreachable": (
        {"far_end": "unreachable"},
        {
            "their links": LINKS,
            "carrier echo": False,
            "carrier port": "TimeoutError",
            **SILENT,
            "lan tcp": GREETED,
            "handshake after": False,
        },
    ),
    "far end unreachable, warm": (
        {"far_end": "unreachable", "warm": True},
        {"handshake": True, "carrier echo": False, **SILENT},
    ),
    "off": (
        {"up": False, "warm": True},
        {"links": ["lan", "lo", "vpn off", "wan"], "echo": False, "tcp": "errno 101", "lan tcp": GREETED},
    ),
    "not allowed": (
        {"allowed": ["10.99.0.0/24"]},
        {"allowed": ["10.99.0.0/24"], **SILENT, "handshake after": False},
    ),
    "not allowed, warm": (
        {"allowed": ["10.99.0.0/24"], "warm": True},
        {"handshake": True, **SILENT},
    ),
    "not accepted": (
        {"accepts": ["10.88.0.7"]},
        {"accepts": ["10.88.0.7/32"], **SILENT, "handshake after": True},
    ),
    "a size of its own": ({"mtu": 1280}, {"mtu": 1280, "their mtu": 1280, **WELL}),
    "switched off": (
        {"down": True, "warm": True},
        {
            "links": LINKS,
            "handshake": True,
            "lan echo": False,
            "lan tcp": "errno 113",
            "neighbour": ["FAILED"],
            **SILENT,
            "carrier echo": False,
        },
    ),
    "a filter is not about the carrier": (
        {"target": {**SERVICE, "filter": [{"action": "drop"}]}, "warm": True},
        {"handshake": True, "echo": True, "tcp": "TimeoutError", "lan tcp": "TimeoutError"},
    ),
    "nor is the prober's own": (
        {"prober": {"incoming": [{"action": "drop"}], "outgoing": [{"action": "drop"}]}, "warm": True},
        {"handshake": True, "echo": True, "tcp": "TimeoutError"},
    ),
}

OPENVPN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "serves": ({}, {"links": LINKS, "their links": LINKS, "mtu": 1500, **WELL, "lan tcp": GREETED}),
    "far end absent": (
        {"far_end": "absent"},
        {"links": ["lan", "lo", "wan"], "echo": False, "tcp": "errno 101", "lan tcp": GREETED},
    ),
    "far end absent, warm": ({"far_end": "absent", "warm": True}, {"links": LINKS, **SILENT}),
    "far end a stranger": (
        {"far_end": "stranger"},
        {"links": ["lan", "lo", "wan"], "echo": False, "tcp": "errno 101"},
    ),
    "far end a stranger, warm": ({"far_end": "stranger", "warm": True}, {"links": LINKS, **SILENT}),
    "far end unreachable": ({"far_end": "unreachable"}, {"links": ["lan", "lo", "wan"], "tcp": "errno 101"}),
    "far end unreachable, warm": (
        {"far_end": "unreachable", "warm": True},
        {"links": LINKS, "carrier echo": False, **SILENT},
    ),
    "off": ({"up": False}, {"links": ["lan", "lo", "vpn off", "wan"], "tcp": "errno 101"}),
    "a size of its own": ({"mtu": 1300}, {"mtu": 1300, "their mtu": 1300, **WELL}),
    "switched off": (
        {"down": True},
        {"lan echo": False, "lan tcp": "errno 113", **SILENT},
    ),
}

CASES = [("wireguard", case) for case in WIREGUARD] + [("openvpn", case) for case in OPENVPN]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize(("kind", "case"), CASES)
def test_what_a_tunnel_is_like(kind: str, case: str) -> None:
    """Each knob does what it says, and nothing beside."""
    parts, expected = {"wireguard": WIREGUARD, "openvpn": OPENVPN}[kind][case]
    assert netns_tasks.run("facts", world(kind, **parts), list(expected)) == expected


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_each_host_has_its_own_sysfs() -> None:
    """Where the kernel permits it, /sys lists the interfaces of the world's own host."""
    trial = enter.command(["unshare", "--mount", "mount", "-t", "sysfs", "none", "/sys"])
    done = subprocess.run(trial, env=enter.environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr)
    look = "ls /sys/class/net"
    given = world("openvpn", far_end="absent")
    found = netns_tasks.run("lines", given, [(Place.HERE, look), (Place.TARGET, look)])
    assert found == [["lan", "lo", "wan"], LINKS]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_through_a_tunnel(kind: str) -> None:
    """The product's own scan goes through the tunnel as through any link."""
    found = netns_tasks.run("scanned", world(kind))
    assert found == {
        "192.168.77.10": ["lan", "clear", "syn-ack"],
        "10.88.0.10": ["vpn", "clear", "syn-ack"],
    }


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_the_delay_is_on_the_carrier() -> None:
    """A tunnel of 20 ms each way makes a handshake of 40 ms, and the LAN none."""
    given = world("wireguard", links={"vpn": {"delay_ms": 20}})
    took = netns_tasks.run("round_trips", given, ["lan", "vpn"], 80)
    assert took == pytest.approx({"lan": 0, "vpn": 40}, abs=5)


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_commands_run_where_they_are_told() -> None:
    """A shell on each host sees its own addresses, tunnel and interfaces, and changes them."""
    key = "wg show vpn public-key"
    lacks = "ip -br -4 addr show dev vpn | awk '{print $3}'"
    found = netns_tasks.run(
        "lines",
        world("wireguard"),
        [
            (Place.HERE, lacks),
            (Place.TARGET, lacks),
            (Place.HERE, "wg show vpn peers"),
            (Place.TARGET, key),
            (Place.TARGET, f"wg set vpn peer $({key}) allowed-ips 10.1.2.3/32; wg show interfaces"),
            (Place.TARGET, "exit 3"),
            (Place.TARGET, "no-such-command"),
        ],
    )
    assert found[:2] == [["10.88.0.2/24"], ["10.88.0.10/24"]]
    assert found[2] == found[3]
    assert found[4:6] == [["vpn"], []]
    assert "not found" in found[6][0]


BUILT_WITHIN = {"wireguard": 1.0, "openvpn": 2.0}  # seconds


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_tunnels_are_quick_and_leave_nothing(kind: str) -> None:
    """Worlds with tunnels come up soon; no process, file, mount or interface of theirs remains."""
    told = netns_tasks.run("in_a_row", world(kind, warm=True), 4)
    assert told["after"] == told["before"]
    assert max(told["up"]) < BUILT_WITHIN[kind]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"listen": [{"port": 80, "bind": "10.1.2.3"}]}, "BackendError: the target host: cannot listen on"),
        (SERVICE, "in the middle"),
    ],
)
def test_failures_leave_nothing(kind: str, target: dict[str, Any], said: str) -> None:
    """Neither a world that cannot be built nor a body that fails leaves anything of a tunnel."""
    told = netns_tasks.run("broken", world(kind, target=target), target == SERVICE)
    assert told["said"].startswith(said)
    assert told["after"] == told["before"]


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
@pytest.mark.parametrize("kind", KINDS)
def test_tunnels_end_with_their_world(kind: str) -> None:
    """Killed in the middle of a world, the program takes those of the tunnel with it."""
    script = (
        "import netns_tasks, time\n"
        "from probe.lab.netns.world import open_network\n"
        f"with open_network(netns_tasks.scenario({world(kind)!r})):\n"
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


def test_memory_has_no_tunnels() -> None:
    """The world in memory refuses a scenario with a tunnel."""
    with (
        pytest.raises(ScenarioError, match="takes the netns world"),
        open_world(netns_tasks.scenario(world("wireguard")), "sim"),
    ):
        pass


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program is missing, the reason names it and its package; opening a world says the same."""
    monkeypatch.setattr("shutil.which", lambda tool, path: None if tool in {"wg", "openvpn"} else tool)
    lacking = "not installed: wg (packages wireguard-tools)"
    assert tunnels.vpn_available(VpnKind.WIREGUARD) == lacking
    assert tunnels.vpn_available() == "not installed: wg, openvpn (packages wireguard-tools, openvpn)"
    plan = plan_tunnel(convert({"kind": "wireguard"}, Vpn), ["vpn"])
    with ExitStack() as stack, pytest.raises(BackendError, match="not installed: wg "):
        tunnels.lay_tunnel(plan, 0, stack)


@pytest.mark.netns
def test_a_machine_without_tunnels_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel's side is missing or not permitted, the reason is the system's own."""
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)
    monkeypatch.setattr("shutil.which", lambda tool, path: tool)
    monkeypatch.setattr(tunnels, "_TUN", "/dev/net/none")
    tunnels._machine_lacks.cache_clear()
    try:
        told = tunnels.vpn_available()
    finally:
        tunnels._machine_lacks.cache_clear()
    assert told == "this machine does not let us make tunnels: no device /dev/net/none"


@pytest.mark.netns
@pytest.mark.usefixtures("_tunnels")
def test_a_tunnel_needs_mounts_of_its_own() -> None:
    """Where the mounts are the machine's, plain worlds open, and those with tunnels say why not."""
    script = (
        "import netns_tasks\n"
        f"for given in ({{**{world('wireguard')!r}, 'vpn': None}}, {world('wireguard')!r}):\n"
        "    print(netns_tasks.broken(given)['said'])\n"
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
