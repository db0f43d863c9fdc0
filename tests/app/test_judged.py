"""Verdicts from saved measurements: the same to the last digit, redacted too, from one vantage or several."""

import json
from collections.abc import Iterable, Mapping
from functools import cache

import pytest
from msgspec import structs

from probe.app.infer import judged, merged
from probe.app.scan import Reporting, scan
from probe.errors import UsageError
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import parse_scenario
from probe.model.measurement import Facts
from probe.model.plan import Timing
from probe.model.report import AddressReport, PortReport, Report
from probe.model.target import Port
from probe.redact.measurements import redacted
from probe.report.as_json import render_json
from probe.report.explanation import render_explanation
from probe.report.formats import MOST_ROWS
from probe.report.read import parse_report
from probe.report.style import PLAIN

# Those of the doctor are judged again by tests/lab/test_doctor_in_memory.py.
NAMES = [
    name
    for name in scenario_paths()
    if "sim" in find_scenario(name).worlds and not find_scenario(name).expect_causes
]
ENGINES = ("connect", "raw")
LARGE = {
    "about": "a host with many closed and some filtered ports",
    "addresses": ["lan", "vpn", "public"],
    "target": {
        "listen": [{"port": 22, "bind": "0.0.0.0"}, {"port": 700, "bind": "lan"}],
        "filter": [{"action": "drop", "ports": "300-900", "on": ["vpn"]}],
    },
    "links": {"vpn": {"loss": 0.02}},
    "scan": {"ports": "1-1100"},
    "expect": {},
}


@cache
def saved(name: str, engine: str, vantage: str = "laptop") -> tuple[Report, Report]:
    """The report of a scan, and what reading its JSON gives."""
    scenario = parse_scenario(name, LARGE) if name == "large" else find_scenario(name)
    with open_world(scenario, "sim", raw=engine == "raw") as world:
        how = Reporting(vantage=vantage, most_rows=MOST_ROWS)
        report = scan(world.target, Timing(), backends_of(world, engine), how=how)
    return report, parse_report(render_json(report).encode(), "saved")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_verdicts_from_what_was_saved(name: str, engine: str) -> None:
    """Verdicts, probabilities, evidence and words are those of the scan, to the last digit."""
    report, read = saved(name, engine)
    known = merged([read])
    assert judged(known.measurements, known.facts, most_rows=MOST_ROWS) == report


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_verdicts_of_many_ports(engine: str) -> None:
    """All but the round-trip times of ports that share a row, which are no port's own any more."""
    report, read = saved("large", engine)
    known = merged([read])
    again = judged(known.measurements, known.facts, most_rows=MOST_ROWS)
    assert without_times(again) == without_times(report)
    assert again.rest


def without_times(report: Report) -> Report:
    ports = tuple(
        structs.replace(port, observations=tuple(structs.replace(o, rtt_ms=None) for o in port.observations))
        for port in report.ports
    )
    return structs.replace(report, ports=ports)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_redacted_is_judged_alike(name: str, engine: str) -> None:
    """Nothing names the network, all verdicts are the same, and each port is still explained."""
    report, read = saved(name, engine)
    known = merged([read])
    without = redacted(known.measurements, known.facts)
    again = judged(without.measurements, without.facts, most_rows=MOST_ROWS)
    pairs = zip(report.addresses, again.addresses, strict=True)
    other = {one.address: two.address for one, two in pairs}
    assert len(set(other.values())) == len(other)
    text = render_json(again)
    assert [secret for secret in secrets(report) if f'"{secret}"' in text] == []
    assert list(map(of_address, report.addresses)) == list(map(of_address, again.addresses))
    for one, two in zip(report.ports, again.ports, strict=True):
        assert of_port(one, other) == of_port(two, {})
        assert render_explanation(again, Port(one.protocol, one.port), PLAIN)


def of_address(address: AddressReport) -> tuple[object, ...]:
    """What is concluded of an address and names nothing."""
    seen = (address.realm, address.family, address.hops, address.reply_ttl, len(address.path))
    return (*seen, address.condition, address.tunnel, [one.rule for one in address.evidence])


def of_port(port: PortReport, other: Mapping[str, str]) -> tuple[object, ...]:
    """What is concluded of a port, its addresses as they are called elsewhere."""

    def named(addresses: Iterable[str]) -> frozenset[str]:
        return frozenset(other.get(address, address) for address in addresses)

    verdict = (port.binding, port.confidence, port.via, port.families, port.bound_by, named(port.bound_to))
    candidates = {(c.binding, named(map(str, c.bound_to)), c.probability) for c in port.candidates}
    answers = [(o.state, o.reason, o.condition, o.origin) for o in port.observations]
    rules = [[one.rule for one in few] for few in (port.evidence, port.rivals, port.next_tests, port.advice)]
    return (*verdict, candidates, answers, rules, [len(s.addresses) for s in port.services or ()])


def secrets(report: Report) -> set[str]:
    """What of a report names the network."""
    addresses = {a.address for a in report.addresses} | {a.source for a in report.addresses if a.source}
    links = {a.link_address for a in report.addresses if a.link_address}
    keys = {k.fingerprint for p in report.ports for o in p.observations for k in o.keys or ()}
    return {"laptop", *addresses, *(hop for a in report.addresses for hop in a.path), *links, *keys}


def test_a_scan_is_redacted_as_its_report_is() -> None:
    """What is redacted at once is what is redacted later."""
    report, read = saved("demo", "connect")
    with open_world(find_scenario("demo"), "sim") as world:
        how = Reporting(vantage="laptop", redact=True)
        at_once = scan(world.target, Timing(), backends_of(world, "connect"), how=how)
    known = merged([read])
    without = redacted(known.measurements, known.facts)
    later = judged(without.measurements, without.facts)
    assert structs.replace(at_once, started="", measurements=()) == structs.replace(
        later, started="", measurements=()
    )
    assert at_once != report


def test_vantages_are_merged() -> None:
    """Two vantages see each address for themselves, and what they see is taken together."""
    one, two = saved("demo", "connect")[1], saved("demo", "connect", "office")[1]
    known = merged([one, two])
    both = judged(known.measurements, known.facts)
    assert [(a.vantage, a.address) for a in both.addresses] == [
        (vantage, a.address) for vantage in ("laptop", "office") for a in one.addresses
    ]
    for port, alone in zip(both.ports, one.ports, strict=True):
        assert [o.vantage for o in port.observations] == ["laptop"] * 3 + ["office"] * 3
        assert alone.binding in {port.binding, "undetermined"}
        assert sum(c.probability for c in port.candidates) == pytest.approx(1, abs=1e-3)
    assert both.stats is not None
    assert one.stats is not None
    assert both.stats.sent == 2 * one.stats.sent


def test_what_two_vantages_see_differently_stays_apart() -> None:
    """An address that is filtered from one vantage alone has a condition of its own there."""
    base = {"about": "x", "addresses": ["lan"], "scan": {"ports": "22,80"}, "expect": {}}
    listen = [{"port": 22, "bind": "0.0.0.0"}, {"port": 80, "bind": "0.0.0.0"}]
    found = []
    for vantage, rules in (("inside", []), ("outside", [{"action": "drop", "ports": "80"}])):
        world = parse_scenario(vantage, {**base, "target": {"listen": listen, "filter": rules}})
        with open_world(world, "sim") as opened:
            found.append(
                scan(opened.target, Timing(), backends_of(opened, "connect"), how=Reporting(vantage=vantage))
            )
    known = merged(found)
    report = judged(known.measurements, known.facts)
    (web,) = (port for port in report.ports if port.port == 80)
    assert [(o.vantage, o.condition) for o in web.observations] == [
        ("inside", "clear"),
        ("outside", "dropped"),
    ]
    assert web.exposed_on == ("192.168.77.10",)


def test_what_the_user_stated_is_kept() -> None:
    """Running services and realms are facts beside the measurement; what is asked later is added."""
    report, read = saved("demo", "connect")
    assert report.facts == Facts(
        running=read.facts.running,
        named=read.facts.named,
        realms={a.address: a.realm for a in report.addresses},
    )
    assert report.facts.running
    assert report.facts.named == "22,443,3306,5432,8000,8080,9090"
    assert merged([read], strict=True).facts == structs.replace(report.facts, strict=True)
    elsewhere = structs.replace(read.facts, realms={a.address: "office" for a in read.addresses})
    assert {a.realm for a in judged(read.measurements, elsewhere).addresses} == {"office"}


def test_what_cannot_be_merged() -> None:
    """A report without measurements has nothing to add."""
    _, read = saved("demo", "connect")
    with pytest.raises(UsageError, match="a report has no measurements"):
        merged([read, structs.replace(read, measurements=())])


@pytest.mark.parametrize("redact", [False, True])
def test_what_cannot_be_judged(*, redact: bool) -> None:
    """Nothing, two measurements of one vantage, and one of another version, by the names that were given."""
    (one,) = saved("demo", "connect")[1].measurements
    for measurements, message in (
        ((), "there are no measurements"),
        ((one, one), "two measurements are of the vantage 'laptop'"),
        ((structs.replace(one, version=2),), "the measurement of 'laptop' is of version 2; .* reads 1"),
    ):
        with pytest.raises(UsageError, match=message):
            judged(measurements, Facts(), redact=redact)


def test_inference_reads_no_round_trip_time() -> None:
    """What times a probe is no evidence: other times give the same verdicts."""
    _, read = saved("demo", "connect")
    slower = json.loads(render_json(read))
    for measurement in slower["measurements"]:
        for address in measurement["addresses"]:
            for row in address["rows"]:
                row.pop("rtt", None)
    known = merged([parse_report(json.dumps(slower).encode(), "slower")])
    assert without_times(judged(known.measurements, known.facts)).ports == without_times(read).ports
