"""Whatever raw packets bring: the inference stands, and keeps each port's evidence apart."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survey_builder import stated
from varied import replace

from probe.inference import follow_ups, infer
from probe.inference.identity import identify
from probe.inference.policy import learn
from probe.model.facts import AddressSurvey, LinkKind, Neighbour, Route, Trace
from probe.model.measurement import Facts
from probe.model.plan import RawPermissions
from probe.model.probing import (
    ICMP_REASONS,
    Aftermath,
    Header,
    NextHop,
    Observation,
    Origin,
    PurposeRule,
    Question,
    Reason,
    Role,
    Shape,
)
from probe.model.target import Port, Protocol, TargetAddress

TARGETS = {
    ip_address("192.168.77.10"): "lan",
    ip_address("fd77::10"): "lan",
    ip_address("10.88.0.10"): "vpn",
    ip_address("203.0.113.10"): "public",
}
STRANGERS = [ip_address(text) for text in ("127.0.0.1", "8.8.8.8", "192.168.77.2", "::1", "2001:db8::1")]
ANYBODY = st.sampled_from([*TARGETS, *STRANGERS])
TESTED = [Port(Protocol.TCP, 8000), Port(Protocol.TCP, 8001), Port(Protocol.UDP, 53)]
CONTROLS = [Port(Protocol.TCP, 1006), Port(Protocol.TCP, 18233)]
PORTS = st.sampled_from([*TESTED, *CONTROLS, Port(Protocol.TCP, 0)])
MAC = "52:54:00:12:34:56"

headers = st.builds(
    Header,
    tos=st.integers(0, 255),
    flow_label=st.none() | st.integers(0, 0xFFFFF),
    window=st.none() | st.sampled_from([0, 1, 65535]),
    interface=st.none() | st.just("eth0"),
    link_address=st.none() | st.just(MAC),
)
hops = st.builds(NextHop, st.just("eth0"), st.just(ip_address("192.168.77.2")), st.just(MAC))
asked = st.builds(
    Question,
    address=ANYBODY,
    port=PORTS,
    role=st.sampled_from(Role),
    ttl=st.none() | st.integers(0, 255),
    shape=st.sampled_from(Shape),
    hop=st.none() | hops,
)


@st.composite
def outcomes(draw, questions=asked) -> Observation:
    """Any outcome of a question: any reason, sender, header and number of tries."""
    reason = draw(st.sampled_from(Reason))
    silent = reason in {Reason.NO_RESPONSE, Reason.NOT_SENT}
    return Observation(
        draw(questions),
        reason,
        attempts=draw(st.integers(0, 8)),
        answered=None if silent else draw(st.integers(1, 8)),
        sender=None if silent else draw(st.none() | ANYBODY),
        icmp=(3, 3) if reason in ICMP_REASONS else None,
        header=draw(st.none() | headers),
        origin=draw(st.none() | st.sampled_from(Origin)),
        aftermath=draw(st.none() | st.sampled_from(Aftermath)),
        raw_only=draw(st.booleans()),
    )


traces = st.lists(st.builds(Trace, outcomes(), st.just(PurposeRule.WHOSE_RESET)), max_size=5).map(tuple)


@st.composite
def surveys_of_one(draw, ip) -> AddressSurvey:
    """One address with any answers to its ports, and any traces."""
    plain = [(port, Role.TESTED) for port in TESTED] + [(port, Role.CONTROL) for port in CONTROLS]
    seen = tuple(draw(outcomes(st.just(Question(ip, port, role)))) for port, role in plain)
    on_link = draw(st.booleans())
    kind = draw(st.none() | st.sampled_from(LinkKind))
    route = Route(ip, ip_address("192.168.77.2"), draw(st.sampled_from(["eth0", "wg0"])), kind, 1500, on_link)
    return AddressSurvey(
        TargetAddress(ip, TARGETS[ip]),
        seen,
        route=draw(st.none() | st.just(route)),
        neighbour=draw(st.none() | st.sampled_from(Neighbour)),
        own_addresses=frozenset({ip_address("192.168.77.2")}),
        link_address=draw(st.none() | st.just(MAC)),
        traces=draw(traces),
    )


@st.composite
def surveyed(draw) -> list[AddressSurvey]:
    """One to three addresses of a target."""
    chosen = draw(st.lists(st.sampled_from(list(TARGETS)), min_size=1, max_size=3, unique=True))
    return [draw(surveys_of_one(ip)) for ip in chosen]


@settings(max_examples=50, deadline=None)
@given(surveys=surveyed(), running=st.booleans(), strict=st.booleans())
def test_whatever_raw_packets_bring_is_judged(surveys, running, strict):
    """Nothing raises; the candidates of every port are probabilities."""
    facts = stated(*(TESTED[:1] if running else ()), strict=strict)
    verdict = infer(surveys, facts)
    assert [port.port for port in verdict.ports] == sorted(TESTED)
    for port in verdict.ports:
        shares = [candidate.probability for candidate in port.candidates]
        assert sum(shares) == pytest.approx(1)
        assert all(0 <= share <= 1 for share in shares)
    assert infer(surveys, facts) == verdict


@settings(max_examples=25, deadline=None)
@given(surveys=surveyed())
def test_whatever_raw_packets_bring_the_next_questions_are_new(surveys):
    """Follow-ups repeat no question that left a trace, and each comes once."""
    asked_before = {s.address.ip: {t.observation.question for t in s.traces} for s in surveys}
    for ip, few in follow_ups(surveys, Facts(), RawPermissions(fin=True, loopback=True)).items():
        questions = [one.question for one in few]
        assert len(set(questions)) == len(questions)
        assert not asked_before[ip] & set(questions)


@settings(max_examples=25, deadline=None)
@given(surveys=surveyed(), port=st.sampled_from(TESTED), data=st.data())
def test_traces_of_one_port_are_no_evidence_of_another(surveys, port, data):
    """What raw packets bring on a port changes the evidence of that port on that address alone."""
    questions = asked.map(lambda question: replace(question, port=port))
    more = tuple(
        Trace(one, PurposeRule.WHOSE_RESET)
        for one in data.draw(st.lists(outcomes(questions), min_size=1, max_size=4))
    )
    first, *rest = surveys
    grown = [replace(first, traces=(*first.traces, *more)), *rest]
    before, after = ({m.seen: m for m in learn(s, identify(s))} for s in (surveys, grown))
    for seen, model in before.items():
        for other, evidence in model.evidence.items():
            if seen != first.seen or other != port:
                assert after[seen].evidence[other] == evidence


@settings(max_examples=15, deadline=None)
@given(surveys=surveyed(), data=st.data())
def test_what_is_chance_in_an_answer_changes_nothing(surveys, data):
    """Times, ECN, the number in a flow label and the size of a window are no evidence."""

    def otherwise(survey: AddressSurvey) -> AddressSurvey:
        return replace(
            survey,
            traces=tuple(Trace(by_chance(t.observation), PurposeRule.WHOSE_RESET) for t in survey.traces),
        )

    def by_chance(seen: Observation) -> Observation:
        header = seen.header
        if header is not None:
            label = header.flow_label and data.draw(st.integers(1, 0xFFFFF))
            window = header.window and data.draw(st.integers(1, 65535))
            ecn = (header.tos & 0xFC) | data.draw(st.integers(0, 3))
            header = replace(header, flow_label=label, window=window, tos=ecn)
        return replace(
            seen, header=header, rtt=data.draw(st.floats(0, 3)), started=data.draw(st.floats(0, 9))
        )

    assert infer([otherwise(survey) for survey in surveys]) == infer(surveys)
