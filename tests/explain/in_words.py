"""Conclusions put into words, as a report has them."""

import datetime as dt
from collections.abc import Iterable, Sequence

from probe.engine.rows import measurement_of
from probe.engine.run import Counts, Outcome
from probe.explain.subject import Places, Subject
from probe.explain.wording import evidence_sentence, worded
from probe.inference import infer
from probe.model.evidence import PortEvidence
from probe.model.facts import AddressSurvey
from probe.model.measurement import NO_FACTS, Facts
from probe.model.report import PortReport, Report
from probe.model.target import Port
from probe.report.document import assemble
from probe.services.registry import service_name


def reported(surveys: Sequence[AddressSurvey], facts: Facts = NO_FACTS) -> Report:
    """The report on some surveys, every sentence written."""
    engine = "raw" if any(survey.traces for survey in surveys) else "connect"
    started = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    verdict = infer(surveys, facts)
    outcome = Outcome(tuple(surveys), Counts(), 1.0, complete=True)
    measured = measurement_of(outcome, vantage="here", engine=engine, started=started)
    return worded(assemble(surveys, verdict, (measured,), facts, version="0"))


def one_port(report: Report, port: Port) -> PortReport:
    """What a report has of a port."""
    (found,) = [one for one in report.ports if (one.protocol, one.port) == (port.protocol, port.number)]
    return found


def sentences(evidence: Iterable[PortEvidence], port: Port, surveys: Sequence[AddressSurvey]) -> list[str]:
    """Evidence on a port in words."""
    places = Places({str(survey.address.ip): survey.address.realm for survey in surveys})
    subject = Subject(str(port.number), port.protocol, places, service_name(port))
    return [evidence_sentence(one, subject) for one in evidence]
