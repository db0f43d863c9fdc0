"""Ports that are alike share one verdict: it is the one that each of them would have alone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survey_builder import CONTROLS, OWN, answer, observe, stated, survey

from probe.inference.host import infer_host
from probe.inference.priors import USUAL
from probe.inference.verdict import judge_port, judge_ports
from probe.model.facts import AddressSurvey
from probe.model.greeting import Greeting
from probe.model.probing import Question, Role
from probe.model.target import Port, Protocol

PORTS = [Port(Protocol.TCP, number) for number in (22, 5432, 5433, 8000, 8001, 8002)]
PORTS.append(Port(Protocol.UDP, 8000))
WORDS = (
    "reset",
    "reset@host",
    "syn-ack",
    "syn-ack@behind",
    "syn-ack@host",
    "no-response",
    "port-unreach/host",
    "port-unreach/router",
    "host-unreach/prober",
)


@st.composite
def surveys(draw) -> list[AddressSurvey]:
    """Two addresses, some ports of which answer alike."""
    found = []
    for symbol in ("lan", "vpn"):
        one = survey(symbol, {"controls": draw(st.sampled_from(WORDS[:1] + WORDS[5:6]))}, PORTS[0])
        observed = [
            answer(draw(st.sampled_from(WORDS)), Question(one.address.ip, port), draw(st.integers(1, 2)))
            for port in PORTS[: draw(st.integers(5, 7))]
        ]
        found.append(replace(one, observations=(*one.observations, *observed)))
    return found


@settings(max_examples=60, deadline=None)
@given(surveys=surveys(), far=st.booleans())
def test_a_shared_verdict_is_each_port_s_own(surveys, far):
    """Whatever the ports have in common, and where an address was not reached."""
    host = infer_host(surveys, USUAL, stated(PORTS[0]))
    models = tuple(replace(m, reached=m.reached and not (far and m is host.models[1])) for m in host.models)
    host = replace(host, models=models)
    alone = [judge_port(p, models, found, host.stated.get(p), USUAL.point) for p, found in host.ports.items()]
    assert list(judge_ports(host, USUAL.point)) == alone


def greeted(port: Port) -> tuple[AddressSurvey, AddressSurvey]:
    """Two addresses with two open ports; one of them was asked for a greeting."""
    both = []
    for symbol in ("lan", "vpn"):
        one = survey(symbol, {"controls": "reset@host", "port": "syn-ack", "also": "syn-ack"}, PORTS[3])
        both.append(replace(one, greetings={port: Greeting("220 ready")}))
    return both[0], both[1]


@pytest.mark.parametrize("port", PORTS[3:5])
def test_what_a_service_showed_is_of_its_port_alone(port):
    """A port that is alike but for its greeting has no services."""
    host = infer_host(greeted(port), USUAL)
    judged = {one.port: one.services for one in judge_ports(host, USUAL.point)}
    assert {shown for shown, services in judged.items() if services} == {port}


def test_alike_ports_share_all_that_is_concluded():
    """A thousand refused ports are one verdict, not a thousand."""
    lan = survey("lan", {"controls": "reset@host"}, PORTS[0])
    ports = [Port(Protocol.TCP, number) for number in range(20000, 21000)]
    observed = [observe("reset", lan.address, port, Role.TESTED) for port in ports]
    one = replace(lan, observations=(*lan.observations[: len(CONTROLS)], *observed), own_addresses=OWN)
    host = infer_host([one], USUAL)
    judged = list(judge_ports(host, USUAL.point))
    assert [one.port for one in judged] == ports
    assert len({id(one.evidence) for one in judged}) == len({id(one.advice) for one in judged}) == 1
    assert judged[0].conditions.keys() == {one.seen}
