"""The checks of privileges, limits and routes: facts, the check they are about, its status, result, fix."""

import pytest
from odd_machines import (
    HEALTHY,
    link,
    machine,
    route,
    the,
    values_of,
)
from test_network_checks import CASES as NETWORKS
from test_tunnel_checks import CASES as TUNNELS

from probe.diagnosis.machine_checks import check_machine
from probe.model.machine import Machine
from probe.model.machine_checks import Status

OK, WARN, FAIL, SKIPPED = Status.OK, Status.WARN, Status.FAIL, Status.SKIPPED
HOW = "raw packets need CAP_NET_RAW: run bindprobe with sudo"

CASES = [
    # raw packets, ping, open files
    (HEALTHY, "raw packets", OK, {"rule": "raw-permitted"}, None),
    (
        machine(raw_missing=HOW),
        "raw packets",
        SKIPPED,
        {"rule": "raw-not-permitted"},
        {"rule": "permit-raw-packets", "why": "raw packets need CAP_NET_RAW: run bindprobe with sudo"},
    ),
    (HEALTHY, "ping", OK, {"rule": "ping-permitted"}, None),
    (machine(ping_allowed=False), "ping", OK, {"rule": "ping-by-raw-packets"}, None),
    (machine(ping_allowed=None, raw_missing=HOW), "ping", SKIPPED, {"rule": "ping-unknown"}, None),
    (
        machine(ping_allowed=False, raw_missing=HOW),
        "ping",
        WARN,
        {"rule": "ping-not-permitted"},
        {
            "rule": "permit-ping",
            "place": "here",
            "command": 'sysctl -w net.ipv4.ping_group_range="0 2147483647"',
        },
    ),
    (HEALTHY, "open files", OK, {"rule": "open-files-enough", "limit": 1024}, None),
    (machine(open_files=(-1, -1)), "open files", OK, {"rule": "open-files-unlimited"}, None),
    (machine(open_files=None), "open files", SKIPPED, {"rule": "open-files-unknown"}, None),
    (
        machine(open_files=(256, -1)),
        "open files",
        WARN,
        {"rule": "open-files-few", "limit": 256},
        {"rule": "raise-open-files", "command": "ulimit -n 4096"},
    ),
    (
        machine(open_files=(256, 1000)),
        "open files",
        WARN,
        {"rule": "open-files-few", "limit": 256},
        {"rule": "raise-open-files", "command": "ulimit -n 1000"},
    ),
    (
        machine(open_files=(256, 256)),
        "open files",
        WARN,
        {"rule": "open-files-few", "limit": 256},
        {"rule": "raise-file-limit"},
    ),
    # routes
    (
        HEALTHY,
        "IPv4 route",
        OK,
        {"rule": "default-route", "family": 4, "interface": "eth0", "gateway": "192.168.77.1"},
        None,
    ),
    (machine(routes=None), "IPv4 route", SKIPPED, {"rule": "routes-unread", "family": 4}, None),
    (machine(routes=None), "IPv6 route", SKIPPED, {"rule": "routes-unread", "family": 6}, None),
    (machine(routes=()), "IPv4 route", FAIL, {"rule": "no-routes", "family": 4}, {"rule": "join-network"}),
    (
        machine(routes=(route("::/0", "eth0", "fe80::9"),)),
        "IPv4 route",
        WARN,
        {"rule": "no-routes", "family": 4},
        {"rule": "join-network"},
    ),
    (
        machine(routes=(route("192.168.77.0/24", "eth0"), route("10.0.0.0/8", "eth0"))),
        "IPv4 route",
        WARN,
        {
            "rule": "no-default-route",
            "family": 4,
            "networks": [
                {"network": "192.168.77.0/24", "interface": "eth0"},
                {"network": "10.0.0.0/8", "interface": "eth0"},
            ],
        },
        {"rule": "add-default-route", "family": 4},
    ),
    (
        machine(routes=(route("0.0.0.0/0", "wlan0", metric=600), route("0.0.0.0/0", "eth0", metric=100))),
        "IPv4 route",
        OK,
        {"rule": "default-route", "family": 4, "interface": "eth0"},
        None,
    ),
    (
        machine(
            routes=(route("0.0.0.0/0", "eth0"), route("0.0.0.0/1", "tun0"), route("128.0.0.0/1", "tun0"))
        ),
        "IPv4 route",
        OK,
        {"rule": "default-route", "family": 4, "interface": "tun0"},
        None,
    ),
    (HEALTHY, "IPv6 route", OK, {"rule": "no-routes", "family": 6}, None),
    (machine(routes=(route("::1/128", "lo"),)), "IPv6 route", OK, {"rule": "no-routes", "family": 6}, None),
    (
        machine(routes=(route("fd00::/64", "eth0"),)),
        "IPv6 route",
        OK,
        {
            "rule": "no-default-route",
            "family": 6,
            "networks": [{"network": "fd00::/64", "interface": "eth0"}],
        },
        None,
    ),
    (
        machine(links=(link("eth0", "2600::2/64"),), routes=(route("2600::/64", "eth0"),)),
        "IPv6 route",
        WARN,
        {
            "rule": "no-default-route",
            "family": 6,
            "networks": [{"network": "2600::/64", "interface": "eth0"}],
        },
        {"rule": "add-default-route", "family": 6},
    ),
    (
        machine(routes=(route("::/0", "eth0", "fe80::9"),)),
        "IPv6 route",
        OK,
        {"rule": "default-route", "family": 6, "interface": "eth0", "gateway": "fe80::9"},
        None,
    ),
]


@pytest.mark.parametrize(("facts", "name", "status", "found", "fix"), CASES)
def test_checks(facts: Machine, name: str, status: Status, found: dict, fix: dict | None) -> None:
    """Each fact has its status, its values, and a fix where something is to be done."""
    check = the(name, check_machine(facts))
    assert check.status is status, check
    assert values_of(check.found) == found
    assert (check.fix and values_of(check.fix)) == fix


@pytest.mark.parametrize("facts", [case[0] for case in CASES + NETWORKS + TUNNELS])
def test_every_check_has_its_own_name(facts: Machine) -> None:
    """Names differ, no text is written yet, and whatever is wrong has what mends it."""
    checks = check_machine(facts)
    assert len({check.check for check in checks}) == len(checks)
    for check in checks:
        assert check.found.text == ""
        assert check.fix is None or check.fix.text == ""
        assert check.status not in {WARN, FAIL} or check.fix


def test_the_order_is_fixed() -> None:
    """A healthy machine has one line for each check, always in this order, and all are ok."""
    checks = check_machine(HEALTHY)
    assert [check.check for check in checks] == [
        "raw packets",
        "ping",
        "open files",
        "links",
        "IPv4 route",
        "IPv6 route",
        "tunnel",
        "networks",
        "firewall",
        "reverse path filter",
        "name resolution",
    ]
    assert {check.status for check in checks} == {OK}
