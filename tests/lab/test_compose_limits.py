"""What containers cannot hold is listed in a table; everything else is for them."""

from typing import Any

import pytest

from probe.lab.check import why_not_in
from probe.lab.compose.limits import why_not
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.scenario import parse_scenario

PLAIN: dict[str, Any] = {
    "about": "x",
    "addresses": ["lan"],
    "scan": {"ports": "80"},
    "expect": {"80": {"binding": "undetermined"}},
}
CASES: list[tuple[dict[str, Any], str]] = [
    ({"vpn": {"kind": "openvpn"}}, "a tunnel of OpenVPN: its ends are to know certificates"),
    (
        {"vpn": {"kind": "wireguard", "warm": True, "far_end": "absent"}},
        "a tunnel that fails later: each container makes itself",
    ),
    ({"expect_causes": {"lan": "none"}}, "the doctor's causes: no doctor"),
    ({"links": {"lan": {"delay_ms": 5}}}, "delay: the cable"),
    ({"links": {"lan": {"isolates": True}}}, "isolated clients: docker-compose.yml has no such machine"),
    ({"elsewhere": ["lan"]}, "the same address elsewhere: docker-compose.yml"),
    ({"prober": {"names": [{"x": "lan"}]}}, "name servers: docker-compose.yml"),
    ({"target": {"dnat": [{"port": 80}]}}, "a container behind the target: docker-compose.yml"),
    ({"prober": {"strict_reverse_path": True}}, "a strict reverse path filter: a container may not change"),
    ({"target": {"strict_reverse_path": True}}, "a strict reverse path filter: a container may not change"),
    ({"target": {"ttl": 128}}, "another TTL: a container may not change"),
    ({"target": {"route_localnet": True}}, "loopback open to links: a container may not change"),
    ({"target": {"forwards": True}}, "a target that forwards: a container may not change"),
    ({"router": {"syn_proxy": "80"}}, "a SYN proxy: a container may not change"),
    ({"down": True}, "a target switched off: "),
]


@pytest.mark.parametrize(("more", "message"), CASES, ids=[message for _, message in CASES])
def test_limits(more: dict[str, Any], message: str) -> None:
    """Each trait that containers cannot give is named with its reason."""
    reason = why_not(parse_scenario("sample", {**PLAIN, **more}))
    assert reason is not None
    assert reason.startswith(message)


def test_plain_scenarios_run() -> None:
    """What has no such trait runs in containers; a file may still leave them out, with the reason."""
    assert why_not_in(parse_scenario("plain", PLAIN), "compose") is None
    tunnels = ({}, {"warm": True}, {"far_end": "unknown-peer"})
    for more in ({"vpn": {"kind": "wireguard", **parts}} for parts in tunnels):
        assert why_not_in(parse_scenario("tunnel", {**PLAIN, **more}), "compose") is None
    left_out = {**PLAIN, "worlds": ["sim"], "why_not": "too slow"}
    assert why_not_in(parse_scenario("slow", left_out), "compose") == "too slow"


def test_half_of_the_scenarios_run() -> None:
    """Most scenarios of the scan are for containers too: the doctor's have real tunnels."""
    scenarios = [find_scenario(name) for name in scenario_paths()]
    ours = [one for one in scenarios if why_not_in(one, "compose") is None]
    assert len(ours) >= 0.8 * len([one for one in scenarios if not one.expect_causes])
