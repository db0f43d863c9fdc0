"""Three hosts in network namespaces, in which each port is treated in one way; a script.

Run as `unshare -Urn python errors_world.py` it builds the world of `errors_cases`, asks every case with the
backend under test and prints the replies as JSON. It refuses to run where an interface beside `lo` has an
address: no probe may leave the world.
"""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_address

from errors_cases import (
    ANSWER,
    CASES,
    CLOSE,
    GREET,
    HOLD,
    LINK_LOCAL,
    PROBER_RULES,
    RESET,
    ROUTER_RULES,
    TARGET,
    TARGET6,
    TARGET_RULES,
    TCP,
    UDP,
)

from probe.engine.connect import ConnectBackend
from probe.host.interfaces import interfaces
from probe.host.system import SystemHost
from probe.model.facts import LinkKind
from probe.model.probing import Probe, Question, Reply
from probe.model.target import Port

HOST_ADDRESSES = (
    *(TARGET, "10.77.1.1", "10.77.1.77", "fd77:1::1", "fd77:1::77", LINK_LOCAL, "10.77.1.2"),
    *("10.66.0.9", "10.67.0.9", "10.96.0.1", "10.97.0.1", "10.98.0.1", "10.99.0.1", "fd96::1"),
)
WAIT = 4.5  # seconds: an unanswered ARP request fails after 3


def _run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, check=True, input=text, text=True)


def _enter(pid: int | None) -> tuple[str, ...]:
    return () if pid is None else ("nsenter", "-t", str(pid), "-n")


def _configure(pid: int | None, commands: str, hook: str, rules: list[str]) -> None:
    """Run `ip` commands, lift the limits on ICMP errors and load rules, in one namespace."""
    limits = "cd /proc/sys/net; for f in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 > $f; done"
    _run(*_enter(pid), "sh", "-ec", f"ip link set lo up\n{commands}\n{limits}")
    lines = [f"table inet f {{ chain c {{ type filter hook {hook} priority 0;", *rules, "}", "}", ""]
    table = "\n".join(lines)
    _run(*_enter(pid), "nft", "-f", "-", text=table)


def _build(router: int, target: int) -> None:
    _run("ip", "link", "add", "pr0", "type", "veth", "peer", "name", "rp0", "netns", str(router))
    _run(
        *_enter(router),
        "ip",
        "link",
        "add",
        "rt0",
        "type",
        "veth",
        "peer",
        "name",
        "tr0",
        "netns",
        str(target),
    )
    routes = """
        ip link set pr0 addrgenmode none; ip link set pr0 up
        ip addr add 10.77.1.2/24 dev pr0; ip addr add fd77:1::2/64 dev pr0 nodad
        ip addr add fe80::2/64 dev pr0 nodad
        ip tuntap add tun7 mode tun; ip link set tun7 addrgenmode none mtu 1400 up
        ip addr add 10.66.0.1/24 dev tun7; ip route add 10.67.0.0/24 dev tun7
        ip route add 10.77.2.0/24 via 10.77.1.1; ip route add fd77:2::/64 via fd77:1::1
        ip route add 10.95.0.0/16 via 10.77.1.1; ip route add blackhole 10.97.0.0/16
        ip route add prohibit 10.98.0.0/16; ip route add unreachable 10.99.0.0/16"""
    _configure(None, routes, "output", PROBER_RULES)
    forwards = """
        for n in rp0 rt0; do ip link set $n addrgenmode none; ip link set $n up; done
        ip addr add 10.77.1.1/24 dev rp0; ip addr add fd77:1::1/64 dev rp0 nodad
        ip addr add fe80::77/64 dev rp0 nodad; ip addr add fe80::1/64 dev rt0 nodad
        ip addr add 10.77.2.1/24 dev rt0; ip addr add fd77:2::1/64 dev rt0 nodad
        echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"""
    _configure(router, forwards, "forward", ROUTER_RULES)
    ends = """
        ip link set tr0 addrgenmode none; ip link set tr0 up
        ip addr add 10.77.2.2/24 dev tr0; ip addr add fd77:2::2/64 dev tr0 nodad
        ip addr add fe80::2/64 dev tr0 nodad
        ip route add default via 10.77.2.1; ip -6 route add default via fd77:2::1"""
    _configure(target, ends, "input", TARGET_RULES)


def _serve(port: int, after_accept: str) -> None:
    """Accept for ever, and do one thing with each peer."""
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    kept = []

    def loop() -> None:
        while True:
            peer, _ = listener.accept()
            if after_accept == "greet":
                peer.sendall(b"hello\r\n")
            if after_accept == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if after_accept in {"close", "reset"}:
                peer.close()
            else:
                kept.append(peer)

    threading.Thread(target=loop, daemon=True).start()


def listen() -> None:
    """Be the target's services until standard input ends."""
    for port, manner in ((HOLD, "hold"), (GREET, "greet"), (CLOSE, "close"), (RESET, "reset")):
        _serve(port, manner)
    answerer = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    answerer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    answerer.bind(("::", ANSWER))

    def answer() -> None:
        while True:
            data, peer = answerer.recvfrom(2048)
            answerer.sendto(data, peer)

    threading.Thread(target=answer, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


@contextlib.contextmanager
def world() -> Iterator[None]:
    """The three hosts, as long as the context lasts."""
    if any(interface.kind is not LinkKind.LOOPBACK for interface in interfaces() if interface.addresses):
        raise SystemExit("run this in a network namespace of its own: unshare -Urn")
    with contextlib.ExitStack() as stack:
        pids = []
        for _ in ("router", "target"):
            holder = stack.enter_context(_process("unshare", "-n", "sh", "-c", "echo; read x"))
            pids.append(holder.pid)
        _build(*pids)
        stack.enter_context(_process(*_enter(pids[1]), sys.executable, __file__, "listen"))
        yield


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


def _shown(replies: list[Reply]) -> dict[str, object] | None:
    """All replies to one probe as one; only an aftermath may follow the first."""
    if not replies:
        return None
    first, *later = replies
    assert all(reply.aftermath for reply in later), replies
    return {
        "reason": first.reason,
        "sender": str(first.sender) if first.sender else None,
        "ttl": first.ttl,
        "aftermath": later[0].aftermath if later else None,
        "icmp": first.icmp,
    }


def collect(backend: ConnectBackend, probes: list[Probe], wait: float) -> dict[int, list[Reply]]:
    """Send probes and gather what comes back within `wait` seconds."""
    replies: dict[int, list[Reply]] = {probe.id: [] for probe in probes}
    for probe in probes:
        backend.send(probe)
    until = backend.now() + wait
    while backend.now() < until:
        for reply in backend.receive(until):
            replies[reply.probe_id].append(reply)
    return replies


def _link_goes_down(backend: ConnectBackend) -> list[str]:
    """Probes before and after the prober's link is taken down; nothing may be raised."""
    rows = [(TARGET, TCP), (TARGET6, TCP), (TARGET, UDP), (LINK_LOCAL, TCP)]
    backend.send(Probe(9000, Question(ip_address(TARGET), Port(TCP, 2302))))
    _run("ip", "link", "set", "pr0", "down")
    probes = [Probe(9001 + i, Question(ip_address(a), Port(p, 1))) for i, (a, p) in enumerate(rows)]
    replies = collect(backend, [probes[0]], 0.1)
    for probe in probes[1:]:
        replies |= collect(backend, [probe], 0.1)
    return [replies[probe.id][0].reason if replies[probe.id] else "silence" for probe in probes]


def _host_facts() -> dict[str, object]:
    """What the host says of addresses of every kind, after they have been probed."""
    host = SystemHost()
    facts: dict[str, object] = {}
    for text in HOST_ADDRESSES:
        address = ip_address(text)
        route = host.route(address)
        known = (str(route.source), route.interface, route.kind, route.mtu, route.on_link)
        facts[text] = (*known, host.neighbour(address)) if route.reachable else None
    return facts


def main() -> None:
    """Ask all cases at once and print what came back."""
    with world():
        backend = ConnectBackend()
        probes = [Probe(number, case.question()) for number, case in enumerate(CASES)]
        replies = collect(backend, probes, WAIT)
        backend.forget(range(len(CASES)))
        answers = {case.name: _shown(replies[number]) for number, case in enumerate(CASES)}
        host = _host_facts()
        json.dump({"answers": answers, "host": host, "link down": _link_goes_down(backend)}, sys.stdout)
        backend.close()


if __name__ == "__main__":
    listen() if sys.argv[1:] == ["listen"] else main()
