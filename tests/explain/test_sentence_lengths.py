"""All sentences of the reports, read as a whole: short, and without a word that people would not say."""

import re

import pytest
import yaml
from test_case_sentences import FOLDER

from probe.explain import addresses, advice, answers, bindings, causes, glossary, raw, same_host, services
from probe.explain.findings import NOT_REACHED
from probe.explain.follow_ups import FOLLOW_UPS

LONGEST = 115  # characters of a template; addresses fill it in
LONGER = 130  # those that say two things to do
TEMPLATES = {
    "answers": [*answers.SENTENCES.values(), *answers.READINGS.values(), *answers.SUMMARIES.values()],
    "addresses": [*addresses.SENTENCES.values(), *same_host.SENTENCES.values()],
    "signs": [text for text, _ in same_host.CLAIMS.values()],
    "raw packets": list(raw.SENTENCES.values()),
    "services": list(services.SENTENCES.values()),
    "rivals and tests": [*bindings.RIVALS.values(), *bindings.NEXT_TESTS.values()],
    "causes": list(causes.MEANINGS.values()),
    "findings": list(NOT_REACHED.values()),
    "follow-ups": [words.why for words in FOLLOW_UPS.values()],
    "words": [
        text for topic in glossary.TOPICS.values() for words in topic.values() for text in words.values()
    ],
}
ODD = re.compile(
    r"\b(?:heard|told|stranger|errand|manners)\b|\(\(|\bports? that nothing uses\b", re.IGNORECASE
)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_sentences_are_short(kind: str) -> None:
    """One line of a screen and a half at most."""
    assert [text for text in TEMPLATES[kind] if len(text) > LONGEST] == []


def test_advice_is_short() -> None:
    """Two things to do at most."""
    every = [*advice.OF_PORT.values(), *advice.OF_ADDRESS.values()]
    assert [text for text in every if len(text) > LONGER] == []


def test_words_are_those_of_the_field() -> None:
    """No private metaphor and no slip, in templates and in the doctor's sentences."""
    doctor = yaml.safe_load((FOLDER / "doctor_sentences.yaml").read_text(encoding="utf-8"))
    written = [text for kind in doctor.values() for one in kind for text in one]
    written += [text for texts in TEMPLATES.values() for text in texts]
    assert [text for text in written if ODD.search(text)] == []
    assert ODD.search("the far end ((unknown))")
