"""The sentences of the inference's cases (tests/cases/sentences.yaml), and what holds for all of them."""

import re
from pathlib import Path

import pytest
import yaml
from in_words import one_port, reported
from survey_builder import port_of, stated_in, surveys_of

FOLDER = Path(__file__).parents[1] / "cases"
FILES = ("bindings", "raw")
CASES = {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in FILES}
SENTENCES = yaml.safe_load((FOLDER / "sentences.yaml").read_text(encoding="utf-8"))
NAMES = [(file, name) for file in FILES for name in SENTENCES[file]]


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_sentences_of_a_case(file, name):
    """Every phrase that the case asks for is in its place, and none that it forbids."""
    case, phrases = CASES[file][name], SENTENCES[file][name]
    report = reported(surveys_of(case), stated_in(case))
    found = one_port(report, port_of(case))
    places = {
        "evidence": found.evidence,
        "advice": found.advice,
        "next": found.next_tests,
        "rivals": found.rivals,
        "address_evidence": [one for address in report.addresses for one in address.evidence],
        "address_advice": [one for address in report.addresses for one in address.advice],
    }
    for key, values in places.items():
        texts = [value.text for value in values]
        for phrase in phrases.get(key, ()):
            assert any(phrase in text for text in texts), (key, texts)
    everything = [one.text for one in (*found.evidence, *found.rivals, *found.advice)]
    for phrase in phrases.get("absent", ()):
        assert not any(phrase in text for text in everything), phrase


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_every_case_has_a_sentence(file):
    """One line each, with every argument filled in, and one line that sums the answers up."""
    for name, case in CASES[file].items():
        report = reported(surveys_of(case), stated_in(case))
        texts = [one.text for address in report.addresses for one in (*address.evidence, *address.advice)]
        for port in report.ports:
            values = (*port.evidence, *port.rivals, *port.next_tests, *port.advice)
            texts += [port.why, *(value.text for value in values)]
            texts += [one.reading.text for one in port.observations]
        assert all(texts), name
        assert not [text for text in texts if re.search(r"\n|\{|None", text)], name
