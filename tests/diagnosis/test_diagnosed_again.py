"""The doctor's report judged again from its own measurement, and redacted: what it found stays."""

import datetime as dt
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from exam_builder import KEY, PORT, exam_of, machine_of
from msgspec import structs
from survey_builder import survey

from probe.app.diagnose import diagnosed, diagnosed_again
from probe.engine.rows import Examined, measurement_of
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.errors import UsageError
from probe.model.diagnosis import Diagnosis
from probe.model.doctor_report import DoctorReport
from probe.model.encoding import decode, encode
from probe.model.facts import HERE, LinkKind
from probe.model.machine import Chain, Firewall, Hook, Link, Machine, Peer, Tunnel, TunnelKind
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Status
from probe.model.measurement import CONNECT, Facts
from probe.model.surroundings import concerning
from probe.redact.texts import redacted_report
from probe.report.doctor_document import DoctorFacts, assemble_doctor

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "causes.yaml").read_text(encoding="utf-8"))
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def report_of(case: dict, *names: Check) -> DoctorReport:
    """The report of an examination that measured what a case has."""
    exams = [exam_of(symbol, stated) for symbol, stated in case["addresses"].items()]
    surveys = tuple(exam.survey for exam in exams)
    others = [ip for exam in exams for answer in exam.names for ip in answer.addresses]
    around = concerning(machine_of(case.get("machine", {})), surveys, others)
    outcome = Outcome(surveys, Counts(sent=9), 1.5, complete=True)
    made = measurement_of(
        outcome, vantage=HERE, engine=CONNECT, started=NOW, examined=Examined(around, exams)
    )
    facts = Facts(
        named="8000" if case.get("named") else "",
        realms={str(exam.address.ip): exam.address.realm for exam in exams},
    )
    found = diagnosed(made, facts, exams)
    whole = Diagnosis((), found, 1.5, measurement=made, facts=facts)
    return assemble_doctor(whole, DoctorFacts(NOW, "0", names))


@pytest.mark.parametrize("name", CASES)
def test_the_same_report_from_its_file(name: str) -> None:
    """To the last digit and word."""
    report = report_of(CASES[name])
    assert diagnosed_again(decode(encode(report), DoctorReport)) == report


@pytest.mark.parametrize("name", CASES)
def test_the_same_causes_redacted(name: str) -> None:
    """Causes, probabilities and rules stay, whatever stands for addresses, networks and keys."""
    report = report_of(CASES[name])
    other = diagnosed_again(redacted_report(report))
    for one, two in zip(report.addresses, other.addresses, strict=True):
        assert one.address != two.address
        assert (one.condition, one.well) == (two.condition, two.well)
        assert list(map(rules_of, one.causes)) == list(map(rules_of, two.causes))
        assert [fact.rule for fact in one.measured] == [fact.rule for fact in two.measured]
    text = encode(other).decode()
    assert not [a.address for a in report.addresses if f'"{a.address}"' in text]
    assert KEY not in text
    assert diagnosed_again(other) == other


def rules_of(cause: object) -> list[object]:
    """A cause without its values."""
    evidence, fix = ([one.rule for one in getattr(cause, few)] for few in ("evidence", "fix"))
    return [*(getattr(cause, key) for key in ("cause", "probability", "port")), evidence, fix]


@pytest.mark.parametrize(("status", "well"), [(Status.OK, True), (Status.FAIL, False)])
def test_a_name_without_an_address_stays(status: Status, well: bool) -> None:  # noqa: FBT001 - expected
    """It was looked up then, and is part of whether all is well."""
    rule = CheckRule.NAME_RESOLVED if status is Status.OK else CheckRule.NAME_UNRESOLVED
    name = Check(check="name box.test", status=status, found=CheckFinding(rule=rule))
    case = next(case for case in CASES.values() if report_of(case).well)
    assert diagnosed_again(report_of(case, name)).well is well


def test_without_an_address() -> None:
    """A look at this machine alone has no measurement: it stays as it is."""
    report = assemble_doctor(Diagnosis(()), DoctorFacts(NOW, "0"))
    assert diagnosed_again(report) is report


def test_what_cannot_be_diagnosed() -> None:
    """A scan has no look at the machine, and another version's measurement may mean something else."""
    report = report_of(next(iter(CASES.values())))
    (made,) = report.measurements
    with pytest.raises(UsageError, match="run doctor"):
        diagnosed(structs.replace(made, machine=None), report.facts)
    with pytest.raises(UsageError, match="is of version 9"):
        diagnosed_again(structs.replace(report, measurements=(structs.replace(made, version=9),)))


SILENT = {"port": "no-response", "controls": "no-response"}
NEAR, VPN = survey("lan", SILENT, PORT), survey("vpn", SILENT, PORT)
OTHER = Peer("other", (ip_network("10.88.0.77/32"),))
OURS = Peer("ours", (ip_network("10.88.0.10/32"),))
STRANGE = Peer("strange", (ip_network("172.20.0.0/16"),))


def around(*peers: Peer, surveys: tuple = (NEAR, VPN)) -> Machine:
    """A machine with a tunnel called vpn, another tunnel, a strange link, and a filter."""
    tunnel = Tunnel(Link("vpn", LinkKind.TUNNEL, up=True, running=True), TunnelKind.WIREGUARD, peers=peers)
    corp = Tunnel(Link("corp", LinkKind.TUNNEL, up=True, running=True), TunnelKind.OPENVPN)
    links = [Link(name, LinkKind.ETHERNET, up=True, running=True) for name in ("lan", "dmz")]
    chains = (
        Chain("nft", "inet", "filter", "output", Hook.OUTPUT, ()),
        Chain("nft", "inet", "filter", "input", Hook.INPUT, ("policy drop",)),
    )
    machine = Machine("linux", (*links, tunnel.link), (tunnel, corp), Firewall(chains))
    return concerning(machine, surveys)


def test_what_concerns_a_target() -> None:
    """Its links, tunnels and peers, and the chains that block; of a LAN address no tunnel."""
    kept = around(OTHER, OURS, STRANGE)
    assert [link.name for link in kept.links] == ["lan", "vpn"]
    assert [tunnel.link.name for tunnel in kept.tunnels] == ["vpn", "corp"]  # either may be its VPN
    assert kept.tunnels[0].peers == (OURS,)
    assert [chain.name for chain in kept.firewall.chains or ()] == ["input"]
    assert around(OTHER, OURS, surveys=(NEAR,)).tunnels == ()


def test_peers_of_an_address_that_none_has() -> None:
    """Any of them may be meant to have it."""
    assert around(OTHER, STRANGE).tunnels[0].peers == (OTHER, STRANGE)


def test_other_addresses_of_a_name() -> None:
    """A tunnel that leads to one of them concerns the target too."""
    tunnel = Tunnel(Link("wg0", LinkKind.TUNNEL, up=True, running=True), TunnelKind.WIREGUARD, peers=(OTHER,))
    machine = Machine("linux", (), (tunnel,))
    assert concerning(machine, [NEAR]).tunnels == ()
    assert [t.link.name for t in concerning(machine, [NEAR], [ip_address("10.88.0.77")]).tunnels] == ["wg0"]
