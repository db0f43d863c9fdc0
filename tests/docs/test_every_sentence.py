"""All sentences of a report and of the doctor, with sample values: short, whole, in the field's words."""

import re
from collections.abc import Mapping

from every_sentence import sentences

LONGEST = 110
COMMAND = re.compile(r"`[^`]+`")  # as long as what it does
# What may be longer, and why.
LONGER: Mapping[str, str] = {
    r", unless ": "a sign of one machine or several, and the case in which it misleads: two statements",
    r"^tailscale, .*; 3 more$": "the state of a tunnel and of each of its peers: a list",
    r"-p 127\.0\.0\.1:PORT:PORT, or filter in DOCKER-USER$": "two remedies, each in the words to type",
}
# Private words, and those of sentences that nobody would say.
ODD = re.compile(
    r"\b(?:heard|told|stranger|errand|manners|openings?|nobody|shook hands|for good)\b"
    r"|ports? that nothing uses|on your word|lives exactly as long|sends a probe on"
    r"|bind it to that address too|well \(|\(\(|(?-i:None)|[{}]",
    re.IGNORECASE,
)
EVERY = list(sentences())


def test_sentences_are_short() -> None:
    """None takes more than two lines of a narrow screen, but for the few that state why they do."""
    long = [text for _, text in EVERY if len(COMMAND.sub("", text)) > LONGEST]
    assert [text for text in long if not any(re.search(one, text) for one in LONGER)] == []
    assert [one for one in LONGER if not any(re.search(one, text) for text in long)] == []


def test_most_are_shorter_than_that() -> None:
    """One in twenty exceeds 100 characters."""
    long = [text for _, text in EVERY if len(COMMAND.sub("", text)) > 100]
    assert len(EVERY) > 400
    assert len(long) / len(EVERY) < 0.1


def test_they_are_in_the_words_of_the_field() -> None:
    """No private word, no slip of a template, and none of what was wrong with earlier ones."""
    assert [text for _, text in EVERY if ODD.search(text)] == []
    assert all(ODD.search(one) for one in ("the far end ((unknown))", "well (>99%)", "a route to None"))


def test_every_kind_is_there() -> None:
    """Evidence, advice, findings, the doctor's and the glossary's."""
    kinds = {kind.partition(" ")[0].rstrip(":") for kind, _ in EVERY}
    assert kinds >= {"evidence", "advice", "rival", "next", "reading", "finding", "cause", "doctor", "help"}
