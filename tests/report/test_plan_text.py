"""A plan as text and JSON: addresses, ways, ports, patience."""

import json
from ipaddress import ip_address

import pytest

from probe.explain.follow_ups import FOLLOW_UPS
from probe.inference.follow_up import DOUBTS
from probe.model.facts import Route
from probe.model.greeting import Inquiry
from probe.model.plan import AddressPlan, Plan, Timing
from probe.model.probing import PurposeRule
from probe.model.target import Port, Protocol, TargetAddress
from probe.report.plan_text import render_plan, render_plan_json
from probe.report.style import TextStyle

LAN, FAR = ip_address("192.168.77.10"), ip_address("2001:db8::1")
TESTED = (Port(Protocol.TCP, 22), Port(Protocol.UDP, 53))
CONTROLS = (Port(Protocol.TCP, 1006),)


def plan(timing: Timing) -> Plan:
    routes = (Route(LAN, ip_address("192.168.77.2"), "eth0"), Route(FAR, reachable=False))
    addresses = (TargetAddress(LAN, "lan", "server.example"), TargetAddress(FAR, "public"))
    return Plan(
        tuple(AddressPlan(a, r, TESTED, CONTROLS) for a, r in zip(addresses, routes, strict=True)),
        timing,
        42.0,
    )


def test_the_text_names_everything() -> None:
    """Address, name, interface, source, ports, controls, tries and cap; a missing route is named."""
    text = render_plan(plan(Timing(rate=50.0)))
    for words in ("lan 192.168.77.10 (server.example), by eth0 from 192.168.77.2", "T:22, U:53", "1006"):
        assert words in text
    for words in ("public 2001:db8::1, no route", "up to 3 tries", "at most 50 probes/s", "42 s"):
        assert words in text


def test_unknown_ways_and_single_tries() -> None:
    """What the system did not report is called unknown; one try is one try."""
    unknown = Plan((AddressPlan(TargetAddress(LAN, "lan"), Route(LAN), TESTED, ()),), Timing(retries=0), 1.0)
    assert "by an interface that is not known" in render_plan(unknown)
    assert "up to 1 try" in render_plan(unknown)


def test_keys_are_announced() -> None:
    """Where two addresses can be compared, and a port may show a key."""
    near, far = (TargetAddress(LAN, "lan"), Route(LAN)), (TargetAddress(FAR, "public"), Route(FAR))
    ssh, mail = Port(Protocol.TCP, 22), Port(Protocol.TCP, 25)

    def announced(*ways: tuple[TargetAddress, Route], port: Port) -> bool:
        addresses = tuple(AddressPlan(*way, (port,), CONTROLS) for way in ways)
        return "SSH host keys or TLS certificates of up to 4" in render_plan(Plan(addresses, Timing(), 1.0))

    assert announced(near, far, port=ssh)
    assert not announced(near, far, port=mail)
    assert not announced(near, port=ssh)
    assert not announced(near, (far[0], Route(FAR, reachable=False)), port=ssh)


@pytest.mark.parametrize(
    ("port", "inquiry", "announced"),
    [
        (22, Inquiry.ALL, {"SSH host keys", "HEAD /, on up to 12"}),
        (22, Inquiry.KEYS, {"SSH host keys"}),
        (22, Inquiry.NONE, set()),
        (25, Inquiry.ALL, {"HEAD /, on up to 12"}),
        (9100, Inquiry.ALL, set()),
    ],
)
def test_greetings_are_announced(port: int, inquiry: Inquiry, announced: set[str]) -> None:
    """As far as they may be asked for."""
    ways = (TargetAddress(LAN, "lan"), Route(LAN)), (TargetAddress(FAR, "public"), Route(FAR))
    addresses = tuple(AddressPlan(*way, (Port(Protocol.TCP, port),), CONTROLS) for way in ways)
    text = render_plan(Plan(addresses, Timing(), 1.0), inquiry=inquiry)
    assert {words for words in ("SSH host keys", "HEAD /, on up to 12") if words in text} == announced


def test_the_json_is_the_plan() -> None:
    """Every address as text, under a schema of its own."""
    document = json.loads(render_plan_json(plan(Timing())))
    assert document["schema"] == "bindprobe.plan/1"
    assert document["follow_ups"] is None
    assert document["addresses"][0]["address"]["ip"] == "192.168.77.10"
    assert document["addresses"][0]["tested"][1] == {"protocol": "udp", "number": 53}


@pytest.mark.parametrize("width", [40, 80, 160])
def test_follow_ups_are_a_table(width: int) -> None:
    """Below the plan, as wide as the text may be, a line for every row; none where there are none."""
    text = render_plan(plan(Timing()), TextStyle(width=width), DOUBTS)
    table = text.split("Raw packets that may follow")[1].splitlines()[1:]
    assert max(map(len, table)) <= width
    for one in DOUBTS:
        assert set(FOLLOW_UPS[one.rule].why.split()) <= set(" ".join(table).split())
    assert "Raw packets" not in render_plan(plan(Timing()))
    assert "Raw packets" not in render_plan(plan(Timing()), doubts=[])


def test_follow_ups_are_in_the_json() -> None:
    """With their rule, and the flag that each takes."""
    (row,) = (one for one in DOUBTS if one.rule is PurposeRule.LISTENER_BEHIND_FILTER)
    (found,) = json.loads(render_plan_json(plan(Timing()), [row]))["follow_ups"]
    words = FOLLOW_UPS[row.rule]
    assert found == {
        "rule": "listener-behind-filter",
        "probe": "FIN",
        "when": words.when,
        "why": words.why,
        "takes": "--fin",
    }
