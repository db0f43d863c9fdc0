"""What happens to a network in memory while it is scanned, and rules that count openings."""

import pytest

from probe.errors import ScenarioError
from probe.lab.check import scanned, why_not_in
from probe.lab.scenario import address_of, parse_scenario


def world(events=(), listen=None, **target):
    """A service on all interfaces, by a LAN and a slow VPN."""
    listen = listen or [{"port": port, "bind": "0.0.0.0"} for port in (80, 8000)]
    return parse_scenario(
        "eventful",
        {
            "about": "something happens",
            "addresses": ["lan", "vpn"],
            "links": {"vpn": {"delay_ms": 20}},
            "target": {"listen": listen, **target},
            "events": list(events),
            "scan": {"ports": "80,8000,8001"},
            "expect": {},
        },
    )


def reasons(scenario, port):
    """First and second answers by symbol."""
    report = scanned(scenario, "sim")
    rows = {symbol: [] for symbol in scenario.addresses}
    for address in report.measurements[0].addresses:
        symbol = next(s for s in rows if address_of(s) == address.address.ip)
        rows[symbol] = [
            row.reason for row in address.rows if row.ports == str(port) and row.role in {"tested", "repeat"}
        ]
    return rows, report


@pytest.mark.parametrize(
    ("event", "lan", "vpn"),
    [
        ({"at_ms": 15, "does": "stop"}, ["syn-ack", "reset"], ["reset", "reset"]),
        ({"at_ms": 15, "does": "stop", "ports": "80"}, ["syn-ack", "syn-ack"], ["syn-ack", "syn-ack"]),
        ({"at_ms": 15, "does": "stop", "for_ms": 20}, ["syn-ack", "reset"], ["reset", "syn-ack"]),
        ({"at_ms": 15, "does": "start"}, ["reset", "syn-ack"], ["syn-ack", "syn-ack"]),
        ({"at_ms": 15, "does": "down"}, ["syn-ack", "no-response"], ["no-response"]),
        ({"at_ms": 15, "does": "cut", "on": ["vpn"]}, ["syn-ack", "syn-ack"], ["no-response"]),
        ({"at_ms": 15, "does": "unplug", "on": ["vpn"]}, ["syn-ack", "syn-ack"], ["no-response"]),
        ({"at_ms": 100, "does": "cut", "on": ["vpn"]}, ["syn-ack", "syn-ack"], ["syn-ack", "no-response"]),
        ({"at_ms": 100, "does": "cut", "on": ["lan"], "for_ms": 10}, ["syn-ack"] * 2, ["syn-ack"] * 2),
        ({"at_ms": 15, "does": "filter", "rule": {"action": "reset"}}, ["syn-ack", "reset"], ["reset"] * 2),
        ({"at_ms": 15, "does": "lose-address", "on": ["vpn"]}, ["syn-ack"] * 2, ["no-route"]),
        ({"at_ms": 0.01, "does": "lose-route", "on": ["vpn"]}, ["syn-ack"] * 2, ["syn-ack", "no-route"]),
    ],
    ids=str,
)
def test_what_happens_shows_in_the_answers(event, lan, vpn):
    """From its moment on, and no longer than it lasts."""
    found, _ = reasons(world([event]), 8000)
    assert found == {"lan": lan, "vpn": vpn}


def test_a_rule_for_a_while():
    """It is taken away again."""
    rule = {"at_ms": 15, "does": "filter", "rule": {"action": "reset"}, "for_ms": 20}
    found, _ = reasons(world([rule]), 8000)
    assert found == {"lan": ["syn-ack", "reset"], "vpn": ["reset", "syn-ack"]}


def test_a_listener_that_takes_one_client():
    """The address that comes first is accepted, and nobody after it."""
    once = [{"port": 8000, "bind": "0.0.0.0", "serves": "once"}]
    found, report = reasons(world(listen=once), 8000)
    assert found == {"lan": ["syn-ack", "reset"], "vpn": ["reset", "reset"]}
    assert report.port(8000).binding == "undetermined"


def test_a_rule_that_counts_openings():
    """The first ones pass, later ones of the same address do not."""
    rule = {"action": "port-unreach", "ports": "8000", "from_opening": 4}
    found, report = reasons(world(filter=[rule]), 8000)
    assert found["lan"] == ["syn-ack", "port-unreach"]
    assert "rate-limited" in {o.condition for o in report.port(8000).observations}


def test_a_rule_that_counts_lets_segments_pass():
    """Only openings are counted: a connection goes on."""
    found, _ = reasons(world(filter=[{"action": "drop", "ports": "8000", "from_opening": 9}]), 8000)
    assert found["lan"] == ["syn-ack", "syn-ack"]


@pytest.mark.parametrize(
    "event",
    [
        {"at_ms": 1, "does": "filter"},
        {"at_ms": 1, "does": "stop", "rule": {"action": "drop"}},
        {"at_ms": 1, "does": "lose-route", "on": ["lan"], "for_ms": 5},
    ],
    ids=str,
)
def test_events_that_make_no_sense_are_refused(event):
    """In words that name them."""
    with pytest.raises(ScenarioError, match=r"rule|undone"):
        world([event])


def test_events_are_for_memory_alone():
    """Other worlds have no clock for them."""
    assert why_not_in(world([{"at_ms": 1, "does": "stop"}]), "netns")
    assert why_not_in(world(filter=[{"action": "drop", "from_opening": 3}]), "netns")
    assert why_not_in(world(), "netns") is None
