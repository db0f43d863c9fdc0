"""Three hosts, for what `doctor` measures of a path; a script, see `three_hosts`.

It prints what the real instruments found as JSON. The target has many addresses behind the router, each of
them treated in one way.
"""

import json
import sys
import time
from ipaddress import ip_address
from typing import Any

from msgspec import structs
from three_hosts import configure, listen, run, three_hosts, wire

from probe.backends.connect import ConnectBackend
from probe.backends.ping import ping
from probe.backends.pmtu import try_mtu
from probe.backends.system_host import SystemHost
from probe.diagnosis.path_probes import hops_of, ttl_questions
from probe.engine.run import ask
from probe.model.exam import MtuTrial
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.target import IPAddress, Port, Protocol, TargetAddress

HEALTHY, NARROW, HOLE, MUTE, FORBIDDEN, REJECTED, NOBODY = (
    f"10.77.{net}.{host}" for net, host in ((2, 2), (3, 2), (2, 3), (2, 4), (2, 5), (2, 6), (4, 9))
)
HEALTHY6, NARROW6, HOLE6 = "fd77:2::2", "fd77:3::2", "fd77:2::3"
HOLD, HANGS_UP, CLOSES, RESETS, KEEPS = 2000, 2001, 2002, 2003, 2004
MANNERS = {HOLD: "hold", HANGS_UP: "hang up", CLOSES: "close", RESETS: "reset", KEEPS: "hold"}

ROUTER_RULES = f"""
ip daddr {HOLE} meta length > 1300 drop
ip6 daddr {HOLE6} meta length > 1300 drop
ip daddr {REJECTED} reject with icmp admin-prohibited
tcp dport {KEEPS} tcp flags & (syn|ack) == ack drop
"""
PROBER_RULES = f"ip daddr {FORBIDDEN} drop"
TARGET_RULES = f"ip daddr {MUTE} drop"


def _build(router: int, target: int) -> None:
    wire("pr0", None, "rp0", router)
    wire("rt0", router, "tr0", target)
    wire("rn0", router, "tn0", target)
    routes = """
        ip link set pr0 addrgenmode none up; ip addr add 10.77.1.2/24 dev pr0
        ip addr add fd77:1::2/64 dev pr0 nodad; ip addr add fe80::2/64 dev pr0 nodad
        ip route add 10.77.0.0/16 via 10.77.1.1; ip -6 route add fd77::/16 via fd77:1::1"""
    configure(None, routes, "output", PROBER_RULES)
    forwards = """
        for n in rp0 rt0 rn0; do ip link set $n addrgenmode none up; done; ip link set rn0 mtu 1400
        for n in rp0 rt0 rn0; do ip addr add fe80::1/64 dev $n nodad; done
        ip addr add 10.77.1.1/24 dev rp0; ip addr add fd77:1::1/64 dev rp0 nodad
        ip addr add 10.77.2.1/24 dev rt0; ip addr add fd77:2::1/64 dev rt0 nodad
        ip addr add 10.77.3.1/24 dev rn0; ip addr add fd77:3::1/64 dev rn0 nodad
        ip route add 10.77.4.0/24 dev rn0
        echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"""
    configure(router, forwards, "forward", ROUTER_RULES)
    ends = """
        for n in tr0 tn0; do
            ip link set $n addrgenmode none up; ip addr add fe80::2/64 dev $n nodad
        done
        for n in 2 3 4 5 6; do ip addr add 10.77.2.$n/24 dev tr0; done; ip addr add 10.77.3.2/24 dev tn0
        ip addr add fd77:2::2/64 dev tr0 nodad; ip addr add fd77:2::3/64 dev tr0 nodad
        ip addr add fd77:3::2/64 dev tn0 nodad
        ip route add default via 10.77.2.1; ip -6 route add default via fd77:2::1"""
    configure(target, ends, "input", TARGET_RULES)


def _tcp(number: int) -> Port:
    return Port(Protocol.TCP, number)


def _shown(trial: MtuTrial | None) -> dict[str, Any] | None:
    if trial is None:
        return None
    reporter = None if trial.reporter is None else str(trial.reporter)
    return {**structs.asdict(trial), "port": trial.port.number, "reporter": reporter}


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


def traces() -> dict[str, Any]:
    """How far probes come to addresses that stay silent."""
    host, shown = SystemHost(), {}
    backend = ConnectBackend()
    for text in (MUTE, NOBODY):
        survey = _survey(ip_address(text), host)
        answers = ask(ttl_questions(survey, _tcp(1006)), backend, Timing(timeout=0.3, retries=1))
        hops = hops_of(answers, survey) or ()
        shown[text] = [[hop.ttl, str(hop.sender), hop.arrived] for hop in hops]
    backend.close()
    return shown


def _survey(ip: IPAddress, host: SystemHost) -> AddressSurvey:
    own = host.own_addresses()
    return AddressSurvey(TargetAddress(ip, "lan"), (), route=host.route(ip), own_addresses=own)


def main() -> None:
    """Measure everything and print it."""
    with three_hosts(_build, __file__):
        json.dump({"mtu": trials(), "traces": traces(), "ping": echoes()}, sys.stdout)


if __name__ == "__main__":
    listen(MANNERS) if sys.argv[1:] == ["listen"] else main()
