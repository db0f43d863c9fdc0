"""The composition root: target -> plan -> engine -> inference -> report."""

import datetime as dt

from probe import __version__
from probe.engine.backend import Backend
from probe.engine.run import Outcome, Progress, Run
from probe.engine.survey import survey_address
from probe.errors import NothingMeasuredError
from probe.host.host import Host
from probe.infer import infer
from probe.model.facts import AddressSurvey
from probe.model.plan import Plan, Timing
from probe.model.probing import Reason, Role
from probe.model.report import Report
from probe.model.target import Target
from probe.plan import make_plan
from probe.report.assemble import RunFacts, assemble


def survey(
    target: Target, timing: Timing, *, backend: Backend, host: Host, progress: Progress | None = None
) -> tuple[AddressSurvey, ...]:
    """Measure every address of the target, conclude nothing."""
    return _measure(make_plan(target, timing, host), backend, host, progress).surveys


def scan(
    target: Target,
    timing: Timing,
    *,
    backend: Backend,
    host: Host,
    progress: Progress | None = None,
    facts: RunFacts | None = None,
) -> Report:
    """Measure every address and infer what each port is bound to.

    Raises:
        NothingMeasuredError: not one probe could be sent to any address.
    """
    started = dt.datetime.now(dt.UTC)
    outcome = _measure(make_plan(target, timing, host), backend, host, progress)
    if outcome.complete and not _measured_anything(outcome):
        names = ", ".join(str(address.ip) for address in target.addresses)
        raise NothingMeasuredError(f"no probe could be sent to {names}: no route, or no free sockets")
    facts = facts or RunFacts(started=started, engine="connect", vantage="here")
    verdict = infer(outcome.surveys, target.running, strict=facts.strict)
    return assemble(outcome, verdict, facts, version=__version__)


def _measure(plan: Plan, backend: Backend, host: Host, progress: Progress | None) -> Outcome:
    own = host.own_addresses()
    surveys = {address.address.ip: survey_address(address, host.neighbour, own) for address in plan.addresses}
    return Run(surveys, backend, plan.timing).until(plan.deadline, progress)


def _measured_anything(outcome: Outcome) -> bool:
    unmeasured = {Reason.NOT_SENT, Reason.NO_ROUTE}
    return any(
        o.reason not in unmeasured and o.question.role is Role.TESTED
        for survey in outcome.surveys
        for o in survey.observations
    )
