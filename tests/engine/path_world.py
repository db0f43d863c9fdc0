"""A prober, a router and a target in network namespaces, for what `doctor` measures of a path; a script.

Run as `unshare -Urn python path_world.py` it builds the world, measures with the real instruments and prints
what they found as JSON. It refuses to run where an interface beside `lo` has an address. The target has many
addresses behind the router, each treated in one way.
"""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

from probe.engine.asking import ask
from probe.engine.connect import ConnectBackend
from probe.engine.mtu import try_mtu
from probe.engine.ping import ping
from probe.host.interfaces import interfaces
from probe.host.system import SystemHost
from probe.model.exam import MtuTrial
from probe.model.facts import AddressSurvey, LinkKind
from probe.model.plan import Timing
from probe.model.target import IPAddress, Port, Protocol, TargetAddress
from probe.path.ladder import hops_of, ladder_questions

HEALTHY, NARROW, HOLE, MUTE, FORBIDDEN, REJECTED, NOBODY = (
    f"10.77.{net}.{host}" for net, host in ((2, 2), (3, 2), (2, 3), (2, 4), (2, 5), (2, 6), (4, 9))
)
HEALTHY6, NARROW6, HOLE6 = "fd77:2::2", "fd77:3::2", "fd77:2::3"
HOLD, HANGS_UP, CLOSES, RESETS, KEEPS = 2000, 2001, 2002, 2003, 2004

ROUTER_RULES = f"""
ip daddr {HOLE} meta length > 1300 drop
ip6 daddr {HOLE6} meta length > 1300 drop
ip daddr {REJECTED} reject with icmp admin-prohibited
tcp dport {KEEPS} tcp flags & (syn|ack) == ack drop
"""
PROBER_RULES = f"ip daddr {FORBIDDEN} drop"
TARGET_RULES = f"ip daddr {MUTE} drop"


def run(*command: str, text: str | None = None) -> None:
    """Run one command."""
    subprocess.run(command, check=True, input=text, text=True)


def _enter(pid: int | None) -> tuple[str, ...]:
    return () if pid is None else ("nsenter", "-t", str(pid), "-n")


def _configure(pid: int | None, commands: str, hook: str, rules: str) -> None:
    limits = "cd /proc/sys/net; for f in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 > $f; done"
    run(*_enter(pid), "sh", "-ec", f"ip link set lo up\n{commands}\n{limits}")
    table = f"table inet f {{ chain c {{ type filter hook {hook} priority 0\n{rules}\n}}\n}}\n"
    run(*_enter(pid), "nft", "-f", "-", text=table)


def _wire(name: str, pid: int | None, peer: str, peer_pid: int) -> None:
    command = (*_enter(pid), "ip", "link", "add", name, "type", "veth", "peer", "name", peer)
    run(*command, "netns", str(peer_pid))


def _build(router: int, target: int) -> None:
    _wire("pr0", None, "rp0", router)
    _wire("rt0", router, "tr0", target)
    _wire("rn0", router, "tn0", target)
    routes = """
        ip link set pr0 addrgenmode none up; ip addr add 10.77.1.2/24 dev pr0
        ip addr add fd77:1::2/64 dev pr0 nodad; ip addr add fe80::2/64 dev pr0 nodad
        ip route add 10.77.0.0/16 via 10.77.1.1; ip -6 route add fd77::/16 via fd77:1::1"""
    _configure(None, routes, "output", PROBER_RULES)
    forwards = """
        for n in rp0 rt0 rn0; do ip link set $n addrgenmode none up; done; ip link set rn0 mtu 1400
        for n in rp0 rt0 rn0; do ip addr add fe80::1/64 dev $n nodad; done
        ip addr add 10.77.1.1/24 dev rp0; ip addr add fd77:1::1/64 dev rp0 nodad
        ip addr add 10.77.2.1/24 dev rt0; ip addr add fd77:2::1/64 dev rt0 nodad
        ip addr add 10.77.3.1/24 dev rn0; ip addr add fd77:3::1/64 dev rn0 nodad
        ip route add 10.77.4.0/24 dev rn0
        echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"""
    _configure(router, forwards, "forward", ROUTER_RULES)
    ends = """
        for n in tr0 tn0; do
            ip link set $n addrgenmode none up; ip addr add fe80::2/64 dev $n nodad
        done
        for n in 2 3 4 5 6; do ip addr add 10.77.2.$n/24 dev tr0; done; ip addr add 10.77.3.2/24 dev tn0
        ip addr add fd77:2::2/64 dev tr0 nodad; ip addr add fd77:2::3/64 dev tr0 nodad
        ip addr add fd77:3::2/64 dev tn0 nodad
        ip route add default via 10.77.2.1; ip -6 route add default via fd77:2::1"""
    _configure(target, ends, "input", TARGET_RULES)


def _serve(port: int, manner: str) -> None:
    """Accept for ever, and do one thing with each peer."""
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    kept = []

    def hang_up(peer: socket.socket) -> None:
        peer.sendall(b"hello\r\n")
        peer.recv(16)  # leaves what follows unread: the end is a reset
        time.sleep(0.1)
        peer.close()

    def loop() -> None:
        while True:
            peer, _ = listener.accept()
            if manner == "hang up":
                threading.Thread(target=hang_up, args=(peer,), daemon=True).start()
            elif manner == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            elif manner == "close":
                peer.close()
            else:
                kept.append(peer)

    threading.Thread(target=loop, daemon=True).start()


def listen() -> None:
    """Be the target's services until standard input ends."""
    manners = {HOLD: "hold", HANGS_UP: "hang up", CLOSES: "close", RESETS: "reset", KEEPS: "hold"}
    for port, manner in manners.items():
        _serve(port, manner)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


@contextlib.contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process that says one line when it is ready, and ends with its standard input."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.communicate()


@contextlib.contextmanager
def world() -> Iterator[None]:
    """The three hosts, as long as the context lasts."""
    if any(one.kind is not LinkKind.LOOPBACK for one in interfaces() if one.addresses):
        raise SystemExit("run this in a network namespace of its own: unshare -Urn")
    with contextlib.ExitStack() as stack:
        pids = []
        for _ in ("router", "target"):
            holder = stack.enter_context(_process("unshare", "-n", "sh", "-c", "echo; read x"))
            pids.append(holder.pid)
        _build(*pids)
        stack.enter_context(_process(*_enter(pids[1]), sys.executable, __file__, "listen"))
        yield


def _tcp(number: int) -> Port:
    return Port(Protocol.TCP, number)


def _shown(trial: MtuTrial | None) -> dict[str, Any] | None:
    if trial is None:
        return None
    teller = None if trial.teller is None else str(trial.teller)
    return {**asdict(trial), "port": trial.port.number, "teller": teller}


def trials() -> dict[str, Any]:
    """Data through the ports of every address, each as a trial of its own."""
    by_address = (HEALTHY, NARROW, HOLE, HEALTHY6, NARROW6, HOLE6)
    asked = {ip_address(text): _tcp(HOLD) for text in by_address}
    began = time.monotonic()
    found = try_mtu(asked)
    taken = time.monotonic() - began
    shown: dict[str, Any] = {str(ip): _shown(found.get(ip)) for ip in asked}
    for port in (HANGS_UP, CLOSES, RESETS, KEEPS, 9):
        shown[str(port)] = _shown(try_mtu({ip_address(HEALTHY): _tcp(port)}).get(ip_address(HEALTHY)))
    return {"trials": shown, "seconds": taken}


def echoes() -> dict[str, Any]:
    """Ping every address: first where no socket may, as in every new namespace, then where one may."""
    asked = [ip_address(t) for t in (HEALTHY, HEALTHY6, MUTE, FORBIDDEN, REJECTED, NOBODY, "10.99.0.1")]
    forbidden = ping(asked)
    run("sh", "-c", "echo 0 0 > /proc/sys/net/ipv4/ping_group_range")
    began = time.monotonic()
    found = ping(asked)
    taken = time.monotonic() - began
    shown = {
        str(ip): [echo.reason, echo.sent, str(echo.sender), echo.refused_here, echo.rtt is not None]
        for ip, echo in found.items()
    }
    return {"echoes": shown, "seconds": taken, "forbidden": len(forbidden)}


def ladders() -> dict[str, Any]:
    """How far probes come to addresses that stay silent."""
    host, shown = SystemHost(), {}
    backend = ConnectBackend()
    for text in (MUTE, NOBODY):
        survey = _survey(ip_address(text), host)
        answers = ask(ladder_questions(survey, _tcp(1006)), backend, Timing(timeout=0.3, retries=1))
        hops = hops_of(answers, survey) or ()
        shown[text] = [[hop.ttl, str(hop.sender), hop.arrived] for hop in hops]
    backend.close()
    return shown


def _survey(ip: IPAddress, host: SystemHost) -> AddressSurvey:
    own = host.own_addresses()
    return AddressSurvey(TargetAddress(ip, "lan"), (), route=host.route(ip), own_addresses=own)


def main() -> None:
    """Measure everything and print it."""
    with world():
        json.dump({"mtu": trials(), "ladders": ladders(), "ping": echoes()}, sys.stdout)


if __name__ == "__main__":
    listen() if sys.argv[1:] == ["listen"] else main()
