"""A large scan: what is to do about many ports is given once, for all of them, in words."""

import json

import pytest
from msgspec.structs import replace

from probe.app.scan import Reporting, scan
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Expected, Scenario, ScenarioScan
from probe.lab.scenario_hosts import Action, Listen, Rule, TargetHost
from probe.model.advice import AdviceRule, NextTestRule
from probe.model.plan import Timing
from probe.model.report import Report
from probe.report.as_json import render_json
from probe.report.grouping import MOST_ROWS
from probe.report.todo import to_do
from probe.services.port_list import parse_ports

DROPS = Scenario(
    name="drops",
    about="A filter drops a range of ports.",
    addresses=("lan", "vpn"),
    target=TargetHost(
        listen=(Listen(port=22, bind="0.0.0.0"),), filter=(Rule(action=Action.DROP, ports="5000-6200"),)
    ),
    scan=ScenarioScan(ports="22"),
    expect={"22": Expected(binding="wildcard")},
)


def scanned(addresses: tuple[str, ...], ports: str) -> Report:
    each = ",".join(str(port.number) for port in parse_ports(ports))  # named one by one, and so advised on
    scenario = replace(DROPS, addresses=addresses, scan=ScenarioScan(ports=each))
    with open_world(scenario, "sim") as world:
        timing = Timing(timeout=0.25, retries=1)
        return scan(world.target, timing, backends_of(world, "connect"), how=Reporting(most_rows=MOST_ROWS))


@pytest.mark.parametrize("addresses", [("lan",), ("lan", "vpn")])
def test_ports_of_a_group_have_the_advice_that_each_of_them_has(addresses: tuple[str, ...]) -> None:
    """Of 901 blocked ports each has its row, 1,101 share one: advice and next tests are the same."""
    rows, group = scanned(addresses, "22,5000-5900"), scanned(addresses, "22,5000-6100")
    each = [one for one in rows.ports if one.port != 22]
    assert len(each) == 901
    (rest,) = group.rest or ()
    assert len(parse_ports(rest.ports)) == 1101
    places = {one.advice[0].addresses for one in each}
    assert {(one.advice[0].rule, one.next_tests[0].rule) for one in each} == {
        (AdviceRule.OPEN_FIREWALL, NextTestRule.LIST_SOCKETS)
    }
    assert [(one.rule, one.addresses) for one in rest.advice] == [(AdviceRule.OPEN_FIREWALL, *places)]
    assert rest.next_tests[0].rule is NextTestRule.LIST_SOCKETS
    assert [one.rule for one in rest.evidence] == [one.rule for one in each[0].evidence]


def test_the_words_of_a_group_name_its_ports() -> None:
    """In the advice, in the command, and in the list of what to do."""
    report = scanned(("lan",), "22,5000-6100")
    (rest,) = report.rest or ()
    sentence = "5000-6100/tcp is blocked at 192.168.77.10: if others should reach it, open it in the firewall"
    assert [one.text for one in rest.advice] == [sentence]
    assert rest.next_tests[0].command == "ss -tlnp '( sport >= :5000 and sport <= :6100 )'"
    assert to_do(report) == (sentence,)
    written = json.loads(render_json(report))["rest"][0]
    assert written["advice"] == [
        {
            "rule": "open-firewall",
            "severity": "medium",
            "addresses": ["192.168.77.10"],
            "text": sentence,
        }
    ]
