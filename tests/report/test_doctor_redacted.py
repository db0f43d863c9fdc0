"""The doctor's report without what names a network: what it found is the same."""

import msgspec
import pytest
from sample_diagnoses import EVERY, FAR, KEY

from probe.cli.main import main
from probe.model.doctor_report import CauseReport
from probe.redact.texts import redacted_report


@pytest.mark.parametrize("name", EVERY)
def test_what_was_found_is_the_same(name: str) -> None:
    """Checks, conditions, causes and their probabilities stay; addresses, keys and endpoints are others."""
    report = EVERY[name]
    other = redacted_report(report)
    for one, two in zip(report.machine, other.machine, strict=True):
        assert (one.status, one.found.rule) == (two.status, two.found.rule)
    for one, two in zip(report.addresses, other.addresses, strict=True):
        assert (one.realm, one.condition, one.well) == (two.realm, two.condition, two.well)
        causes = [
            [(c.cause, c.probability, [e.rule for e in c.evidence]) for c in a.causes] for a in (one, two)
        ]
        assert causes[0] == causes[1]
        assert one.address != two.address
    text = msgspec.json.encode(other).decode()
    real = {KEY, KEY[:8], FAR, *(address.address for address in report.addresses)}
    assert [secret for secret in real if secret in text] == []


def of_cause(cause: CauseReport) -> tuple[object, ...]:
    """What names nothing of a cause."""
    rules = [[one.rule for one in few] for few in (cause.evidence, cause.fix)]
    return (cause.cause, cause.probability, cause.port, rules)


def test_changes_are_not_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of `--watch` would be redacted by itself, and the same address be another in each."""
    assert main(["doctor", "127.0.0.1", "--watch", "--redact"]) == 2
    assert "--watch and --redact exclude each other" in capsys.readouterr().err
