"""Facts of a real machine in namespaces without a way out, printed as one JSON object.

It has two WireGuard tunnels that talk to each other over the loopback interface, one of OpenVPN without a far
end, a packet filter, reverse path filters and routes. test_machine_in_a_world starts it as root, in a network
and a mount namespace of its own: /dev/net/tun is root's.
"""

import ctypes
import datetime as dt
import functools
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from probe.app import examination
from probe.lab.netns import enter, syscalls
from probe.machine.links import read_links
from probe.machine.nftables import parse_ruleset
from probe.machine.system import SystemMachine
from probe.machine.tools import ask
from probe.report.as_json import render_doctor_json
from probe.report.doctor_document import DoctorFacts, assemble_doctor
from probe.report.doctor_text import render_doctor

TOP = Path(__file__).parents[2]
RULESETS = Path(__file__).parent / "rulesets"
SHARED_KEY = "/run/shared.key"
SILENT = "10.8.0.9"  # behind the tunnel wg0, where nobody has it
RESOLV_CONF = Path("/run/resolv.conf")
KEY_CHARS = 44  # of a key of 32 bytes in base64
CLONE_NEWNET = 0x40000000
DROP = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
)
PORTS = {"wg0": 51820, "office": 51821}
OPENVPN = "openvpn --dev corp --dev-type tun --ifconfig 10.9.0.1 10.9.0.2 --port 1194"
OTHER = {"wg0": "office", "office": "wg0"}


def sh(command: str, given: str | None = None) -> str:
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True, input=given)
    return done.stdout.strip()


@contextmanager
def tunnels() -> Iterator[None]:
    """Two tunnels of WireGuard, each other's only peer, and one of OpenVPN."""
    die_too = functools.partial(syscalls.die_with_parent, os.getpid())
    programs = [*(["wireguard-go", "-f", name] for name in PORTS), OPENVPN.split()]
    running = [subprocess.Popen(one, stdout=subprocess.DEVNULL, preexec_fn=die_too) for one in programs]  # noqa: PLW1509 - one system call
    try:
        wait_for(lambda: all(Path(f"/run/wireguard/{name}.sock").exists() for name in PORTS))
        wait_for(lambda: Path("/proc/sys/net/ipv4/conf/corp").exists())
        keys = {name: sh("wg genkey") for name in PORTS}
        Path(SHARED_KEY).write_text(sh("wg genpsk"), encoding="ascii")
        for name, port in PORTS.items():
            Path(f"/run/{name}.key").write_text(keys[name], encoding="ascii")
            peer = sh("wg pubkey", keys[OTHER[name]])
            sh(
                f"wg set {name} listen-port {port} private-key /run/{name}.key peer {peer}"
                f" endpoint 127.0.0.1:{PORTS[OTHER[name]]} persistent-keepalive 1"
                f" preshared-key {SHARED_KEY} allowed-ips 10.8.0.0/24,fd08::/64"
            )
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


def wait_for(condition: Any, within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def build() -> None:
    sh("ip link add name left type veth peer name right; ip link add name off type veth peer name on")
    sh("ip address add 192.168.77.2/24 dev left; ip link set left up; ip link set right up")
    sh("ip address add 10.8.0.2/24 dev wg0; ip link set wg0 up; ip link set office up")
    sh("ip route add default via 192.168.77.1 metric 50; ip route add blackhole 10.99.0.0/16")
    sh("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.left.rp_filter=1 net.ipv4.conf.wg0.rp_filter=2")
    sh(f"nft -f {RULESETS / 'ufw.nft'}")
    RESOLV_CONF.write_text("nameserver 127.0.0.53\nsearch lan\n", encoding="ascii")


def reader() -> SystemMachine:
    return SystemMachine(lambda: None, RESOLV_CONF)


def as_data(thing: Any) -> Any:
    return json.loads(msgspec.json.encode(_whole(thing), enc_hook=str))


def _whole(thing: Any) -> Any:
    """With what is absent, as null."""
    if isinstance(thing, msgspec.Struct):
        return {name: _whole(getattr(thing, name)) for name in thing.__struct_fields__}
    return [_whole(one) for one in thing] if isinstance(thing, tuple) else thing


def as_nobody() -> Any:
    """What a user without any privilege reads; None where it may not read this checkout."""
    command = [*DROP, sys.executable, __file__, "read"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return json.loads(done.stdout) if done.returncode == 0 else None


def in_a_thread() -> Any:
    """What a thread in yet another network namespace reads: its own links and counters."""
    found: list[Any] = []

    def look() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            return
        sh("ip link set lo up; ip link add name near type veth peer name far")
        sh("ping -c 1 127.0.0.1 >/dev/null || true")
        found.extend(as_data([made.link for made in read_links()]))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


def secrets() -> dict[str, list[str]]:
    """Secrets that `wg` shows root, and in which of our values and reports one of them is found."""
    keys = sh("wg show all private-key; wg show all preshared-keys").split()
    found = {key for key in keys if len(key) == KEY_CHARS} - set(sh("wg show all peers").split())
    machine, look = reader().machine(), examination.look(reader())
    report = assemble_doctor(look, DoctorFacts(dt.datetime.now(dt.UTC), "0"))
    places = {
        "machine": repr(machine).encode() + pickle.dumps(machine),
        "tunnel": pickle.dumps(reader().tunnel("wg0")),
        "checks": repr(look).encode() + pickle.dumps(look),
        "report": render_doctor_json(report).encode() + render_doctor(report).encode(),
        "of this machine": printed("doctor", "--json"),
        "of an address": printed("doctor", "--vpn", SILENT, "-p", "22", "--json"),
        "text of an address": printed("doctor", "--vpn", SILENT, "-p", "22"),
    }
    return {
        "secrets": sorted(found),
        "held": [place for place, text in places.items() if any(key.encode() in text for key in found)],
        "empty": [place for place, text in places.items() if b"wg0" not in text],
    }


def printed(*flags: str) -> bytes:
    """Everything that the program prints, errors included."""
    command = [sys.executable, "-m", "probe", *flags]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout


def rulesets() -> dict[str, bool]:
    """Whether the recorded rulesets are what nft prints today."""
    same = {}
    for path in sorted(RULESETS.glob("*.nft")):
        sh(f"nft flush ruleset; nft -f {path}")
        recorded = path.with_suffix(".json").read_text(encoding="utf-8")
        same[path.stem] = parse_ruleset(ask(("nft", "-j", "list", "ruleset")).output) == parse_ruleset(
            recorded
        )
    return same


def main() -> None:
    enter.require_no_way_out()
    with tunnels():
        build()
        wait_for(lambda: "\t0\t" not in sh("wg show wg0 latest-handshakes") + "\t")
        first = time.monotonic()
        machine = reader().machine()
        facts = {
            "machine": as_data(machine),
            "seconds": time.monotonic() - first,
            "one": as_data(reader().tunnel("wg0")),
            "none": [reader().tunnel(name) for name in ("lo", "left", "gone")],
            "nobody": as_nobody(),
            "thread": in_a_thread(),
            "secrets": secrets(),
        }
    print(json.dumps({**facts, "rulesets": rulesets()}))  # noqa: T201 - this is what is asked for


if __name__ == "__main__":
    sys.path.insert(0, str(TOP))
    if sys.argv[1:] == ["read"]:
        print(json.dumps(as_data(reader().machine())))  # noqa: T201
    else:
        main()
