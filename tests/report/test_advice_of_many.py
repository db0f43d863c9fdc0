"""What to do about many ports: a scan of over a thousand gives the same advice as a smaller one."""

import pytest

from probe.app.scan import Reporting, scan
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, ScenarioScan
from probe.lab.scenario_hosts import Action, Listen, Rule, TargetHost
from probe.model.plan import Timing
from probe.model.report import Report
from probe.report.grouping import MOST_ROWS
from probe.report.todo import to_do
from probe.services.port_list import parse_ports

ONE, TWO = ("lan",), ("lan", "vpn")


def reported(ports: str, addresses: tuple[str, ...]) -> Report:
    """The report on a target that drops 5000-6200 and serves ssh, grouped as it is printed."""
    scenario = Scenario(
        about="A target that drops many ports.",
        addresses=addresses,
        target=TargetHost(
            listen=(Listen(port=22, bind="0.0.0.0"),), filter=(Rule(action=Action.DROP, ports="5000-6200"),)
        ),
        scan=ScenarioScan(ports=ports),
        expect={},
    )
    with open_world(scenario, "sim") as world:
        return scan(world.target, Timing(), backends_of(world, "connect"), how=Reporting(most_rows=MOST_ROWS))


def blocked(report: Report) -> set[str]:
    """What would decide, of the blocked ports, without the port's number."""
    verdicts = [one for one in (*report.ports, *(report.rest or ())) if getattr(one, "port", 0) != 22]
    return {test.text.split("sport")[0] for verdict in verdicts for test in verdict.next_tests}


@pytest.mark.parametrize("addresses", [ONE, TWO], ids=["one address", "two addresses"])
@pytest.mark.parametrize("ports", ["22,5000-5900", "22,5000-6100"])
@pytest.mark.parametrize("named", [False, True])
def test_blocked_ports_are_advised_on(ports: str, addresses: tuple[str, ...], *, named: bool) -> None:
    """`ss` on the target decides, however many are alike; the firewall is opened for named ports alone."""
    each = ",".join(str(port.number) for port in parse_ports(ports))
    report = reported(each if named else ports, addresses)
    assert any("firewall" in line for line in to_do(report)) is named
    assert any(text.startswith("on the target: ss") for text in blocked(report))
