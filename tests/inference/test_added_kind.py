"""A kind of probe that a test adds, by its row alone: it is asked, weighed, and evidence in words."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
from survey_builder import NUMBER, answer, survey
from varied import replace

from probe.explain.raw import raw_sentence
from probe.explain.subject import Places, Subject
from probe.inference.follow_up import Scene, doubts_of
from probe.inference.host import infer_host
from probe.inference.likelihood import Assumed, raw_likelihood
from probe.inference.priors import USUAL
from probe.inference.raw_evidence import raw_evidence
from probe.inference.responses import Noise
from probe.inference.traces import RawEvidence, Tried
from probe.model.disposition import Disposition, RawResponse
from probe.model.evidence import EvidenceRule, Response
from probe.model.facts import Trace
from probe.model.probing import PurposeRule, Question, Role
from probe.model.target import Port, Protocol
from probe.wire import kinds
from probe.wire.kinds import KINDS, OF_NO_CONNECTION, ProbeKind

PORT = Port(Protocol.TCP, NUMBER)
SILENT = {"controls": "no-response", "port": "no-response"}


class AddedShape(StrEnum):
    """A shape that the program does not have."""

    PUSH = "push"


@pytest.fixture
def pushing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """One row more: a segment with data, for silent ports."""
    row = ProbeKind(
        "data segment",
        flags="PA",
        payload=lambda _: b"GET / HTTP/1.0\r\n\r\n",
        purpose=PurposeRule.WHAT_IS_DROPPED,
        asked_of={Response.SILENT},
        likelihood=OF_NO_CONNECTION,
    )
    monkeypatch.setattr(kinds, "KINDS", {**KINDS, (AddedShape.PUSH, Protocol.TCP): row})
    return AddedShape.PUSH


def test_it_is_asked(pushing):
    """Of the tested port and of the controls, where both are silent."""
    host = infer_host([survey("lan", SILENT, PORT)], USUAL)
    scene = Scene("here", {one.seen: one for one in host.models}, host.ports)
    of_it = {shape: kind for shape, kind in kinds.KINDS.items() if shape[0] is pushing}
    (doubt,) = doubts_of(of_it)
    asked = list(doubt.ask(host.models[0], scene))
    assert {question.shape for question in asked} == {pushing}
    assert [question.role for question in asked] == [Role.TESTED, *[Role.CONTROL] * 3]


def test_it_is_weighed(pushing):
    """A reset shows that openings alone are dropped."""
    raw = RawEvidence(segments=((pushing, Tried(RawResponse.RESET, 1)),))
    openings, all_of_them = (
        raw_likelihood(raw, Assumed(disposition, covered=True), Noise())
        for disposition in (Disposition.DROP_SYN, Disposition.DROP)
    )
    assert openings > 30 * all_of_them


RESPONSES = {
    "reset": "a data segment to 192.168.77.10 (lan) is reset",
    "no-response": "a data segment to 192.168.77.10 (lan) is not answered",
    "admin-prohibited/router": "a data segment to 192.168.77.10 (lan) is rejected with an ICMP error",
}


@pytest.mark.parametrize("word", RESPONSES)
def test_it_is_evidence(pushing, word):
    """By one rule for every kind that has none of its own."""
    lan = survey("lan", SILENT, PORT)
    asked = Question(lan.address.ip, PORT, shape=pushing)
    lan = replace(lan, traces=(Trace(answer(word, asked), PurposeRule.WHAT_IS_DROPPED),))
    (of_it,) = [
        one for one in raw_evidence(PORT, infer_host([lan], USUAL).models) if one.rule is EvidenceRule.SEGMENT
    ]
    subject = Subject(str(NUMBER), Protocol.TCP, Places({"192.168.77.10": "lan"}))
    assert raw_sentence(of_it, subject) == RESPONSES[word]
