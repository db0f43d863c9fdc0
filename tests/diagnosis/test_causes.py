"""The diagnosis against tests/cases/causes.yaml: what was measured, and what must be blamed."""

import datetime as dt
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from exam_builder import PORT, case_of
from msgspec import Struct
from msgspec.json import decode, encode

from probe.diagnosis import diagnose
from probe.engine.rows import Examined, measurement_of, unfold_exam
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.diagnosis import AddressDiagnosis
from probe.model.encoding import decode as from_json
from probe.model.encoding import encode as to_json
from probe.model.facts import HERE
from probe.model.measurement import CONNECT, Measurement
from probe.model.surroundings import concerning

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "causes.yaml").read_text(encoding="utf-8"))


def conclude(case: dict) -> dict[str, AddressDiagnosis]:
    """Run the diagnosis on a case; by symbol."""
    exams, machine, verdict = case_of(case)
    named = frozenset({PORT}) if case.get("named") else frozenset()
    found = diagnose(exams, machine, verdict, named)
    symbols = {ip_address(text): symbol for symbol, text in TARGET_ADDRESSES.items()}
    return {symbols[one.address.ip]: one for one in found}


def shown(found: AddressDiagnosis) -> str:
    """The causes, for a failure's message."""
    return "\n".join(f"{one.cause} {one.probability:.3f} {one.evidence}" for one in found.causes)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """The first cause, its probability, its port, its evidence and its fixes are those of the case."""
    case = CASES[name]
    found = conclude(case)
    for one in found.values():
        assert sum(cause.probability for cause in one.causes) == pytest.approx(1)
    for symbol, cause in case["first"].items():
        first = found[symbol].causes[0]
        assert first.cause == cause, f"{symbol}\n{shown(found[symbol])}"
        assert first.evidence, symbol
        if cause != "none":
            assert first.fix, symbol
    troubled = [symbol for symbol, cause in case["first"].items() if cause != "none"] or case["first"]
    for symbol in troubled:
        assert found[symbol].causes[0].probability >= case.get("at_least", 0.5), shown(found[symbol])
    for symbol, values in case.get("evidence", {}).items():
        assert has(values, found[symbol].causes[0].evidence)
    for symbol, values in case.get("fix", {}).items():
        assert has(values, found[symbol].causes[0].fix)
    for symbol, port in case.get("port_of", {}).items():
        first = found[symbol].causes[0]
        assert (first.port and str(first.port)) == port


def has(values: dict, statements: Iterable[Struct]) -> bool:
    """Whether one of the statements has these values, and perhaps others; null: it has none."""
    found = [decode(encode(one)) for one in statements]
    return any(all(one.get(key) == value for key, value in values.items()) for one in found)


@pytest.mark.parametrize("name", CASES)
def test_no_sentence_is_written(name: str) -> None:
    """Evidence, fixes and facts are values until a report is made of them."""
    for one in conclude(CASES[name]).values():
        statements = [
            *one.measured,
            *(each for cause in one.causes for each in (*cause.evidence, *cause.fix)),
        ]
        assert {statement.text for statement in statements} == {""}


@pytest.mark.parametrize("name", CASES)
def test_the_same_diagnosis_of_what_was_saved(name: str) -> None:
    """What is saved of an examination is all of it that the diagnosis reads: causes, probabilities, fixes."""
    case = CASES[name]
    exams, machine, verdict = case_of(case)
    surveys = [exam.survey for exam in exams]
    others = [ip for exam in exams for answer in exam.names for ip in answer.addresses]
    examined = Examined(concerning(machine, surveys, others), exams)
    outcome = Outcome(tuple(surveys), Counts(), 1.0, complete=True)
    started = dt.datetime.now(dt.UTC)
    made = measurement_of(outcome, vantage=HERE, engine=CONNECT, started=started, examined=examined)
    saved = from_json(to_json(made), Measurement)
    read = [unfold_exam(one, HERE) for one in saved.addresses]
    assert saved.machine is not None
    named = frozenset({PORT}) if case.get("named") else frozenset()
    assert diagnose(read, saved.machine, verdict, named) == diagnose(exams, machine, verdict, named)
