"""The sentences of the doctor against tests/cases/doctor_sentences.yaml: typed values in, English out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct, convert
from msgspec.structs import replace

from probe.explain.causes import MEANINGS, TUNNELS, explained_evidence
from probe.explain.checks import explained_check, result_text
from probe.explain.fixes import explained_fix
from probe.explain.measured import explained_fact
from probe.explain.phrases import few, lasting
from probe.model.diagnosis import Cause
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import TunnelKind
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Status
from probe.model.measured_facts import FactRule, MeasuredFact
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.tunnel_kinds import TUNNEL_KINDS

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "doctor_sentences.yaml").read_text(encoding="utf-8")
)


def explained_result(found: CheckFinding) -> CheckFinding:
    return replace(found, text=result_text(found))


KINDS = {
    "evidence": (CauseEvidence, Symptom, explained_evidence),
    "fixes": (Fix, FixRule, explained_fix),
    "checks": (CheckFinding, CheckRule, explained_result),
    "measured": (MeasuredFact, FactRule, explained_fact),
}


def rows() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Kind, values and sentence of every row."""
    for kind, cases in CASES.items():
        for case in cases:
            for sentence, values in case.items():
                yield kind, values, sentence


@pytest.mark.parametrize(("kind", "values", "sentence"), list(rows()))
def test_sentences(kind: str, values: dict[str, Any], sentence: str) -> None:
    """The sentence is made of the values, which stay as they are."""
    struct, _, explained = KINDS[kind]
    statement: Struct = convert(values, struct)
    assert explained(statement) == replace(statement, text=sentence)


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_its_sentence(kind: str) -> None:
    """No rule of the closed lists is without a row, and no row of a rule that is not there."""
    _, rules, _ = KINDS[kind]
    assert {values["rule"] for of, values, _ in rows() if of == kind} == {rule.value for rule in rules}


def test_values_are_no_templates() -> None:
    """Braces in what the machine or the network sent stay braces."""
    odd = CauseEvidence(rule=Symptom.PROBES_SENT, interface="{e.rule}{0}")
    assert explained_evidence(odd).text == "{e.rule}{0} sent the probes"


def test_a_check_has_both_its_sentences() -> None:
    """What it found and what mends it; without a fix there stays none."""
    fix = Fix(rule=FixRule.START_TAILSCALE, place=Place.HERE, command="tailscale up")
    found = CheckFinding(rule=CheckRule.NO_TUNNEL)
    check = explained_check(Check(check="tunnel", status=Status.OK, found=found, fix=fix))
    assert (check.found.text, check.fix and check.fix.text) == ("none on this machine", "here# tailscale up")
    assert explained_check(Check(check="tunnel", status=Status.OK, found=found)).fix is None


def test_every_cause_has_its_meaning() -> None:
    """No cause is without words, and each is one short line."""
    assert set(MEANINGS) == set(Cause)
    assert all(0 < len(words) <= 90 and words.isprintable() for words in MEANINGS.values())


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_durations(seconds: float, words: str) -> None:
    """The largest unit of which there are two."""
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (list("abcde"), "a, b, c and 2 more")],
)
def test_lists_within_a_sentence(texts: list[str], sentence: str) -> None:
    """Three are named, the others counted."""
    assert few(texts) == sentence


def test_every_tunnel_kind_has_its_words() -> None:
    """Those that have a row, and those are all but the unnamed."""
    assert set(TUNNELS) == set(TUNNEL_KINDS) == set(TunnelKind) - {TunnelKind.OTHER}
