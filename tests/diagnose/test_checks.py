"""The checks of this machine, as tables: facts, the check they are about, its status, and words of it."""

from ipaddress import ip_address

import pytest
from odd_machines import (
    ETHERNET,
    HEALTHY,
    LOOPBACK,
    chain,
    link,
    machine,
    peer,
    route,
    the,
    tunnel,
    wireguard,
    with_tunnels,
)
from test_tunnel_checks import CASES as TUNNELS

from probe.diagnose.checks import check_machine
from probe.diagnose.wording import few
from probe.model.diagnosis import Status
from probe.model.machine import Firewall, Hook, Machine, Resolvers, TunnelKind

OK, WARN, FAIL, SKIPPED = Status.OK, Status.WARN, Status.FAIL, Status.SKIPPED
HOW = "raw packets need CAP_NET_RAW: run bindprobe with sudo"
TWO_LINKS = (LOOPBACK, ETHERNET, link("wlan0", "192.168.78.2/24"))
SIX = "2001:db8:0:7::2/64"


def strict(name: str, *addresses: str):
    return link(name, *addresses, reverse_path=1)


def resolving(*servers: str, **changed) -> Machine:
    return machine(resolvers=Resolvers(tuple(map(ip_address, servers)), source="/etc/resolv.conf"), **changed)


CASES = [
    # raw packets, ping, open files
    (HEALTHY, "raw packets", OK, "permitted", None),
    (machine(raw_missing=HOW), "raw packets", SKIPPED, "optional", HOW),
    (HEALTHY, "ping", OK, "without privileges", None),
    (machine(ping_allowed=False), "ping", OK, "by raw packets", None),
    (machine(ping_allowed=None, raw_missing=HOW), "ping", SKIPPED, "does not say", None),
    (
        machine(ping_allowed=False, raw_missing=HOW),
        "ping",
        WARN,
        "no address is pinged",
        'here# sysctl -w net.ipv4.ping_group_range="0 2147483647"',
    ),
    (HEALTHY, "open files", OK, "up to 1024", None),
    (machine(open_files=(-1, -1)), "open files", OK, "no limit", None),
    (machine(open_files=None), "open files", SKIPPED, "does not say", None),
    (machine(open_files=(256, -1)), "open files", WARN, "up to 256", "ulimit -n 4096"),
    (machine(open_files=(256, 1000)), "open files", WARN, "up to 256", "ulimit -n 1000"),
    (machine(open_files=(256, 256)), "open files", WARN, "up to 256", "limits.conf"),
    # routes
    (HEALTHY, "IPv4 route", OK, "default route: eth0 by way of 192.168.77.1", None),
    (machine(routes=None), "IPv4 route", SKIPPED, "cannot be read", None),
    (machine(routes=None), "IPv6 route", SKIPPED, "cannot be read", None),
    (machine(routes=()), "IPv4 route", FAIL, "none", "join a network"),
    (machine(routes=(route("::/0", "eth0", "fe80::9"),)), "IPv4 route", WARN, "none", "join a network"),
    (
        machine(routes=(route("192.168.77.0/24", "eth0"), route("10.0.0.0/8", "eth0"))),
        "IPv4 route",
        WARN,
        "only 192.168.77.0/24 on eth0, 10.0.0.0/8 on eth0",
        "ip route add default via GATEWAY",
    ),
    (
        machine(routes=(route("0.0.0.0/0", "wlan0", metric=600), route("0.0.0.0/0", "eth0", metric=100))),
        "IPv4 route",
        OK,
        "default route: eth0",
        None,
    ),
    (
        machine(
            routes=(route("0.0.0.0/0", "eth0"), route("0.0.0.0/1", "tun0"), route("128.0.0.0/1", "tun0"))
        ),
        "IPv4 route",
        OK,
        "default route: tun0",
        None,
    ),
    (HEALTHY, "IPv6 route", OK, "none", None),
    (machine(routes=(route("::1/128", "lo"),)), "IPv6 route", OK, "none", None),
    (machine(routes=(route("fd00::/64", "eth0"),)), "IPv6 route", OK, "only fd00::/64 on eth0", None),
    (
        machine(links=(link("eth0", "2600::2/64"),), routes=(route("2600::/64", "eth0"),)),
        "IPv6 route",
        WARN,
        "only 2600::/64 on eth0",
        "ip -6 route add default via GATEWAY",
    ),
    (machine(routes=(route("::/0", "eth0", "fe80::9"),)), "IPv6 route", OK, "eth0 by way of fe80::9", None),
    # networks
    (HEALTHY, "networks", OK, "no two links", None),
    (
        machine(links=(*TWO_LINKS, link("usb0", "192.168.77.9/25"))),
        "networks",
        WARN,
        "192.168.77.0/24 on eth0 overlaps 192.168.77.0/25 on usb0",
        "other addresses",
    ),
    (machine(links=(ETHERNET, link("usb0", "192.168.77.9/25", up=False))), "networks", OK, "no two", None),
    (machine(links=(ETHERNET, link("usb0", SIX, "fe80::2/64"))), "networks", OK, "no two", None),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", "192.168.77.0/24"))),
        "networks",
        WARN,
        "192.168.77.0/24 on eth0 overlaps 192.168.77.0/24 on wg0",
        "ip route add HOST dev LINK",
    ),
    (with_tunnels(wireguard(peer("0.0.0.0/0", "192.168.77.10/32"))), "networks", OK, "no two", None),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN), routes=(route("192.168.0.0/16", "tun0"),)),
        "networks",
        WARN,
        "192.168.77.0/24 on eth0 overlaps 192.168.0.0/16 on tun0",
        "other addresses",
    ),
    # firewall
    (HEALTHY, "firewall", OK, "nothing is dropped", None),
    (machine(firewall=Firewall((chain(Hook.INPUT),))), "firewall", OK, "nothing is dropped", None),
    (machine(firewall=Firewall(unread="nft needs root")), "firewall", SKIPPED, "nft needs root", None),
    (machine(firewall=Firewall()), "firewall", SKIPPED, "cannot be read", None),
    (
        machine(firewall=Firewall((chain(Hook.OUTPUT, "a drop", "b drop", "c drop", "d drop"),))),
        "firewall",
        WARN,
        "output (nft inet filter output): a drop, b drop, c drop and 1 more",
        "what goes to the target must be let out",
    ),
    (
        machine(firewall=Firewall((chain(Hook.INPUT, "policy drop"), chain(Hook.OUTPUT)))),
        "firewall",
        WARN,
        "input (nft inet filter input): policy drop",
        "answers must be let in",
    ),
    # reverse path filter
    (HEALTHY, "reverse path filter", OK, "not strict", None),
    (machine(links=(LOOPBACK,)), "reverse path filter", SKIPPED, "no link is up", None),
    (machine(links=(link("eth0", reverse_path=None),)), "reverse path filter", SKIPPED, "tell", None),
    (
        machine(links=(LOOPBACK, strict("eth0", "192.168.77.2/24"), link("usb0"))),
        "reverse path filter",
        OK,
        "harmless",
        None,
    ),
    (
        machine(links=(*TWO_LINKS, strict("usb0", "10.0.0.2/24"))),
        "reverse path filter",
        WARN,
        "strict on usb0",
        "here# sysctl -w net.ipv4.conf.all.rp_filter=2",
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"), reverse_path=1)),
        "reverse path filter",
        WARN,
        "strict on wg0",
        "here# sysctl",
    ),
    # name resolution
    (HEALTHY, "name resolution", OK, "192.168.77.1 (/etc/resolv.conf)", None),
    (machine(resolvers=Resolvers()), "name resolution", SKIPPED, "does not tell", None),
    (resolving(), "name resolution", FAIL, "no name server", "name one in /etc/resolv.conf"),
    (machine(resolvers=Resolvers(())), "name resolution", FAIL, "no name", "the system's settings"),
    (resolving("10.88.0.1", routes=()), "name resolution", FAIL, "no route leads to 10.88.0.1", "reached"),
    (
        resolving("10.88.0.1", "192.168.77.1", routes=(route("192.168.77.0/24", "eth0"),)),
        "name resolution",
        WARN,
        "10.88.0.1, 192.168.77.1 (/etc/resolv.conf): no route leads to 10.88.0.1",
        "reached",
    ),
    (
        resolving("127.0.0.53", "fe80::9", "192.168.77.2", routes=()),
        "name resolution",
        OK,
        "127.0.0.53",
        None,
    ),
    (resolving("10.88.0.1", routes=None), "name resolution", OK, "10.88.0.1", None),
]


@pytest.mark.parametrize(("facts", "name", "status", "found", "fix"), CASES)
def test_checks(facts: Machine, name: str, status: Status, found: str, fix: str | None) -> None:
    """Each fact has its status, its words, and a fix where something is to be done."""
    check = the(name, check_machine(facts))
    assert check.status is status, check
    assert found in check.found
    assert check.fix == fix if fix is None else fix in (check.fix or "")


@pytest.mark.parametrize("facts", [case[0] for case in CASES + TUNNELS])
def test_every_check_is_one_line(facts: Machine) -> None:
    """Names differ, every text is one line, and whatever is wrong says what mends it."""
    checks = check_machine(facts)
    assert len({check.check for check in checks}) == len(checks)
    for check in checks:
        assert check.found
        assert "\n" not in check.found + (check.fix or "")
        assert check.status not in {WARN, FAIL} or check.fix


def test_the_order_is_fixed() -> None:
    """A healthy machine has one line for each check, always in this order, and all are ok."""
    checks = check_machine(HEALTHY)
    assert [check.check for check in checks] == [
        "raw packets",
        "ping",
        "open files",
        "IPv4 route",
        "IPv6 route",
        "tunnel",
        "networks",
        "firewall",
        "reverse path filter",
        "name resolution",
    ]
    assert {check.status for check in checks} == {OK}


@pytest.mark.parametrize(
    ("texts", "said"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (list("abcde"), "a, b, c and 2 more")],
)
def test_lists_within_a_sentence(texts: list[str], said: str) -> None:
    """Three are named, the others counted."""
    assert few(texts) == said
