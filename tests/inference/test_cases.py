"""The inference against tests/cases/bindings.yaml: the responses, and what must be concluded."""

from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from survey_builder import (
    CONTROLS,
    NUMBER,
    OWN,
    expected_conditions,
    expected_rules,
    observe,
    port_of,
    stated_in,
    survey,
    surveys_of,
)
from varied import replace

from probe.inference import infer
from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.evidence import EvidenceRule, ReadingRule
from probe.model.facts import HERE, AddressSurvey
from probe.model.measurement import Facts
from probe.model.probing import Role
from probe.model.target import Port, Protocol, TargetAddress
from probe.model.verdict import Verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "bindings.yaml").read_text(encoding="utf-8"))


def conclude(case: dict) -> tuple[Port, Verdict]:
    """Run the inference on a case."""
    return port_of(case), infer(surveys_of(case), stated_in(case))


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    """The verdict, its conditions and its rules are those of the case."""
    case = CASES[name]
    port, verdict = conclude(case)
    (found,) = [one for one in verdict.ports if one.port == port]
    shown = "\n".join(f"{c.binding} {c.bound_to} {c.probability:.3f}" for c in found.candidates)
    assert found.binding == case["binding"], shown
    assert sum(c.probability for c in found.candidates) == pytest.approx(1)
    assert case.get("at_least", 0) <= found.confidence <= case.get("at_most", 1) + 1e-9, shown
    if "bound_to" in case:
        assert set(found.bound_to) == {ip_address(TARGET_ADDRESSES[s]) for s in case["bound_to"]}
    if "families" in case:
        assert list(found.families) == case["families"]
    if "via" in case:
        assert found.via == case["via"]
    if "severity" in case:
        severities = [advice.severity for advice in found.advice]
        assert (severities or ["none"])[0] == case["severity"]
    expected_conditions(case, found, verdict)
    expected_rules(case, found, verdict)


def test_every_answer_has_a_reading():
    """Whatever came back, the verdict names the rule by which it was read, and no value is in words yet."""
    for case in CASES.values():
        surveys = surveys_of(case)
        verdict = infer(surveys, stated_in(case))
        for port in verdict.ports:
            asked = {survey.seen for survey in surveys if port.port in survey.tested()}
            assert set(port.readings) == asked
            values = (*port.readings.values(), *port.evidence, *port.rivals, *port.next_tests, *port.advice)
            assert {value.text for value in values} == {""}


def test_many_addresses_weigh_only_the_larger_set_that_was_seen():
    """With six addresses not every set is weighed, but the one that answered is, and it is named."""
    port = Port(Protocol.TCP, NUMBER)
    surveys = [
        survey(symbol, {"controls": "reset@host", "port": word}, port)
        for symbol, word in {
            "lan": "syn-ack@host",
            "vpn": "syn-ack@host",
            "public": "reset@host",
            "lan6": "syn-ack@host",
            "vpn6": "reset@host",
            "public6": "reset@host",
        }.items()
    ]
    (found,) = infer(surveys).ports
    assert found.binding == "specific"
    assert len(found.bound_to) == 3


def test_the_target_s_own_error_counts_where_the_prober_is_the_target():
    """On loopback the sender of an error is the prober's own address and the target's: no local firewall."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address("127.0.0.1"), "loopback")
    seen = tuple(observe("reset", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS)
    seen += (observe("port-unreach/host", address, port, Role.TESTED),)
    (found,) = infer([AddressSurvey(address, seen, own_addresses=frozenset({address.ip}))]).ports
    assert found.conditions[HERE, address.ip] == "rejected"


def test_this_machine_s_own_loopback_separates_not_listening_from_loopback():
    """Where the prober is the target, 127.0.0.1 and ::1 separate what no remote packet can."""
    for word, binding in (("reset@host", "not-listening"), ("syn-ack@host", "loopback")):
        port = Port(Protocol.TCP, NUMBER)
        surveys = [survey("lan", {"controls": "reset@host", "port": "reset@host"}, port)]
        for text in ("127.0.0.1", "::1"):
            address = TargetAddress(ip_address(text), "loopback")
            seen = tuple(
                observe("reset@host", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS
            )
            surveys.append(AddressSurvey(address, (*seen, observe(word, address, port, Role.TESTED))))
        (found,) = infer(surveys).ports
        assert found.binding == binding


def test_an_address_without_controls_is_still_judged():
    """A survey that was cut short before its controls were asked leaves the condition unknown."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address(TARGET_ADDRESSES["lan"]), "lan")
    verdict = infer([AddressSurvey(address, (observe("syn-ack", address, port, Role.TESTED),))])
    assert verdict.addresses[0].condition == "unknown"
    assert verdict.ports[0].binding == "undetermined"


def test_strict_takes_nothing_as_usual():
    """What is decided by what is usual alone is no longer decided; what the answers show is."""
    port = Port(Protocol.TCP, NUMBER)

    def judged(lan: str, vpn: str, *, strict: bool):
        surveys = [
            survey("lan", {"controls": "reset@host", "port": lan}, port),
            survey("vpn", {"controls": "reset@host", "port": vpn}, port),
        ]
        (found,) = infer(surveys, Facts(strict=strict)).ports
        return found

    usual, strict = (judged("syn-ack@host", "syn-ack@host", strict=s) for s in (False, True))
    assert usual.binding == "wildcard"
    assert strict.binding == "undetermined"  # both addresses one by one are as likely as all
    assert strict.candidates[0].probability < usual.confidence
    assert judged("syn-ack@host", "reset@host", strict=True).binding == "specific"


def test_a_packet_that_this_machine_refused_to_send_shows_nothing_of_the_target():
    """Its own firewall or a prohibiting route gives no ICMP error, but it is this machine that spoke."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address(TARGET_ADDRESSES["lan"]), "lan")
    word = "admin-prohibited/prober"
    seen = [observe(word, address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS]
    seen.append(observe(word, address, port, Role.TESTED))
    survey_ = AddressSurvey(address, tuple(replace(o, icmp=None) for o in seen), own_addresses=OWN)
    verdict = infer([survey_])
    assert verdict.addresses[0].condition == "local-firewall"
    assert verdict.ports[0].binding == "undetermined"


def test_controls_that_were_not_measured_are_not_reported_as_answering():
    """A silent port stands alone where no control was asked, or where this machine answered for it."""
    for controls in ("not-sent", "host-unreach/prober", None):
        answers = {"port": "no-response", "also": "reset@host"}
        port = Port(Protocol.TCP, NUMBER)
        whole = survey("lan", {"controls": controls or "not-sent", **answers}, port)
        seen = [o for o in whole.observations if controls or o.question.role is Role.TESTED]
        verdict = infer([replace(whole, observations=tuple(seen))])
        (found,) = [one for one in verdict.ports if one.port == port]
        (evidence,) = found.evidence
        assert (evidence.rule, evidence.tries, evidence.controls) == (EvidenceRule.SILENT, 6, None)
        assert [one.rule for one in found.readings.values()] == [ReadingRule.WITHOUT_CONTROLS]


@pytest.mark.parametrize(
    ("controls", "word"),
    [
        ("not-sent", "not-sent"),  # interrupted: not asked is not silent
        (["reset@host", "no-response", "port-unreach/host"], "syn-ack@host"),  # unknown, but alive
    ],
)
def test_only_a_silent_address_is_reported_to_have_sent_nothing(controls, word):
    """An unknown path is not called silent where it was not asked, nor where something answered."""
    verdict = infer([survey("lan", {"controls": controls, "port": word}, Port(Protocol.TCP, NUMBER))])
    assert verdict.addresses[0].condition == "unknown"
    assert verdict.addresses[0].advice == ()
