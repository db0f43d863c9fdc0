"""Answers that leave by another link than the question came: the routes that a scenario's detours become."""

from typing import Any

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import Layout
from probe.lab.scenario import parse_scenario


def layout(addresses: list[str], **parts: Any) -> Layout:
    document = {"about": "a test", "addresses": addresses, "scan": {"ports": "80"}, "expect": {}}
    return lay_out(parse_scenario("test", {**document, **parts}))


DETOURS: dict[str, tuple[list[str], dict[str, Any], set[tuple[str, str]]]] = {
    "both families": (
        ["lan", "lan6", "vpn", "vpn6"],
        {"target": {"replies_by": {"vpn": "lan"}}},
        {("10.88.0.2/32", "192.168.77.2"), ("fd88::2/128", "fd77::2")},
    ),
    "behind NAT": (
        ["lan", "public"],
        {"target": {"replies_by": {"public": "lan"}}, "router": {"nat": True}},
        {("0.0.0.0/0", "192.168.99.1"), ("198.51.100.2/32", "192.168.77.2")},
    ),
    "by the router": (
        ["lan", "public"],
        {"target": {"replies_by": {"lan": "public"}}},
        {("0.0.0.0/0", "203.0.113.1"), ("192.168.77.2/32", "203.0.113.1")},
    ),
}


@pytest.mark.parametrize("case", DETOURS)
def test_answers_that_leave_by_another_link(case: str) -> None:
    """The target has a route of its own to the prober's address of that realm."""
    symbols, parts, expected = DETOURS[case]
    assert set(layout(symbols, **parts).hosts[0].routes) == expected


def test_a_detour_by_the_router_arrives() -> None:
    """The router knows the way to a prober's address that is not on its link."""
    router = layout(["lan", "public"], target={"replies_by": {"lan": "public"}}).hosts[1]
    assert router.routes == (("192.168.77.2/32", "198.51.100.2"),)


def test_a_detour_needs_an_address() -> None:
    """A detour by a link without an address of that family is an error."""
    with pytest.raises(ScenarioError, match="lan6"):
        layout(["lan", "vpn6"], target={"replies_by": {"vpn": "lan"}})
