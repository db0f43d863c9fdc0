"""The tables of the diagnosis: complete, consistent, and covered by cases."""

from functools import cache
from ipaddress import ip_address, ip_interface
from itertools import chain
from pathlib import Path

import pytest
import yaml
from exam_builder import PORT, case_of
from hypothesis import given, settings
from hypothesis import strategies as st
from varied import replace

from probe.diagnosis import diagnose
from probe.diagnosis.commands import route_by, set_mtu, set_peer, switch_on
from probe.diagnosis.ranking import (
    CauseDistribution,
    blames,
    port_troubles,
    size_trouble,
    weigh,
)
from probe.diagnosis.read_symptoms import findings
from probe.diagnosis.subject import ExamContext
from probe.diagnosis.symptom_likelihood import USUAL, likelihood
from probe.diagnosis.table import CAUSES, PRIOR
from probe.inference import infer
from probe.model.binding import Condition
from probe.model.diagnosis import Cause
from probe.model.exam import AddressExam, NameAnswer
from probe.model.facts import AddressSurvey
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import TunnelKind
from probe.model.probing import Observation, Reason
from probe.model.symptoms import QUESTIONS, CauseEvidence, Symptom
from probe.model.target import Port, Protocol
from probe.model.unread import NameFailure, NameFailureRule
from probe.model.verdict import Verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "causes.yaml").read_text(encoding="utf-8"))
OF_PORTS_AND_SIZES = {
    Cause.NOT_FORWARDED,
    Cause.NOT_BOUND,
    Cause.SERVICE_REFUSES_PEER,
    Cause.MTU_BLACK_HOLE,
}
# Symptoms that name a cause by themselves: they answer no question about the address.
OF_PORTS = {
    Symptom.PORT_CLOSED,
    Symptom.PORT_FILTERED,
    Symptom.PORT_UNREACHABLE,
    Symptom.PORT_TURNED_AWAY,
    Symptom.PORT_WITHHELD,
}
OF_NAMES = {Symptom.NAME_UNRESOLVED}  # of a name without an address
OF_SIZES = {
    Symptom.SEGMENT_PASSES,
    Symptom.PATH_MTU_LEARNT,
    Symptom.SEGMENT_LOST,
    Symptom.NO_SIZE_ERROR,
    Symptom.SMALLER_PASSES,
}
OTHER = Port(Protocol.TCP, 22)
SILENT = CASES["the tunnel never shook hands"]


def scene_of(case: dict, index: int = -1) -> ExamContext:
    """One address of a case, by default the last."""
    exams, machine, verdict = case_of(case)
    exam = exams[index]
    return ExamContext(exam, [other for other in exams if other is not exam], machine, verdict)


@cache
def symptoms_seen() -> set[Symptom]:
    """Every symptom of every address of every case, of its ports and of its sizes."""
    scenes = [scene_of(case, at) for case in CASES.values() for at in range(len(case["addresses"]))]
    named = [replace(scene, named=frozenset({PORT})) for scene in scenes]
    troubles = [trouble for scene in named for trouble in (*port_troubles(scene), *size_trouble(scene))]
    return {one.rule for scene in scenes for one in findings(scene)} | {
        one.rule for trouble in troubles for evidence in trouble.evidence.values() for one in evidence
    }


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_first_in_a_case(cause: Cause) -> None:
    """No cause is there for show."""
    assert cause in set(chain.from_iterable(case["first"].values() for case in CASES.values()))


@pytest.mark.parametrize("symptom", sorted(set(Symptom) - OF_NAMES))
def test_every_symptom_is_seen_in_a_case(symptom: Symptom) -> None:
    """No symptom is there for show."""
    assert symptom in symptoms_seen()


def test_every_symptom_of_an_address_answers_one_question() -> None:
    """The questions part the symptoms, but for those of ports and sizes."""
    assert sorted(chain.from_iterable(QUESTIONS)) == sorted(set(Symptom) - OF_PORTS - OF_SIZES - OF_NAMES)


@pytest.mark.parametrize("cause", PRIOR)
def test_rows_leave_nothing_negative(cause: Cause) -> None:
    """The shares of a question are at most 1, in the row of every cause and as usual."""
    for question in QUESTIONS:
        named = [share for symptom, share in CAUSES[cause].looks.items() if symptom in question]
        assert sum(named) <= 1 + 1e-9, question
        if len(question) > 1:
            total = sum(likelihood(symptom, cause) for symptom in question - {Symptom.PORTS_SILENT})
            assert total == pytest.approx(1, abs=0.03), (cause, question)
        usual = [USUAL[symptom] for symptom in question if symptom in USUAL]
        assert not usual or len(question) == 1 or sum(usual) == pytest.approx(1), question


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_row(cause: Cause) -> None:
    """A cause of an address has its prior and its symptoms; ports and sizes have subjects of their own."""
    row = CAUSES[cause]
    assert (row.prior is None, not row.looks) == (cause in OF_PORTS_AND_SIZES,) * 2


def test_priors_are_shares() -> None:
    """Of all that may be the trouble with an address, more or less."""
    assert sum(PRIOR.values()) == pytest.approx(1, abs=0.25)


@settings(deadline=None)  # the first one fills the cache of the table
@given(st.sets(st.sampled_from(sorted(chain.from_iterable(QUESTIONS)))))
def test_shares_sum_to_one_whatever_is_seen(symptoms: set[Symptom]) -> None:
    """Also where two symptoms of one question, which cannot be, are seen at once."""
    trouble = weigh([CauseEvidence(rule=symptom) for symptom in symptoms])
    assert sum(trouble.shares.values()) == pytest.approx(1)


def test_nothing_measured_blames_nobody_strongly() -> None:
    """Without a finding the causes are as probable as before."""
    assert weigh([]).shares[Cause.NONE] == pytest.approx(PRIOR[Cause.NONE] / sum(PRIOR.values()))


def test_two_troubles_share_the_blame() -> None:
    """Both causes are listed, each with the evidence of its own subject."""
    refused, dropped = CauseEvidence(rule=Symptom.PORT_CLOSED), CauseEvidence(rule=Symptom.PORT_FILTERED)
    one = CauseDistribution({Cause.NOT_BOUND: 1.0}, {Cause.NOT_BOUND: (refused,)})
    two = CauseDistribution(
        {Cause.TARGET_FIREWALL: 0.9, Cause.NOT_BOUND: 0.1}, {Cause.TARGET_FIREWALL: (dropped,)}
    )
    both = blames([CauseDistribution({Cause.NONE: 0.98, Cause.DNS: 0.02}, {}), one, two])
    assert [found.cause for found in both] == ["not-bound", "target-firewall", "dns", "none"]
    assert sum(found.share for found in both) == pytest.approx(1)
    assert both[1].share > 0.4
    assert both[1].evidence == (dropped,)
    assert both[-1].share == 0


def test_ports_that_differ_have_causes_of_their_own() -> None:
    """What is refused is not called filtered, and what is about the address joins the likelier group."""
    reach = CauseDistribution({Cause.NONE: 0.9, Cause.TARGET_FIREWALL: 0.1}, {})
    closed = CauseDistribution({Cause.NOT_BOUND: 0.9, Cause.TARGET_FIREWALL: 0.1}, {}, OTHER)
    dropped = CauseDistribution({Cause.TARGET_FIREWALL: 0.8, Cause.NOT_BOUND: 0.2}, {}, PORT)
    found = [(one.cause, one.ports) for one in blames([reach, closed, dropped]) if one.share]
    assert found == [
        (Cause.NOT_BOUND, (OTHER,)),
        (Cause.TARGET_FIREWALL, (PORT,)),
        (Cause.NOT_BOUND, (PORT,)),
        (Cause.TARGET_FIREWALL, (OTHER,)),
    ]
    assert sum(one.share for one in blames([reach, closed, dropped])) == pytest.approx(1)


def test_evidence_is_merged_by_its_values() -> None:
    """What two subjects have in common stands once, what differs in one value stands twice."""
    same = CauseEvidence(rule=Symptom.NO_SIZE_ERROR)
    ports = [CauseEvidence(rule=Symptom.PORT_CLOSED, port=number) for number in (22, 80)]
    troubles = [CauseDistribution({Cause.NOT_BOUND: 1.0}, {Cause.NOT_BOUND: (same, one)}) for one in ports]
    assert blames(troubles)[0].evidence == (same, *ports)


@pytest.mark.parametrize(
    ("shares", "ports"),
    [
        ([(None, 0.02), (PORT, 0.9)], (PORT,)),
        ([(None, 0.9), (PORT, 0.5)], ()),
        ([(PORT, 0.9), (OTHER, 0.9)], (OTHER, PORT)),
        ([(PORT, 0.9), (OTHER, 0.1)], (PORT,)),
    ],
)
def test_a_cause_belongs_to_the_ports_that_most_of_its_blame_comes_from(shares: list, ports: tuple) -> None:
    """Those with much of it, where they have more of it than the address; else the address."""
    troubles = [CauseDistribution({Cause.NOT_BOUND: share}, {}, at) for at, share in shares]
    assert blames(troubles)[0].ports == ports


def test_no_subject_is_well() -> None:
    """Nothing to be wrong is nothing wrong."""
    (only,) = blames([])
    assert (only.cause, only.share) == (Cause.NONE, 1.0)


def test_what_was_not_asked_answers_nothing() -> None:
    """An address that was not asked anything has no symptom of how it answers, and is not called silent."""
    scene = scene_of(SILENT)
    bare = replace(scene.exam, survey=AddressSurvey(scene.exam.address, ()), echo=None)
    seen = {one.rule for one in findings(replace(scene, exam=bare))}
    assert not seen & QUESTIONS[0]


def test_an_odd_word_of_the_target_is_silence() -> None:
    """An error of the address itself that means neither gone nor prohibited answers nothing."""
    case = {"addresses": {"vpn": {"controls": "frag-needed", "port": "frag-needed"}}}
    assert Symptom.PORTS_SILENT in {one.rule for one in findings(scene_of(case))}


def test_an_answer_without_its_interface_shows_no_way() -> None:
    """Where the header was not seen, nothing is known of the way back."""
    scene = scene_of(CASES["a filter of the target on the tunnel, for everything and ping"])
    back = replace(scene.exam.comes_back, header=None)
    seen = {one.rule for one in findings(replace(scene, exam=replace(scene.exam, comes_back=back)))}
    assert not seen & {Symptom.RETURN_SAME_LINK, Symptom.RETURN_OTHER_LINK, Symptom.NO_RETURN}


def test_a_name_that_fits_is_a_symptom() -> None:
    """A name with an address of a tunnel is as it was meant."""
    scene = scene_of(CASES["all is well"])
    address = replace(scene.exam.address, name="server.test")
    silence = NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=1.0)
    answers = NameAnswer(None, (scene.ip,)), NameAnswer(ip_address("198.18.53.1"), (), silence)
    exam = replace(scene.exam, survey=replace(scene.exam.survey, address=address), names=answers)
    assert Symptom.NAME_FITS in {one.rule for one in findings(replace(scene, exam=exam))}
    nobody = replace(exam, names=answers[1:])
    names = {Symptom.NAME_FITS, Symptom.NAME_OUTSIDE_TUNNEL, Symptom.NAMES_DISAGREE, Symptom.NO_NAME}
    assert not names & {one.rule for one in findings(replace(scene, exam=nobody))}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
def test_fixes_do_without_facts(cause: Cause) -> None:
    """A fix never fails for want of a tunnel, a source or a trial; and `none` has none."""
    case = {"machine": {"tunnel": None}, "addresses": {"vpn": {"controls": "no-route", "leaves_by": None}}}
    scene = scene_of(case)
    route = replace(scene.route, source=None)
    bare = replace(scene, exam=replace(scene.exam, survey=replace(scene.exam.survey, route=route)))
    found = tuple(CAUSES[cause].fix(replace(bare, named=frozenset({PORT}))))
    assert all(isinstance(fix, Fix) and (fix.place is None) is (fix.command is None) for fix in found)
    assert tuple(CAUSES[Cause.NONE].fix(bare)) == ()


def test_an_address_without_a_route_is_unsendable() -> None:
    """No route known at all is read as none measured, not as an error."""
    scene = scene_of(SILENT)
    exam = replace(scene.exam, survey=replace(scene.exam.survey, route=None))
    assert findings(replace(scene, exam=exam, verdict=Verdict((), ())))


def test_condition_is_that_of_the_first_cause() -> None:
    """A likely cause names the condition; else the scan's own word stays."""
    exams, machine, verdict = case_of(SILENT)
    lan, vpn = diagnose(exams, machine, verdict, frozenset())
    assert (lan.condition, vpn.condition) == ("clear", "tunnel-down")
    assert lan.well
    assert not vpn.well


@pytest.mark.parametrize(
    ("kind", "up", "running", "expected"),
    [
        (
            TunnelKind.WIREGUARD,
            False,
            False,
            Fix(rule=FixRule.SWITCH_ON, place=Place.HERE, command="ip link set vpn up"),
        ),
        (
            TunnelKind.TAILSCALE,
            True,
            False,
            Fix(rule=FixRule.START_TAILSCALE, place=Place.HERE, command="tailscale up"),
        ),
        (
            TunnelKind.OPENVPN,
            True,
            False,
            Fix(rule=FixRule.START_PROGRAM, interface="vpn", tunnel_kind=TunnelKind.OPENVPN),
        ),
    ],
)
def test_a_tunnel_is_switched_on_its_own_way(
    kind: TunnelKind,
    up: bool,  # noqa: FBT001 - cases
    running: bool,  # noqa: FBT001
    expected: Fix,
) -> None:
    """An interface that is off is switched on; one without its program needs the program."""
    scene = scene_of(CASES["all is well"])
    (tunnel,) = scene.machine.tunnels
    off = replace(tunnel, kind=kind, link=replace(tunnel.link, up=up, running=running))
    there = replace(scene, machine=replace(scene.machine, tunnels=(off,)))
    assert next(CAUSES[Cause.TUNNEL_DOWN].fix(there)) == expected


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (switch_on("wg 0;reboot"), "ip link set 'wg 0;reboot' up"),
        (switch_on("wg0", "darwin"), "ifconfig wg0 up"),
        (set_mtu("wg0", 1280), "ip link set wg0 mtu 1280"),
        (
            set_peer("wg 0"),
            "wg set 'wg 0' peer PUBLIC_KEY endpoint HOST:PORT allowed-ips NETWORKS",
        ),
        (route_by(ip_address("fd88::10"), "$(x)"), "ip route replace fd88::10/128 dev '$(x)'"),
    ],
)
def test_names_are_quoted(command: str, text: str) -> None:
    """An interface's name is data to the shell, whatever is in it."""
    assert command == text


def test_links_of_single_addresses_lack_none() -> None:
    """A cloud's host has an address of its own alone; what it is sent onto its link is no stray."""
    scene = scene_of(CASES["the route leads straight onto a link that does not have the address"])
    (lan,) = (link for link in scene.machine.links if link.name == "lan")
    for held, stray in ((lan.addresses, True), ((ip_interface("192.168.77.2/32"),), False)):
        links = (replace(lan, addresses=held),)
        there = replace(scene, machine=replace(scene.machine, links=links))
        assert (Symptom.ROUTE_MISSES_LINK in {one.rule for one in findings(there)}) is stray


def test_an_address_without_a_route_misses_no_link() -> None:
    """There is nothing that could lead past one."""
    scene = scene_of({"addresses": {"lan": {"controls": "no-route", "leaves_by": None}}})
    seen = {one.rule for one in findings(scene)}
    assert Symptom.NO_ROUTE in seen
    assert Symptom.ROUTE_MISSES_LINK not in seen


DROPPED = scene_of(CASES["a filter of the target on the tunnel, for one port"])


def weighed(*observations: Observation, **changed: object) -> dict[Cause, float]:
    """The causes of the port, where the address showed these observations."""
    survey = replace(DROPPED.exam.survey, observations=observations, **changed)
    scene = replace(DROPPED, exam=replace(DROPPED.exam, survey=survey), named=frozenset({PORT}))
    return dict(next(iter(port_troubles(scene))).shares)


def test_a_host_that_refuses_nothing_may_not_listen() -> None:
    """Where unused ports are silent too, silence is what nothing listening looks like."""
    every = DROPPED.exam.survey.observations
    *_, last = every
    opened = replace(last, question=replace(last.question, port=OTHER), reason=Reason.SYN_ACK)
    assert weighed(*every, opened)[Cause.NOT_BOUND] < 0.1
    others = [replace(one, survey=replace(one.survey, observations=())) for one in DROPPED.others]
    silent = [replace(o, reason=Reason.NO_RESPONSE, sender=None) for o in every]
    survey = replace(DROPPED.exam.survey, observations=(*silent, opened))
    exam = replace(DROPPED.exam, survey=survey)
    quiet = replace(DROPPED, exam=exam, others=others, named=frozenset({PORT}))
    (one,) = port_troubles(quiet)
    assert one.shares[Cause.NOT_BOUND] > 0.3


def test_a_reset_from_afar_may_be_a_box_in_between() -> None:
    """It has the target's address whoever sent it; on the link nobody is in between."""
    every = DROPPED.exam.survey.observations
    reset = tuple(replace(o, reason=Reason.RESET, sender=DROPPED.ip) for o in every)
    ports = tuple(
        replace(one, conditions={DROPPED.exam.survey.seen: Condition.REJECTED})
        for one in DROPPED.verdict.ports
    )
    for hops, least in ((1, 0.0), (None, 0.3)):
        survey = replace(DROPPED.exam.survey, observations=reset, hops=hops)
        exam, verdict = replace(DROPPED.exam, survey=survey), replace(DROPPED.verdict, ports=ports)
        (one,) = port_troubles(replace(DROPPED, exam=exam, verdict=verdict, named=frozenset({PORT})))
        assert least < one.shares[Cause.PATH_FIREWALL] < least + 0.2


def test_a_host_that_has_none_of_the_services_is_another() -> None:
    """Two links have its network, and all that another address serves is refused here."""
    second = PORT, OTHER
    scene = scene_of(CASES["two networks overlap, and another host answers"])
    (lan,) = scene.others
    (seen,) = (o for o in lan.survey.observations if o.question.port == PORT)
    (refused,) = (o for o in scene.exam.survey.observations if o.question.port == PORT)

    def both(observation: Observation, exam: AddressExam) -> AddressExam:
        asked = [replace(observation, question=replace(observation.question, port=port)) for port in second]
        return replace(exam, survey=replace(exam.survey, observations=tuple(asked)))

    verdict = infer([both(seen, lan).survey, both(refused, scene.exam).survey])
    there = replace(scene, exam=both(refused, scene.exam), others=[both(seen, lan)], verdict=verdict)
    assert [max(one.shares, key=lambda cause: one.shares[cause]) for one in port_troubles(there)] == [
        Cause.SUBNET_OVERLAP
    ] * 2
