"""The stages of a scan, in their order: each takes what was measured, and returns more of it.

ports and controls -> tunnels -> keys and greetings -> link-layer addresses -> raw follow-ups
-> what decides, once more; without raw packets already before the services are asked
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from probe.app.plan import make_plan
from probe.app.preload import preloading
from probe.app.scan_context import ScanContext, Stage
from probe.app.service_inquiry import EarlyInquiry, ask_services
from probe.app.session import Backends
from probe.app.target import facts_of
from probe.app.tunnels import TunnelFacts
from probe.engine.backend import Backend
from probe.engine.counted import affordable, budget_of
from probe.engine.run import Outcome, Progress, Run, Watcher
from probe.engine.scan import Counts
from probe.engine.second_asking import ask_a_second_time, second_questions
from probe.engine.survey import Survey, ask_follow_ups, survey_address
from probe.interruption import StopRequestedError
from probe.machine.sources import Host
from probe.model.facts import AddressSurvey
from probe.model.plan import AddressPlan, FollowUp, Timing
from probe.model.probing import Observation
from probe.model.target import IPAddress, ResolvedTarget

_SECOND_ROUNDS = 2  # of asking again: the second where a sample changed
_ROUNDS = 3  # of raw follow-ups: each may raise one more question
_LOADED_MEANWHILE = ("probe.app.infer",)  # the inference and the report, which every scan ends with


def collect(
    target: ResolvedTarget,
    timing: Timing,
    backends: Backends,
    progress: Progress | None = None,
    *,
    watcher: Watcher | None = None,
    patient: bool = True,
) -> Outcome:
    """Run all stages of a scan.

    A user who wants one try (`timing.retries` 0) waits for no handshake, whatever `patient` is.
    """
    plan = make_plan(target, timing, backends.host, controls=backends.controls)
    patient = patient and timing.retries > 0
    context = ScanContext(plan, backends, facts_of(target), progress, watcher, patient)
    outcome = Outcome((), Counts(), 0.0, complete=True)
    for stage in STAGES:
        outcome = stage(outcome, context)
    return outcome


# --- ports and controls ---


def survey_addresses(_: Outcome, context: ScanContext) -> Outcome:
    """Ask every address for its ports, and for controls beside them."""
    plan, backends = context.plan, context.backends
    surveys = _surveys(plan.addresses, backends.host)
    early = EarlyInquiry(context)
    with preloading(_LOADED_MEANWHILE) as preload:

        def watch(observations: Sequence[Observation]) -> None:
            preload.answered()
            if context.watcher is not None:
                context.watcher(observations)
            if early.take(observations):
                preload.begin()

        run = Run(surveys, backends.backend, plan.timing, links=plan.links(), watcher=watch)
        return run.until(plan.deadline, context.progress)


def _surveys(addresses: Iterable[AddressPlan], host: Host) -> dict[IPAddress, Survey]:
    own = host.own_addresses()
    return {a.address.ip: survey_address(a, host.neighbour, own) for a in addresses}


# --- tunnels ---


def read_tunnels(outcome: Outcome, context: ScanContext) -> Outcome:
    """Read the tunnels of silent addresses, and ask again those whose tunnel came up meanwhile."""
    plan, backends = context.plan, context.backends

    def again(early: Sequence[IPAddress]) -> Outcome:
        surveys = _surveys((a for a in plan.addresses if a.address.ip in early), backends.host)
        run = Run(surveys, backends.backend, plan.timing, outcome.learned, plan.links(), context.watcher)
        return run.until(plan.deadline, context.progress)

    try:
        found = TunnelFacts(backends.host, backends.backend, context.patient).added(outcome, again)
    except StopRequestedError:
        return replace(outcome, complete=False)
    return context.unless_interrupted(found)


# --- the second asking ---


def ask_again_before_services(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask again what decides, while services are being asked; where raw packets follow, after them."""
    return outcome if context.backends.raw is not None else _ask_again(outcome, context)


def ask_again_last(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask again what decides after all raw packets, whose answers are compared with the first ones."""
    return outcome if context.backends.raw is None else _ask_again(outcome, context)


def _ask_again(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask a second time, and once more where the sample of a group shows that it changed."""
    for _ in range(_SECOND_ROUNDS):
        wanted = second_questions(outcome.surveys, context.begun.opened) if outcome.complete else {}
        if not wanted:
            break
        asked = {
            s.address.ip: ask_a_second_time(s, wanted[s.address.ip])
            for s in outcome.surveys
            if s.address.ip in wanted
        }
        outcome = _run_further(outcome, asked, context.backends.backend, context)
    return outcome


# --- link-layer addresses ---


def read_link_addresses(outcome: Outcome, context: ScanContext) -> Outcome:
    """Read link-layer addresses of neighbours, which raw packets may have to be handed to."""
    if context.backends.raw is None:
        return outcome
    host = context.backends.host
    return replace(outcome, surveys=tuple(_with_link_address(s, host) for s in outcome.surveys))


def _with_link_address(survey: AddressSurvey, host: Host) -> AddressSurvey:
    """Add the link-layer address of a neighbour, which its answers have put into the table."""
    on_link = survey.route is not None and survey.route.on_link
    return replace(survey, link_address=host.link_address(survey.address.ip)) if on_link else survey


# --- raw follow-ups ---


def ask_raw_follow_ups(outcome: Outcome, context: ScanContext) -> Outcome:
    """Send the raw packets whose answers can still change a verdict, round by round."""
    backends = context.backends
    if backends.raw is None:
        return outcome
    from probe.inference import follow_ups

    for _ in range(_ROUNDS):
        if not outcome.complete:
            break
        budget = budget_of(outcome.surveys, context.begun.opened)
        wanted = affordable(follow_ups(outcome.surveys, context.facts, backends.permissions), budget)
        if not wanted:
            break
        outcome = _ask_further(outcome, wanted, backends.raw, context)
    return outcome


def _ask_further(
    outcome: Outcome, wanted: Mapping[IPAddress, Sequence[FollowUp]], raw: Backend, context: ScanContext
) -> Outcome:
    """One round of raw follow-ups."""
    asked = {
        s.address.ip: ask_follow_ups(s, wanted[s.address.ip], outcome.learned[s.address.ip])
        for s in outcome.surveys
        if s.address.ip in wanted
    }
    return _run_further(outcome, asked, raw, context)


# --- more of the same surveys ---


def _run_further(
    outcome: Outcome, asked: Mapping[IPAddress, Survey], backend: Backend, context: ScanContext
) -> Outcome:
    """Carry further surveys of some addresses; all of them keep their order."""
    plan = context.plan
    left = max(0.0, plan.deadline - outcome.elapsed)
    run = Run(asked, backend, plan.timing, outcome.learned, plan.links(), context.watcher)
    further = run.until(left, context.progress)
    found = {survey.address.ip: survey for survey in further.surveys}
    return Outcome(
        tuple(found.get(survey.address.ip, survey) for survey in outcome.surveys),
        outcome.counts + further.counts,
        outcome.elapsed + further.elapsed,
        further.complete,
        {**outcome.learned, **further.learned},
    )


STAGES: tuple[Stage, ...] = (
    survey_addresses,
    read_tunnels,
    ask_again_before_services,
    ask_services,
    read_link_addresses,
    ask_raw_follow_ups,
    ask_again_last,
)
