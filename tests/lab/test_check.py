"""Comparing a report with a scenario's expectations, and running scenarios to that end."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from msgspec import structs

from probe.errors import ScenarioError, UsageError
from probe.lab.check import check, compare
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.open_world import open_world
from probe.lab.result import CheckResult, ExpectationRow, render_truth_table
from probe.lab.scenario import Scenario, load_scenario, parse_scenario
from probe.lab.world import target_of
from probe.model.advice import Advice, AdviceRule, Severity
from probe.model.binding import Binding, BoundBy, Candidate, Condition, Owner, Proof, Served, Via
from probe.model.probing import Reason, State
from probe.model.report import AddressReport, ObservationReport, PortReport, Report, RestReport, Vantage
from probe.model.target import Port, Protocol

LAN = "192.168.77.10"
OPEN = ObservationReport(
    address=LAN, realm="lan", state=State.OPEN, reason=Reason.SYN_ACK, condition=Condition.CLEAR, attempts=1
)
UNMEASURED = ObservationReport(
    address=LAN, realm="lan", reason=Reason.NOT_SENT, condition=Condition.UNKNOWN, attempts=0
)
SPECIFIC = {
    "binding": Binding.SPECIFIC,
    "bound_to": (LAN,),
    "bound_by": BoundBy.ADDRESS,
    "families": (4,),
    "via": Via.DIRECT,
    "confidence": 0.9,
    "candidates": (
        Candidate(binding=Binding.SPECIFIC, bound_to=(ip_address(LAN),), probability=0.9),
        Candidate(binding=Binding.WILDCARD, probability=0.1),
    ),
    "advice": (Advice(rule=AdviceRule.BIND_WIDER, severity=Severity.LOW),),
}
SERVED = Served((ip_address(LAN),), by=(Proof.SSH_KEY,))
REPORT = Report(
    version="0",
    started="2026-01-01T00:00:00Z",
    elapsed_s=0.1,
    engine="connect",
    vantage=Vantage(name="here"),
    addresses=(
        AddressReport(address=LAN, realm="lan", family=4, condition=Condition.CLEAR, owner=Owner.TARGET),
    ),
    ports=(
        PortReport(port=80, protocol=Protocol.TCP, observations=(OPEN,), services=(SERVED,), **SPECIFIC),
        PortReport(port=53, protocol=Protocol.UDP, observations=(UNMEASURED,), **SPECIFIC),
    ),
    rest=(
        RestReport(
            ports="1000-2000",
            protocol=Protocol.TCP,
            binding=Binding.LOOPBACK_OR_NOT_LISTENING,
            confidence=1.0,
            candidates=(),
        ),
    ),
)

# what is expected of which port, the rows that are not met: (what, expected, found)
EXPECTATIONS = [
    ("80", {"binding": "specific"}, []),
    ("80", {"services": [{"addresses": ["lan"], "by": ["ssh-key"]}]}, []),
    ("80", {"services": []}, [("services", "-", f"{LAN} by ssh-key")]),
    (
        "1234",
        {"services": [{"addresses": ["lan"], "by": ["greeting"]}]},
        [("services", f"{LAN} by greeting", "-")],
    ),
    ("80", {"binding": "wildcard"}, [("binding", "wildcard", "specific")]),
    ("80", {"binding": "specific", "bound_to": ["lan"], "families": [4], "via": "direct"}, []),
    ("80", {"binding": "specific", "bound_to": ["vpn"]}, [("bound to", "10.88.0.10", LAN)]),
    ("80", {"binding": "specific", "bound_to": []}, [("bound to", "-", LAN)]),
    ("80", {"binding": "specific", "families": [4, 6]}, [("families", "4, 6", "4")]),
    ("80", {"binding": "specific", "bound_by": "address"}, []),
    ("80", {"bound_by": "device"}, [("bound by", "device", "address")]),
    ("1234", {"bound_by": "device"}, [("bound by", "device", "-")]),
    ("80", {"binding": "specific", "via": "forward"}, [("via", "forward", "direct")]),
    ("80", {"binding": "specific", "states": {"lan": "open"}, "reasons": {"lan": "syn-ack"}}, []),
    ("80", {"binding": "specific", "states": {"lan": "closed"}}, [("state on lan", "closed", "open")]),
    ("80", {"binding": "specific", "reasons": {"lan": "reset"}}, [("reason on lan", "reset", "syn-ack")]),
    ("80", {"binding": "specific", "conditions": {"lan": "clear"}}, []),
    (
        "80",
        {"binding": "specific", "conditions": {"vpn": "clear"}},
        [("condition on vpn", "clear", "not in the report")],
    ),
    ("80", {"advice": ["bind-wider"], "confidence": 0.9}, []),
    ("80", {"advice": []}, [("advice", "-", "bind-wider")]),
    ("80", {"advice": ["open-firewall"]}, [("advice", "open-firewall", "bind-wider")]),
    ("80", {"confidence": 0.95}, [("confidence", "at least 0.95", "0.900")]),
    ("U:53", {"binding": "specific", "reasons": {"lan": "not-sent"}}, []),
    ("U:53", {"binding": "specific", "states": {"lan": "open"}}, [("state on lan", "open", "-")]),
    ("1234", {"binding": "loopback-or-not-listening"}, []),
    ("1234", {"binding": "wildcard"}, [("binding", "wildcard", "loopback-or-not-listening")]),
    ("99", {"binding": "wildcard"}, [("binding", "wildcard", "not in the report")]),
    # every port of several, not the first alone
    ("1000-2000", {"binding": "loopback-or-not-listening"}, []),
    ("80,1000", {"binding": "specific"}, [("binding", "specific", "loopback-or-not-listening")]),
    ("80,99", {"binding": "specific"}, [("binding", "specific", "not in the report")]),
    ("U:1234", {"binding": "wildcard"}, [("binding", "wildcard", "not in the report")]),
]


def scenario_that_expects(expect: dict, **parts: object) -> Scenario:
    """A scenario with these expectations."""
    whole = {"about": "a test", "addresses": ["lan"], "scan": {"ports": "80"}, "expect": expect}
    whole |= parts
    return parse_scenario("test", whole)


@pytest.mark.parametrize(("port", "wanted", "missed"), EXPECTATIONS)
def test_compare_a_port(port, wanted, missed) -> None:
    """Every key of an expectation becomes a row, which holds what was expected and what was found."""
    rows = compare(scenario_that_expects({port: wanted}), REPORT)
    assert [(r.what, r.expected, r.found) for r in rows if not r.ok] == missed
    assert {r.port for r in rows} == {port}


@pytest.mark.parametrize(
    ("symbol", "wanted", "found"),
    [("lan", "clear", "clear"), ("lan", "dropped", "clear"), ("vpn", "clear", "not in the report")],
)
def test_compare_an_address(symbol, wanted, found) -> None:
    """The condition of an address is compared too."""
    (row,) = compare(scenario_that_expects({}, expect_addresses={symbol: wanted}), REPORT)
    assert row == ExpectationRow(symbol, "address", wanted, found)
    assert row.ok == (wanted == found)


@pytest.mark.parametrize(
    ("bind", "wanted", "found"),
    [("lan", 0.9, "at least 0.9"), ("0.0.0.0", 0.05, "at least 0.05"), ("0.0.0.0", 0.2, "0.100")],
)
def test_what_the_truth_keeps(bind, wanted, found) -> None:
    """The probability of what the scenario's own sockets are bound to, not of what is named."""
    target = {"listen": [{"port": 80, "bind": bind}]}
    (row,) = compare(scenario_that_expects({"80": {"keeps": wanted}}, target=target), REPORT)
    assert (row.what, row.found) == ("the truth keeps", found)


@pytest.mark.parametrize(("wanted", "ok"), [("target", True), ("gateway", False)])
def test_compare_an_owner(wanted, ok) -> None:
    """Who has an address is compared too."""
    (row,) = compare(scenario_that_expects({}, expect_owners={"lan": wanted}), REPORT)
    assert (row.what, row.expected, row.ok) == ("owner", wanted, ok)


# what connect() must find, what raw packets must find beyond it, the keys that a raw report then misses
RAW_EXPECTATIONS = [
    ({"binding": "wildcard"}, {"binding": "specific"}, []),
    ({"binding": "specific"}, {"bound_by": "device"}, ["bound by"]),
    ({"binding": "wildcard", "families": [4]}, {"bound_by": "address"}, ["binding"]),
    ({"states": {"lan": "closed"}}, {"states": {"lan": "open"}, "reasons": {"lan": "syn-ack"}}, []),
    (None, {"binding": "wildcard"}, ["binding"]),
]


@pytest.mark.parametrize(("connect", "raw", "missed"), RAW_EXPECTATIONS)
def test_raw_expectations_replace_keys(connect, raw, missed) -> None:
    """A raw report is held to the keys of `expect_raw`, and to those of `expect` that it leaves."""
    scenario = scenario_that_expects({"80": connect} if connect else {}, expect_raw={"80": raw})
    assert [
        row.what for row in compare(scenario, structs.replace(REPORT, engine="raw")) if not row.ok
    ] == missed
    assert compare(scenario, REPORT) == compare(structs.replace(scenario, expect_raw={}), REPORT)


def test_expectations_in_containers_come_last() -> None:
    """What raw packets show in containers replaces both other keys, and only there."""
    layers = {"expect_raw": {"80": {"via": "proxy"}}, "expect_compose_raw": {"80": {"via": "unknown"}}}
    scenario = scenario_that_expects({"80": {"via": "forward"}}, **layers)
    raw = structs.replace(REPORT, engine="raw")
    wanted = [
        compare(scenario, *more)[0].expected
        for more in ((REPORT,), (raw,), (REPORT, "compose"), (raw, "compose"))
    ]
    assert wanted == ["forward", "proxy", "forward", "unknown"]


def test_raw_expectations_of_addresses() -> None:
    """The condition of an address may be another one to raw packets."""
    parts = {"expect_addresses": {"lan": "dropped"}, "expect_addresses_raw": {"lan": "clear"}}
    scenario = scenario_that_expects({}, **parts)
    assert [row.ok for row in compare(scenario, REPORT)] == [False]
    assert [row.ok for row in compare(scenario, structs.replace(REPORT, engine="raw"))] == [True]


def test_check_runs_a_scenario() -> None:
    """A scan of a world in memory meets true expectations and misses false ones."""
    listen = [{"port": 80, "bind": "::"}]
    parts = {"addresses": ["lan", "vpn", "public", "lan6"], "target": {"listen": listen}}
    met = check(scenario_that_expects({"80": {"binding": "wildcard"}}, **parts), "sim")
    missed = check(scenario_that_expects({"80": {"binding": "loopback"}}, **parts), "sim")
    assert (met.ok, met.world, met.engine, met.scenario) == (True, "sim", "connect", "test")
    assert not missed.ok
    assert met.seconds > 0


def test_a_scenario_that_is_not_for_a_world() -> None:
    """A world that a scenario leaves out is refused, with the reason that its file gives."""
    only = scenario_that_expects({}, worlds=["netns"], why_not="no such thing in memory")
    with pytest.raises(ScenarioError, match="no such thing in memory"):
        check(only, "sim")
    with pytest.raises(ScenarioError, match="it is for netns"):
        check(scenario_that_expects({}, worlds=["netns"]), "sim")


def test_an_unknown_world() -> None:
    """A kind of world that does not exist is a usage error that names those that do."""
    with pytest.raises(UsageError, match="sim or netns"):
        open_world(scenario_that_expects({}), "compose")


def test_target_of_a_scenario() -> None:
    """The prober is given addresses, realms, ports and what runs, and nothing else."""
    world = scenario_that_expects({}, scan={"ports": "80,U:53", "running": "80"})
    target = target_of(world)
    assert [(str(a.ip), a.realm) for a in target.addresses] == [(LAN, "lan")]
    assert target.ports == (Port(Protocol.TCP, 80), Port(Protocol.UDP, 53))
    assert target.running == {Port(Protocol.TCP, 80)}
    assert target_of(scenario_that_expects({})).running == frozenset()


def test_scenario_files() -> None:
    """Every scenario file is found by its name, in alphabetical order, and can be read."""
    paths = scenario_paths()
    assert "loopback-only" in paths
    assert list(paths) == sorted(paths)
    assert all(find_scenario(name).name == name for name in paths)
    with pytest.raises(ScenarioError, match="'loopback'; did you mean loopback-only"):
        find_scenario("loopback")
    with pytest.raises(ScenarioError, match="no scenario 'qqq'; `bindprobe lab list` names all"):
        find_scenario("qqq")


def test_without_scenario_files(monkeypatch, tmp_path) -> None:
    """Where no scenario files came along there are none, and asking for one reports it."""
    monkeypatch.setattr("probe.lab.files._PLACES", (tmp_path,))
    assert scenario_paths() == {}
    with pytest.raises(ScenarioError, match="none came along"):
        find_scenario("loopback-only")


def test_truth_table_fits_80_columns() -> None:
    """The table names every scenario, then what was not met, within 80 columns."""
    good = ExpectationRow("80", "binding", "wildcard", "wildcard")
    bad = ExpectationRow("8000", "reason on public6", "admin-prohibited", "loopback-or-not-listening, or so")
    text = render_truth_table(
        [
            CheckResult("all-is-well", "sim", "raw", (good, good), 0.25),
            CheckResult(
                "a-scenario-with-a-rather-long-name-for-a-file", "netns", "connect", (good, bad), 12.5
            ),
        ]
    )
    assert max(map(len, text.splitlines())) <= 80
    assert "2/2" in text
    assert "1/2" in text
    assert "2 scenarios, 1 failed; 3 of 4 expectations met" in text
    assert "admin-prohibited" in text


def test_two_ports_are_no_number() -> None:
    """A row for several ports stands in the table as it is written."""
    bad = ExpectationRow("25,110", "binding", "undetermined", "wildcard")
    assert "25,110" in render_truth_table([CheckResult("mail", "sim", "raw", (bad,), 0.1)])


def test_truth_table_of_nothing() -> None:
    """Without results the table shows it."""
    assert render_truth_table([]).endswith("0 scenarios, 0 failed; 0 of 0 expectations met")


@pytest.mark.parametrize(
    ("expect", "left_out"),
    [
        ("{}", "22/tcp, 80/tcp, 53/udp"),
        ('{"22": {states: {lan: open}}, "80": {binding: wildcard}}', "22/tcp, 53/udp"),
        ('{"22,80": {binding: undetermined}}', "53/udp"),
    ],
)
def test_a_scenario_states_what_a_scan_finds(expect: str, left_out: str, tmp_path: Path) -> None:
    """A file that expects no binding of a port would pass whatever is found; `undetermined` is one."""
    path = tmp_path / "silent.yaml"
    path.write_text(f'about: x\naddresses: [lan]\nscan: {{ports: "22,80,U:53"}}\nexpect: {expect}\n')
    with pytest.raises(ScenarioError, match=f"^scenario silent: 'expect' has no binding of {left_out}$"):
        load_scenario(path)


def test_undetermined_is_an_expectation(tmp_path: Path) -> None:
    """A port of which nothing can be concluded is expected to be so."""
    path = tmp_path / "whole.yaml"
    path.write_text(
        'about: x\naddresses: [lan]\nscan: {ports: "22-24"}\nexpect: {22-24: {binding: undetermined}}\n'
    )
    assert load_scenario(path).expect["22-24"].binding == "undetermined"
