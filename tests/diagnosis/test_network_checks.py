"""The checks of networks, packet filter, reverse path and name servers: facts, status, result and fix."""

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
    values_of,
    wireguard,
    with_tunnels,
)

from probe.diagnosis.machine_checks import check_machine
from probe.model.machine import Firewall, Hook, Machine, Resolvers, TunnelKind
from probe.model.machine_checks import Status
from probe.model.unread import Unread, UnreadRule

OK, WARN, FAIL, SKIPPED = Status.OK, Status.WARN, Status.FAIL, Status.SKIPPED
TWO_LINKS = (LOOPBACK, ETHERNET, link("wlan0", "192.168.78.2/24"))
SIX = "2001:db8:0:7::2/64"


def strict(name: str, *addresses: str):
    return link(name, *addresses, reverse_path=1)


def resolving(*servers: str, **changed) -> Machine:
    return machine(resolvers=Resolvers(tuple(map(ip_address, servers)), source="/etc/resolv.conf"), **changed)


CASES = [
    # networks
    (HEALTHY, "networks", OK, {"rule": "networks-distinct"}, None),
    (
        machine(links=(*TWO_LINKS, link("usb0", "192.168.77.9/25"))),
        "networks",
        WARN,
        {
            "rule": "networks-overlap",
            "overlaps": [
                [
                    {"network": "192.168.77.0/24", "interface": "eth0"},
                    {"network": "192.168.77.0/25", "interface": "usb0"},
                ]
            ],
        },
        {"rule": "separate-networks"},
    ),
    (
        machine(links=(ETHERNET, link("usb0", "192.168.77.9/25", up=False))),
        "networks",
        OK,
        {"rule": "networks-distinct"},
        None,
    ),
    (
        machine(links=(ETHERNET, link("usb0", SIX, "fe80::2/64"))),
        "networks",
        OK,
        {"rule": "networks-distinct"},
        None,
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24", "192.168.77.0/24"))),
        "networks",
        WARN,
        {
            "rule": "networks-overlap",
            "overlaps": [
                [
                    {"network": "192.168.77.0/24", "interface": "eth0"},
                    {"network": "192.168.77.0/24", "interface": "wg0"},
                ]
            ],
        },
        {"rule": "separate-networks"},
    ),
    (
        with_tunnels(wireguard(peer("0.0.0.0/0", "192.168.77.10/32"))),
        "networks",
        OK,
        {"rule": "networks-distinct"},
        None,
    ),
    (
        with_tunnels(tunnel(TunnelKind.OPENVPN), routes=(route("192.168.0.0/16", "tun0"),)),
        "networks",
        WARN,
        {
            "rule": "networks-overlap",
            "overlaps": [
                [
                    {"network": "192.168.77.0/24", "interface": "eth0"},
                    {"network": "192.168.0.0/16", "interface": "tun0"},
                ]
            ],
        },
        {"rule": "separate-networks"},
    ),
    # firewall
    (HEALTHY, "firewall", OK, {"rule": "filter-clear"}, None),
    (machine(firewall=Firewall((chain(Hook.INPUT),))), "firewall", OK, {"rule": "filter-clear"}, None),
    (
        machine(firewall=Firewall(unread=Unread(rule=UnreadRule.NEEDS_ROOT, tools=("nft",)))),
        "firewall",
        SKIPPED,
        {"rule": "filter-unread", "unread": {"rule": "needs-root", "tools": ["nft"]}},
        None,
    ),
    (machine(firewall=Firewall()), "firewall", SKIPPED, {"rule": "filter-unread"}, None),
    (
        machine(firewall=Firewall((chain(Hook.OUTPUT, "a drop", "b drop", "c drop", "d drop"),))),
        "firewall",
        WARN,
        {
            "rule": "filter-blocks",
            "chains": [
                {
                    "tool": "nft",
                    "family": "inet",
                    "table": "filter",
                    "name": "output",
                    "hook": "output",
                    "blocking": ["a drop", "b drop", "c drop", "d drop"],
                }
            ],
        },
        {"rule": "allow-own-traffic", "hooks": ["output"]},
    ),
    (
        machine(firewall=Firewall((chain(Hook.INPUT, "policy drop"), chain(Hook.OUTPUT)))),
        "firewall",
        WARN,
        {
            "rule": "filter-blocks",
            "chains": [
                {
                    "tool": "nft",
                    "family": "inet",
                    "table": "filter",
                    "name": "input",
                    "hook": "input",
                    "blocking": ["policy drop"],
                }
            ],
        },
        {"rule": "allow-own-traffic", "hooks": ["input"]},
    ),
    # reverse path filter
    (HEALTHY, "reverse path filter", OK, {"rule": "reverse-path-loose"}, None),
    (machine(links=(LOOPBACK,)), "reverse path filter", SKIPPED, {"rule": "no-link-up"}, None),
    (
        machine(links=(link("eth0", reverse_path=None),)),
        "reverse path filter",
        SKIPPED,
        {"rule": "reverse-path-unknown"},
        None,
    ),
    (
        machine(links=(LOOPBACK, strict("eth0", "192.168.77.2/24"), link("usb0"))),
        "reverse path filter",
        OK,
        {"rule": "reverse-path-harmless", "interfaces": ["eth0"]},
        None,
    ),
    (
        machine(links=(*TWO_LINKS, strict("usb0", "10.0.0.2/24"))),
        "reverse path filter",
        WARN,
        {"rule": "reverse-path-strict", "interfaces": ["usb0"]},
        {
            "rule": "loosen-reverse-path",
            "place": "here",
            "command": "sysctl -w net.ipv4.conf.all.rp_filter=2",
        },
    ),
    (
        with_tunnels(wireguard(peer("10.88.0.0/24"), reverse_path=1)),
        "reverse path filter",
        WARN,
        {"rule": "reverse-path-strict", "interfaces": ["wg0"]},
        {
            "rule": "loosen-reverse-path",
            "place": "here",
            "command": "sysctl -w net.ipv4.conf.all.rp_filter=2",
        },
    ),
    # name resolution
    (
        HEALTHY,
        "name resolution",
        OK,
        {"rule": "name-servers", "addresses": ["192.168.77.1"], "file": "/etc/resolv.conf"},
        None,
    ),
    (machine(resolvers=Resolvers()), "name resolution", SKIPPED, {"rule": "name-servers-unknown"}, None),
    (
        resolving(),
        "name resolution",
        FAIL,
        {"rule": "no-name-server", "file": "/etc/resolv.conf"},
        {"rule": "set-name-server", "file": "/etc/resolv.conf"},
    ),
    (
        machine(resolvers=Resolvers(())),
        "name resolution",
        FAIL,
        {"rule": "no-name-server"},
        {"rule": "set-name-server"},
    ),
    (
        resolving("10.88.0.1", routes=()),
        "name resolution",
        FAIL,
        {
            "rule": "name-servers-unreachable",
            "addresses": ["10.88.0.1"],
            "unreachable": ["10.88.0.1"],
            "file": "/etc/resolv.conf",
        },
        {"rule": "reach-name-server"},
    ),
    (
        resolving("10.88.0.1", "192.168.77.1", routes=(route("192.168.77.0/24", "eth0"),)),
        "name resolution",
        WARN,
        {
            "rule": "name-servers-unreachable",
            "addresses": ["10.88.0.1", "192.168.77.1"],
            "unreachable": ["10.88.0.1"],
            "file": "/etc/resolv.conf",
        },
        {"rule": "reach-name-server"},
    ),
    (
        resolving("127.0.0.53", "fe80::9", "192.168.77.2", routes=()),
        "name resolution",
        OK,
        {
            "rule": "name-servers",
            "addresses": ["127.0.0.53", "fe80::9", "192.168.77.2"],
            "file": "/etc/resolv.conf",
        },
        None,
    ),
    (
        resolving("10.88.0.1", routes=None),
        "name resolution",
        OK,
        {"rule": "name-servers", "addresses": ["10.88.0.1"], "file": "/etc/resolv.conf"},
        None,
    ),
]


@pytest.mark.parametrize(("facts", "name", "status", "found", "fix"), CASES)
def test_network_checks(facts: Machine, name: str, status: Status, found: dict, fix: dict | None) -> None:
    """Each fact has its status, its values, and a fix where something is to be done."""
    check = the(name, check_machine(facts))
    assert check.status is status, check
    assert values_of(check.found) == found
    assert (check.fix and values_of(check.fix)) == fix
