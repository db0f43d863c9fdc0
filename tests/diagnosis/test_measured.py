"""The facts of an address: each is there where it was measured, and not where it was not."""

from ipaddress import ip_address

import pytest
from odd_machines import values_of
from test_diagnosis_tables import CASES, scene_of
from varied import replace

from probe.diagnosis.measured import measured
from probe.diagnosis.subject import ExamContext
from probe.model.exam import Echo, Hop, InterfaceCounters, NameAnswer
from probe.model.facts import LinkKind, Route
from probe.model.measured_facts import FactRule, MeasuredFact
from probe.model.probing import Reason, State
from probe.model.target import Port, Protocol
from probe.model.unread import NameFailure, NameFailureRule


def counters(*, sent: int, received: int) -> dict:
    """What the interface of the VPN counted for six probes."""
    return {
        "rule": "interface-counters",
        "interface": "vpn",
        "probes": 6,
        "sent_packets": sent,
        "received_packets": received,
    }


REFUSED = NameFailure(rule=NameFailureRule.RESPONSE_CODE, code="REFUSED")

# A case of tests/cases/causes.yaml, the address by its place in it, and facts that must be there.
FACTS: list[tuple[str, int, list[dict]]] = [
    (
        "all is well",
        1,
        [
            {
                "rule": "route",
                "interface": "vpn",
                "link_kind": "tunnel",
                "on_link": True,
                "source": "10.88.0.2",
                "mtu": 1500,
            },
            {"rule": "ping-answered"},
            {"rule": "ports", "state": "open", "ports": ["8000/tcp"], "count": 1},
            {"rule": "segments-carried", "port": 8000, "protocol": "tcp", "segment": 1380},
        ],
    ),
    (
        "the tunnel never shook hands",
        1,
        [
            {"rule": "ping-silent"},
            {"rule": "ports", "state": "filtered", "ports": ["8000/tcp"], "count": 1},
            counters(sent=6, received=0),
        ],
    ),
    (
        "the tunnel is switched off, no route is left",
        1,
        [{"rule": "no-route"}, {"rule": "ping-not-permitted"}],
    ),
    ("our own filter rejects", 1, [{"rule": "ping-refused-by-this-machine"}]),
    (
        "the peer has no such address",
        1,
        [{"rule": "ping-error", "sender": "10.88.0.1", "reason": "host-unreach"}],
    ),
    ("nobody else on the link answers", 0, [{"rule": "neighbour-failed"}, {"rule": "gateway-silent"}]),
    ("the access point keeps its clients apart", 0, [{"rule": "gateway-answers"}]),
    (
        "full packets vanish",
        1,
        [{"rule": "segments-stalled", "port": 8000, "protocol": "tcp", "segment": 1380}],
    ),
    (
        "the path reports what it carries",
        0,
        [
            {"rule": "path-mtu", "sender": "198.51.100.1", "mtu": 1300},
            {
                "rule": "route",
                "interface": "public",
                "link_kind": "ethernet",
                "on_link": False,
                "source": "198.51.100.2",
                "mtu": 1500,
            },
        ],
    ),
    (
        "the service ended the trial",
        0,
        [{"rule": "segments-untried", "port": 8000, "protocol": "tcp", "segment": 1380}],
    ),
    (
        "the name servers disagree",
        0,
        [
            {"rule": "name-answer", "name": "server.test", "addresses": ["203.0.113.10"]},
            {
                "rule": "name-answer",
                "name": "server.test",
                "server": "198.18.53.2",
                "addresses": ["10.88.0.10"],
            },
        ],
    ),
    ("the TTL trace ends on the way", 1, [{"rule": "last-hop", "sender": "198.51.100.1", "ttl": 1}]),
]


def facts_of(scene: ExamContext) -> list[dict]:
    """The facts of an address, as a report shows them."""
    return [values_of(fact) for fact in measured(scene)]


def changed(**parts: object) -> ExamContext:
    """A silent address behind a tunnel, with other facts."""
    scene = scene_of(CASES["the tunnel never shook hands"])
    return replace(scene, exam=replace(scene.exam, **parts))


@pytest.mark.parametrize(("case", "place", "facts"), FACTS)
def test_what_was_measured_is_a_fact(case: str, place: int, facts: list[dict]) -> None:
    """Every fact is there with its values."""
    found = facts_of(scene_of(CASES[case], place))
    assert [fact for fact in facts if fact not in found] == []


@pytest.mark.parametrize(
    ("parts", "fact"),
    [
        ({"echo": Echo(Reason.ECHO_REPLY, 1, rtt=0.0412)}, {"rule": "ping-answered", "rtt_ms": 41.2}),
        ({"hops": (Hop(1), Hop(2))}, {"rule": "no-hop"}),
        ({"passage": InterfaceCounters(6, 6, 0, 900, 64)}, {"rule": "peer-bytes", "received_bytes": 64}),
        (
            {"names": (NameAnswer(None, (), REFUSED),)},
            {"rule": "name-answer", "failure": {"rule": "response-code", "code": "REFUSED"}},
        ),
        (
            {"names": (NameAnswer(ip_address("198.18.53.1"), ()),)},
            {"rule": "name-answer", "server": "198.18.53.1"},
        ),
    ],
)
def test_rarer_facts(parts: dict[str, object], fact: dict) -> None:
    """Round-trip times, hops, the peer's bytes and failures of name servers."""
    assert fact in facts_of(changed(**parts))


def test_what_arrived_needs_no_last_hop() -> None:
    """Where a probe came as far as the address, the way is no question."""
    found = {fact.rule for fact in measured(changed(hops=(Hop(1, arrived=True),)))}
    assert not found & {FactRule.LAST_HOP, FactRule.NO_HOP}


@pytest.mark.parametrize(
    ("kind", "values"),
    [(LinkKind.LOOPBACK, {"link_kind": "loopback"}), (None, {})],
)
def test_routes_of_other_kinds(kind: LinkKind | None, values: dict) -> None:
    """Loopback has neither neighbours nor gateways; a link of unknown kind may have both."""
    scene = scene_of(CASES["all is well"])
    route = Route(scene.ip, interface="lo", kind=kind)
    survey = replace(scene.exam.survey, route=route)
    found = facts_of(replace(scene, exam=replace(scene.exam, survey=survey)))[0]
    assert found == {"rule": "route", "interface": "lo", **values}


@pytest.mark.parametrize(("count", "named"), [(6, 6), (8, 0)])
def test_many_ports_are_counted(count: int, named: int) -> None:
    """More ports of one state than fit a line are counted."""
    scene = scene_of(CASES["all is well"])
    (seen,) = scene.exam.survey.tested().values()
    many = [
        replace(seen, question=replace(seen.question, port=Port(Protocol.TCP, number)))
        for number in range(1, count + 1)
    ]
    survey = replace(scene.exam.survey, observations=(*scene.exam.survey.controls(), *many))
    (fact,) = [
        fact
        for fact in measured(replace(scene, exam=replace(scene.exam, survey=survey)))
        if fact.rule is FactRule.PORTS
    ]
    assert (fact.state, fact.count, len(fact.ports)) == (State.OPEN, count, named)


def test_what_is_not_known_is_no_fact() -> None:
    """No route that the system has, and a port that could not be asked: nothing of either."""
    scene = changed(echo=None)
    seen = [replace(o, reason=Reason.NOT_SENT) for o in scene.exam.survey.observations]
    survey = replace(scene.exam.survey, route=Route(scene.ip), observations=tuple(seen))
    facts = measured(replace(scene, exam=replace(scene.exam, survey=survey, passage=None)))
    assert facts == (MeasuredFact(rule=FactRule.PING_NOT_PERMITTED),)
