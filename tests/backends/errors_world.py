"""Three hosts, where each port is treated in one way; a script, see `three_hosts`.

It asks every case of `errors_cases` with the backend under test and prints the replies as JSON.
"""

import json
import sys
from contextlib import AbstractContextManager
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
from three_hosts import configure, listen, run, three_hosts, wire

from probe.backends.connect import ConnectBackend
from probe.backends.system_host import SystemHost
from probe.model.probing import Probe, Question, Reply
from probe.model.target import Port

HOST_ADDRESSES = (
    *(TARGET, "10.77.1.1", "10.77.1.77", "fd77:1::1", "fd77:1::77", LINK_LOCAL, "10.77.1.2"),
    *("10.66.0.9", "10.67.0.9", "10.96.0.1", "10.97.0.1", "10.98.0.1", "10.99.0.1", "fd96::1"),
)
MANNERS = {HOLD: "hold", GREET: "greet", CLOSE: "close", RESET: "reset"}
WAIT = 4.5  # seconds: an unanswered ARP request fails after 3


def _build(router: int, target: int) -> None:
    wire("pr0", None, "rp0", router)
    wire("rt0", router, "tr0", target)
    routes = """
        ip link set pr0 addrgenmode none; ip link set pr0 up
        ip addr add 10.77.1.2/24 dev pr0; ip addr add fd77:1::2/64 dev pr0 nodad
        ip addr add fe80::2/64 dev pr0 nodad
        ip tuntap add tun7 mode tun; ip link set tun7 addrgenmode none mtu 1400 up
        ip addr add 10.66.0.1/24 dev tun7; ip route add 10.67.0.0/24 dev tun7
        ip route add 10.77.2.0/24 via 10.77.1.1; ip route add fd77:2::/64 via fd77:1::1
        ip route add 10.95.0.0/16 via 10.77.1.1; ip route add blackhole 10.97.0.0/16
        ip route add prohibit 10.98.0.0/16; ip route add unreachable 10.99.0.0/16"""
    configure(None, routes, "output", "\n".join(PROBER_RULES))
    forwards = """
        for n in rp0 rt0; do ip link set $n addrgenmode none; ip link set $n up; done
        ip addr add 10.77.1.1/24 dev rp0; ip addr add fd77:1::1/64 dev rp0 nodad
        ip addr add fe80::77/64 dev rp0 nodad; ip addr add fe80::1/64 dev rt0 nodad
        ip addr add 10.77.2.1/24 dev rt0; ip addr add fd77:2::1/64 dev rt0 nodad
        echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"""
    configure(router, forwards, "forward", "\n".join(ROUTER_RULES))
    ends = """
        ip link set tr0 addrgenmode none; ip link set tr0 up
        ip addr add 10.77.2.2/24 dev tr0; ip addr add fd77:2::2/64 dev tr0 nodad
        ip addr add fe80::2/64 dev tr0 nodad
        ip route add default via 10.77.2.1; ip -6 route add default via fd77:2::1"""
    configure(target, ends, "input", "\n".join(TARGET_RULES))


def world() -> AbstractContextManager[None]:
    """The three hosts, as long as the context lasts."""
    return three_hosts(_build, __file__)


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
    run("ip", "link", "set", "pr0", "down")
    probes = [Probe(9001 + i, Question(ip_address(a), Port(p, 1))) for i, (a, p) in enumerate(rows)]
    replies = collect(backend, [probes[0]], 0.1)
    for probe in probes[1:]:
        replies |= collect(backend, [probe], 0.1)
    return [replies[probe.id][0].reason if replies[probe.id] else "silence" for probe in probes]


def _host_facts() -> dict[str, object]:
    """What the host reports of addresses of every kind, after they have been probed."""
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
    listen(MANNERS, echo=ANSWER) if sys.argv[1:] == ["listen"] else main()
