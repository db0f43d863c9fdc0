"""Scans through real tunnels, as plain data; run as a script: in worlds of namespaces, as JSON.

Started by the tests as `python tests/lab/tunnel_surveys.py WORLD ...`; enters a namespace that leads nowhere
by starting itself again. Prints an object: world -> what a scan reports, or the error it met.
"""

import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from probe.app.scan import scan
from probe.app.session import Backends
from probe.backends import privilege
from probe.lab.netns import enter, mounts
from probe.lab.netns.tunnel_plan import PORTS as CARRIER_PORTS
from probe.lab.netns.world import NetnsProber, open_netns
from probe.lab.scenario import Scenario, VpnKind, parse_scenario
from probe.lab.world import World
from probe.model.plan import Timing
from probe.model.report import Report

AN_OLD_SESSION_S = 200.0
WIREGUARD, OPENVPN = {"kind": "wireguard"}, {"kind": "openvpn"}
WARM = {**WIREGUARD, "warm": True}
SERVICES = [
    {"port": 8000, "bind": "0.0.0.0"},
    {"port": 8001, "bind": "lan"},
    {"port": 8002, "bind": "127.0.0.1"},
]
PORTS_ASKED = "8000-8003"


def world(vpn: dict[str, object] | None, addresses=("lan", "vpn"), **more: object) -> Scenario:
    """A scenario with these services, and a tunnel."""
    document = {
        "about": "a tunnel",
        "addresses": list(addresses),
        "target": {"listen": SERVICES},
        "scan": {"ports": PORTS_ASKED},
        "expect": {},
        **({} if vpn is None else {"vpn": vpn}),
        **more,
    }
    return parse_scenario("tunnel", document)


class Aged(NetnsProber):
    """This machine, on which a session has been idle for longer than it lives."""

    def tunnels(self):
        return tuple(
            tunnel if tunnel.peers is None else replace(tunnel, peers=tuple(map(_aged, tunnel.peers)))
            for tunnel in super().tunnels()
        )


def _aged(peer):
    age = peer.handshake_age_s
    return peer if age is None else replace(peer, handshake_age_s=age + AN_OLD_SESSION_S)


@contextmanager
def first_handshake_lost() -> Iterator[None]:
    """Lose the first message of the handshake: 148 bytes of payload (whitepaper, section 5.4.2)."""
    rule = f"udp dport {CARRIER_PORTS[VpnKind.WIREGUARD]} quota until 180 bytes drop"
    table = f"table inet lost {{\nchain out {{\ntype filter hook output priority 0;\n{rule}\n}}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
    yield


@contextmanager
def routed_elsewhere() -> Iterator[None]:
    """A host route to the VPN address by a neighbour on the LAN that nobody is."""
    subprocess.run(["ip", "route", "add", "10.88.0.10/32", "via", "192.168.77.99"], check=True)
    yield


@contextmanager
def well() -> Iterator[None]:
    """Nothing more is wrong."""
    yield


@dataclass(frozen=True)
class TunnelCase:
    """One world, and how it is scanned."""

    scenario: Scenario
    host: type[NetnsProber] = NetnsProber
    trouble: Callable[[], Any] = well
    as_nobody: bool = False


SLOW = {"vpn": {"delay_ms": 60}}
CASES = {
    "without the address": TunnelCase(world(None, ["lan"])),
    "a plain link": TunnelCase(world(None)),
    "cold": TunnelCase(world(WIREGUARD)),
    "warm": TunnelCase(world(WARM)),
    "cold and slow": TunnelCase(world(WIREGUARD, links=SLOW)),
    "warm and slow": TunnelCase(world(WARM, links=SLOW)),
    "cold and far": TunnelCase(world(WIREGUARD, links={"vpn": {"delay_ms": 200}})),
    "off": TunnelCase(world({**WIREGUARD, "up": False})),
    "never": TunnelCase(world({**WIREGUARD, "far_end": "absent"})),
    "stale": TunnelCase(world({**WARM, "far_end": "absent"}), Aged),
    "not allowed": TunnelCase(world({**WIREGUARD, "allowed": ["10.99.0.0/24"]})),
    "fresh and silent": TunnelCase(world({**WARM, "far_end": "unreachable"})),
    "unreadable": TunnelCase(world({**WIREGUARD, "far_end": "absent"}), as_nobody=True),
    "wrong route": TunnelCase(world(WARM), trouble=routed_elsewhere),
    "first handshake lost": TunnelCase(world(WIREGUARD), trouble=first_handshake_lost),
    "OpenVPN": TunnelCase(world(OPENVPN)),
    "OpenVPN off": TunnelCase(world({**OPENVPN, "up": False})),
    "OpenVPN absent": TunnelCase(world({**OPENVPN, "warm": True, "far_end": "absent"})),
}


def scanned(case: TunnelCase) -> dict[str, object]:
    """What a scan of the world reports, and what it took the way for."""
    with open_netns(case.scenario, raw=False) as opened, case.trouble():
        return _as_nobody(opened, case) if case.as_nobody else _scan(opened, case)


def _as_nobody(opened: World, case: TunnelCase) -> dict[str, object]:
    """Scan as one who may not ask WireGuard: without capabilities, before a closed control directory.

    A thread of its own gives its capabilities up, and what it starts has none either.
    """
    directory = mounts.socket_directory()
    mode = directory.stat().st_mode
    directory.chmod(0)
    try:
        with ThreadPoolExecutor(1, initializer=privilege.drop) as pool:
            return pool.submit(_scan, opened, case).result()
    finally:
        directory.chmod(mode)


def _scan(opened: World, case: TunnelCase) -> dict[str, object]:
    backends = Backends(opened.backend, case.host(), clients=opened.clients)
    report = scan(opened.target, Timing(), backends)
    return summary(report)


def summary(report: Report) -> dict[str, object]:
    """Of every address its condition, tunnel and words; of every port its verdict."""
    return {
        "seconds": report.elapsed_s,
        "sent": report.stats.sent,
        "addresses": {
            a.realm: {
                "condition": a.condition,
                "tunnel": a.tunnel,
                "evidence": to_builtins(a.evidence),
                "advice": to_builtins(a.advice),
            }
            for a in report.addresses
        },
        "ports": {p.port: [p.binding, p.bound_to, p.confidence] for p in report.ports},
        "reasons": {p.port: {o.realm: o.reason for o in p.observations} for p in report.ports},
        "tries": {p.port: {o.realm: o.attempts for o in p.observations} for p in report.ports},
        "conditions": {p.port: {o.realm: o.condition for o in p.observations} for p in report.ports},
    }


def attempt(survey: Callable[[], dict[str, object]]) -> object:
    """Scan; an error is reported, so that the other worlds are not lost with it."""
    try:
        return survey()
    except Exception:  # noqa: BLE001 - whatever it is, the test that started this shows it
        return traceback.format_exc()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump({name: attempt(lambda one=CASES[name]: scanned(one)) for name in sys.argv[1:]}, sys.stdout)
