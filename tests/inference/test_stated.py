"""What the user states of a port: the bindings that it excludes are no candidates, and it is evidence."""

import pytest
from survey_builder import NUMBER, stated, survey

from probe.inference import infer
from probe.inference.stated import Statement
from probe.model.binding import Binding
from probe.model.evidence import EvidenceRule
from probe.model.target import Port, Protocol

PORT = Port(Protocol.TCP, NUMBER)
ALONE = (Binding.WILDCARD, Binding.LOOPBACK, Binding.NOT_LISTENING)
WORDS = ("no-response", "reset@host", "refused", "port-unreach")


def surveys_with(word: str):
    return [survey(symbol, {"controls": "reset@host", "port": word}, PORT) for symbol in ("lan", "vpn")]


@pytest.mark.parametrize("word", WORDS)
def test_what_runs_is_not_absent(word):
    """Whatever came back; and it is listed with the option that states it."""
    (found,) = infer(surveys_with(word), stated(PORT)).ports
    assert Binding.NOT_LISTENING not in {one.binding for one in found.candidates}
    (listed,) = [one for one in found.evidence if one.rule is EvidenceRule.STATED]
    assert listed.option == "--running"
    (silent,) = infer(surveys_with(word)).ports
    assert EvidenceRule.STATED not in {one.rule for one in silent.evidence}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("binding", ALONE)
def test_a_statement_that_leaves_one_binding_decides(monkeypatch, word, binding):
    """It needs no answer beside it."""
    statement = Statement("--sockets", (binding,))
    monkeypatch.setattr("probe.inference.host.statements", lambda *_: {PORT: statement})
    (found,) = infer(surveys_with(word)).ports
    assert (found.binding, found.confidence) == (binding, pytest.approx(1))
