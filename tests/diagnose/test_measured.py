"""The facts of an address in words: each said where it was measured, and not where it was not."""

from ipaddress import ip_address

import pytest
from test_diagnosis_tables import CASES, scene_of
from varied import replace

from probe.diagnose.measured import measured
from probe.diagnose.scene import Scene
from probe.model.exam import Echo, Hop, NameAnswer, Passage
from probe.model.facts import LinkKind, Route
from probe.model.probing import Reason, State
from probe.model.target import Port, Protocol

# A case of tests/cases/causes.yaml, the address by its place in it, and sentences that must be there.
SAID: list[tuple[str, int, list[str]]] = [
    (
        "all is well",
        1,
        ["route by vpn, a tunnel, from 10.88.0.2, MTU 1500", "ping answered", "8000/tcp open"],
    ),
    ("all is well", 1, ["segments of 1380 bytes on 8000/tcp: pass"]),
    ("the tunnel never shook hands", 1, ["ping silent", "8000/tcp filtered"]),
    ("the tunnel never shook hands", 1, ["vpn counted 6 sent, 0 received for 6 probes"]),
    ("the tunnel is switched off, no route is left", 1, ["no route", "ping not permitted"]),
    ("our own filter rejects", 1, ["ping refused by this machine"]),
    ("the peer has no such address", 1, ["ping: host-unreach from 10.88.0.1"]),
    ("nobody else on the link answers", 0, ["no neighbour has it", "the link's gateway is silent too"]),
    ("the access point keeps its clients apart", 0, ["the link's gateway answers"]),
    ("full packets vanish", 1, ["segments of 1380 bytes on 8000/tcp: stall"]),
    ("the path tells what it carries", 0, ["path MTU 1300, told by 198.51.100.1"]),
    ("the path tells what it carries", 0, ["route by public through a gateway from 198.51.100.2, MTU 1500"]),
    ("the service ended the trial", 0, ["segments of 1380 bytes on 8000/tcp: not tried to the end"]),
    ("the name servers disagree", 0, ["server.test by this system: 203.0.113.10"]),
    ("the name servers disagree", 0, ["server.test by 198.18.53.2: 10.88.0.10"]),
    ("the ladder ends on the way", 1, ["last hop that answers: 198.51.100.1 at 1"]),
]


def changed(**parts: object) -> Scene:
    """A silent address behind a tunnel, with other facts."""
    scene = scene_of(CASES["the tunnel never shook hands"])
    return replace(scene, exam=replace(scene.exam, **parts))


@pytest.mark.parametrize(("case", "place", "words"), SAID)
def test_what_was_measured_is_said(case: str, place: int, words: list[str]) -> None:
    """Every fact has its sentence."""
    assert set(words) <= set(measured(scene_of(CASES[case], place)))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"echo": Echo(Reason.ECHO_REPLY, 1, rtt=0.0412)}, "ping 41.2 ms"),
        ({"hops": (Hop(1), Hop(2))}, "no hop answers"),
        ({"passage": Passage(6, 6, 0, 900, 64)}, "the peer sent 64 bytes meanwhile"),
        ({"names": (NameAnswer(None, (), "timed out"),)}, "None by this system: timed out"),
        ({"names": (NameAnswer(ip_address("198.18.53.1"), ()),)}, "None by 198.18.53.1: nothing"),
    ],
)
def test_rarer_facts(parts: dict[str, object], words: str) -> None:
    """Round-trip times, hops, the peer's bytes and failures of name servers."""
    assert words in measured(changed(**parts))


def test_what_arrived_needs_no_last_hop() -> None:
    """Where a probe came as far as the address, the way is no question."""
    assert not any("hop" in words for words in measured(changed(hops=(Hop(1, arrived=True),))))


@pytest.mark.parametrize(
    ("kind", "words"),
    [(LinkKind.LOOPBACK, "route by lo, loopback, from None"), (None, "route by lo through")],
)
def test_routes_of_other_kinds(kind: LinkKind | None, words: str) -> None:
    """Loopback has neither neighbours nor gateways; a link of unknown kind may have both."""
    scene = scene_of(CASES["all is well"])
    route = Route(scene.ip, interface="lo", kind=kind)
    survey = replace(scene.exam.survey, route=route)
    assert measured(replace(scene, exam=replace(scene.exam, survey=survey)))[0].startswith(words)


def test_many_ports_are_counted() -> None:
    """More ports of one state than fit a line are told by their number."""
    scene = scene_of(CASES["all is well"])
    (seen,) = scene.exam.survey.tested().values()
    many = [
        replace(seen, question=replace(seen.question, port=Port(Protocol.TCP, number)))
        for number in range(1, 9)
    ]
    survey = replace(scene.exam.survey, observations=(*scene.exam.survey.controls(), *many))
    assert f"8 ports {State.OPEN}" in measured(replace(scene, exam=replace(scene.exam, survey=survey)))


def test_what_is_not_known_is_not_said() -> None:
    """No route that the system would tell, and a port that could not be asked: no word of either."""
    scene = changed(echo=None)
    seen = [replace(o, reason=Reason.NOT_SENT) for o in scene.exam.survey.observations]
    survey = replace(scene.exam.survey, route=Route(scene.ip), observations=tuple(seen))
    words = measured(replace(scene, exam=replace(scene.exam, survey=survey, passage=None)))
    assert words == ("ping not permitted",)
