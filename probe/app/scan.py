"""A scan: a list of stages, each a function from what was measured to more of it; then it is judged.

resolve the target -> plan -> STAGES -> measurement -> infer -> report
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TypeVar

from probe.app.engines import Engine, EngineRequest
from probe.app.plan import make_plan
from probe.app.session import Backends, open_session
from probe.app.target import Target, resolve_target
from probe.app.tunnels import TunnelFacts
from probe.app.way_out import require_sources
from probe.engine.backend import Backend, Clients, Task
from probe.engine.run import Outcome, Progress, Run
from probe.engine.scan import Counts
from probe.engine.survey import Survey, ask_follow_ups, survey_address
from probe.errors import NothingMeasuredError
from probe.interruption import StopRequestedError
from probe.machine.sources import Host
from probe.model.facts import HERE, AddressSurvey, TunnelHealth
from probe.model.greeting import Greeting, Inquiry
from probe.model.identity import Key
from probe.model.measurement import Facts, Measurement
from probe.model.plan import USUAL_TIMING, AddressPlan, FollowUp, Plan, Timing
from probe.model.probing import Reason, Role
from probe.model.report import Report
from probe.model.target import IPAddress, Port, ResolvedTarget
from probe.services.port_list import format_port_list
from probe.services.registry import TLS_PORTS
from probe.services.selection import greeted_ports, keyed_ports

_KEYS_S = 3.0  # that asking for keys takes at most
_GREETINGS_S = 2.0  # and for greetings
_KEY_CONNECTIONS, _GREETING_CONNECTIONS = 3, 2  # that one place may cost
_Added = Callable[[AddressSurvey], AddressSurvey]
_P = TypeVar("_P")
_K = TypeVar("_K")
_V = TypeVar("_V")
_ROUNDS = 3  # of raw follow-ups: each may raise one more question


# --- what is asked for ---


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a scan is judged and reported.

    Args:
        vantage: names where it is made from.
        strict: take nothing as usual.
        most_rows: where there are more ports, those that are alike share a row; None: each has its own.
        redact: replace what names a network.
    """

    vantage: str = HERE
    strict: bool = False
    most_rows: int | None = None
    redact: bool = False


def scan(
    target: Target | ResolvedTarget,
    timing: Timing = USUAL_TIMING,
    backends: Backends | None = None,
    *,
    engine: str | EngineRequest = Engine.AUTO,
    progress: Progress | None = None,
    how: Reporting = Reporting(),
) -> Report:
    """Measure every address of a target, and infer what each port is bound to or what blocks it.

    Args:
        target: what to probe.
        timing: how patiently to ask.
        backends: what to send with, open already; None: opened for this scan, and closed.
        engine: what to open then.
        progress: called with the questions settled and asked so far.
        how: how to judge and report.

    Raises:
        UsageError: no address, one that is none, two realms for one, a wrong port list, or no such engine.
        NothingMeasuredError: a name has no address, or not one probe could be sent.
        PrivilegeError: raw packets are asked for by name and are not permitted.
        BackendError: this machine lets us open no sockets.
    """
    with _ready(target, backends, engine) as (resolved, ready):
        measurement, surveys = _measurement(resolved, timing, ready, how.vantage, progress)
    from probe.app.infer import judged

    facts = facts_of(resolved, strict=how.strict)
    if not how.redact:
        return judged((measurement,), facts, most_rows=how.most_rows, surveys=surveys)
    from probe.redact.measurements import redacted

    without = redacted((measurement,), facts)
    return judged(without.measurements, without.facts, most_rows=how.most_rows)


def measure(
    target: Target | ResolvedTarget,
    timing: Timing = USUAL_TIMING,
    backends: Backends | None = None,
    *,
    engine: str | EngineRequest = Engine.AUTO,
    progress: Progress | None = None,
    vantage: str = HERE,
) -> Measurement:
    """Measure every address of a target and conclude nothing: `infer` does, of one vantage or several.

    Args and errors as `scan`; `vantage` names where it is made from.
    """
    with _ready(target, backends, engine) as (resolved, ready):
        return _measurement(resolved, timing, ready, vantage, progress)[0]


def facts_of(target: ResolvedTarget, *, strict: bool = False, named: frozenset[Port] = frozenset()) -> Facts:
    """What a target states beside what is measured."""
    return Facts(
        running=format_port_list(sorted(target.running)),
        strict=strict,
        named=format_port_list(sorted(named)),
        realms={str(address.ip): address.realm for address in target.addresses},
    )


@contextmanager
def _ready(
    target: Target | ResolvedTarget, backends: Backends | None, engine: str | EngineRequest
) -> Iterator[tuple[ResolvedTarget, Backends]]:
    """The target resolved, and what to probe it with, opened where it is not."""
    if backends is None:
        with open_session(engine) as session:
            yield _resolved(target, session.backends), session.backends
    else:
        yield _resolved(target, backends), backends


def _resolved(target: Target | ResolvedTarget, backends: Backends) -> ResolvedTarget:
    resolved = target if isinstance(target, ResolvedTarget) else resolve_target(target, backends.host)
    require_sources(backends.way, (address.ip for address in resolved.addresses))
    return resolved


def _measurement(
    target: ResolvedTarget, timing: Timing, backends: Backends, vantage: str, progress: Progress | None
) -> tuple[Measurement, tuple[AddressSurvey, ...]]:
    """What was measured, and the surveys that it was made of.

    Raises:
        NothingMeasuredError: not one probe could be sent to any address.
    """
    started = dt.datetime.now(dt.UTC)
    outcome = collect(target, timing, backends, progress)
    if outcome.complete and not _measured_anything(outcome):
        names = ", ".join(str(address.ip) for address in target.addresses)
        raise NothingMeasuredError(f"no probe could be sent to {names}: {_why_not(outcome.surveys)}")
    from probe.engine.rows import measurement_of

    measurement = measurement_of(outcome, vantage=vantage, engine=backends.engine, started=started)
    return measurement, tuple(replace(one, vantage=vantage) for one in outcome.surveys)


# --- the stages ---


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What every stage works with.

    `running` are ports that are known to run. `patient`: where a tunnel has no session yet, it may be waited
    for a second handshake, some 6 s.
    """

    plan: Plan
    backends: Backends
    running: frozenset[Port] = frozenset()
    progress: Progress | None = None
    patient: bool = True


Stage = Callable[[Outcome, ScanContext], Outcome]


def collect(
    target: ResolvedTarget,
    timing: Timing,
    backends: Backends,
    progress: Progress | None = None,
    *,
    patient: bool = True,
) -> Outcome:
    """Run all stages of a scan.

    A user who wants one try (`timing.retries` 0) waits for no handshake, whatever `patient` is.
    """
    plan = make_plan(target, timing, backends.host)
    patient = patient and timing.retries > 0
    context = ScanContext(plan, backends, target.running, progress, patient)
    outcome = Outcome((), Counts(), 0.0, complete=True)
    for stage in STAGES:
        outcome = stage(outcome, context)
    return outcome


def survey_addresses(_: Outcome, context: ScanContext) -> Outcome:
    """Ask every address for its ports, and for controls beside them."""
    plan, backends = context.plan, context.backends
    surveys = _surveys(plan.addresses, backends.host)
    run = Run(surveys, backends.backend, plan.timing, links=plan.links())
    return run.until(plan.deadline, context.progress)


def _surveys(addresses: Iterable[AddressPlan], host: Host) -> dict[IPAddress, Survey]:
    own = host.own_addresses()
    return {a.address.ip: survey_address(a, host.neighbour, own) for a in addresses}


def read_tunnels(outcome: Outcome, context: ScanContext) -> Outcome:
    """Read the tunnels of silent addresses, and ask again those whose tunnel came up meanwhile."""
    plan, backends = context.plan, context.backends

    def again(early: Sequence[IPAddress]) -> Outcome:
        surveys = _surveys((a for a in plan.addresses if a.address.ip in early), backends.host)
        run = Run(surveys, backends.backend, plan.timing, outcome.learned, plan.links())
        return run.until(plan.deadline, context.progress)

    try:
        found = TunnelFacts(backends.host, backends.backend, context.patient).added(outcome, again)
    except StopRequestedError:
        return replace(outcome, complete=False)
    return _unless_interrupted(found, backends)


def ask_services(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask services that are open on several addresses for keys, banners and heads of web pages, all at once.

    A port with an SSH host key is known better by it than by its banner, and an sshd counts connections:
    those that are asked for one are asked for a banner only where they had none to show.
    """
    inquiry, clients = context.backends.inquiry, context.backends.clients
    wanted = () if inquiry is Inquiry.NONE else keyed_ports(outcome.surveys)
    calls = greeted_ports(outcome.surveys) if inquiry is Inquiry.ALL else ()
    asked = {place for place in wanted if place[1].number not in TLS_PORTS}
    if not wanted and not calls:
        return outcome

    def inquire() -> Callable[[AddressSurvey], AddressSurvey]:
        first = [call for call in calls if (call.address, call.port) not in asked]
        keys = _begun(clients.keys, wanted, _KEY_CONNECTIONS, context)
        greetings = _begun(clients.greetings, first, _GREETING_CONNECTIONS, context)
        import_module("probe.app.infer")  # while services think about it
        shown = _awaited(clients, keys)
        left = [c for c in calls if (c.address, c.port) in asked and (c.address, c.port) not in shown]
        heard = {
            **_awaited(clients, greetings),
            **_awaited(clients, _begun(clients.greetings, left, _GREETING_CONNECTIONS, context)),
        }
        return lambda survey: _greeted(heard, _keyed(shown, survey) if wanted else survey)

    return _inquired(outcome, context, _KEYS_S if wanted else _GREETINGS_S, inquire)


def _begun(
    begin: Callable[[Sequence[_P]], Task[Mapping[_K, _V]]],
    places: Sequence[_P],
    connections: int,
    context: ScanContext,
) -> list[Task[Mapping[_K, _V]]]:
    """Begin to ask all places at once, or under a cap of the rate one after the other.

    `connections`: that a place may cost.
    """
    rate, backend = context.plan.timing.rate, context.backends.backend
    if rate is None:
        return [begin(places)] if places else []
    tasks = []
    for place in places:
        if backend.interrupted():
            break
        tasks.append(begin((place,)))
        until = backend.now() + connections / rate
        while backend.now() < until and not backend.interrupted():
            backend.receive(until)
    return tasks


def _awaited(clients: Clients, tasks: Sequence[Task[Mapping[_K, _V]]]) -> dict[_K, _V]:
    """What tasks bring, or have brought when a signal asked for the end."""
    clients.wait(tasks)
    return {key: value for task in tasks for key, value in (task.result() or {}).items()}


def read_link_addresses(outcome: Outcome, context: ScanContext) -> Outcome:
    """Read link-layer addresses of neighbours, which raw packets may have to be handed to."""
    if context.backends.raw is None:
        return outcome
    host = context.backends.host
    return replace(outcome, surveys=tuple(_with_link_address(s, host) for s in outcome.surveys))


def ask_raw_follow_ups(outcome: Outcome, context: ScanContext) -> Outcome:
    """Send the raw packets whose answers can still change a verdict, round by round."""
    backends = context.backends
    if backends.raw is None:
        return outcome
    from probe.inference import follow_ups

    for _ in range(_ROUNDS):
        if not outcome.complete:
            break
        wanted = follow_ups(outcome.surveys, context.running, backends.permissions)
        if not wanted:
            break
        outcome = _ask_further(outcome, wanted, backends.raw, context)
    return outcome


STAGES: tuple[Stage, ...] = (
    survey_addresses,
    read_tunnels,
    ask_services,
    read_link_addresses,
    ask_raw_follow_ups,
)


# --- what stages add ---


def _unless_interrupted(outcome: Outcome, backends: Backends) -> Outcome:
    """The outcome, not complete any more where a signal asked for the end."""
    return replace(outcome, complete=outcome.complete and not backends.backend.interrupted())


def _inquired(
    outcome: Outcome, context: ScanContext, longest: float, inquire: Callable[[], _Added]
) -> Outcome:
    """Add what an inquiry of at most `longest` seconds brings, where there is time."""
    backend = context.backends.backend
    if not outcome.complete or outcome.elapsed + longest > context.plan.deadline:
        return outcome
    began = backend.now()
    surveys = tuple(map(inquire(), outcome.surveys))
    elapsed = outcome.elapsed + backend.now() - began
    return _unless_interrupted(replace(outcome, surveys=surveys, elapsed=elapsed), context.backends)


def _keyed(found: Mapping[tuple[IPAddress, Port], tuple[Key, ...]], survey: AddressSurvey) -> AddressSurvey:
    """With the keys of its own address."""
    own = {port: keys for (ip, port), keys in found.items() if ip == survey.address.ip}
    return replace(survey, keys=own)


def _greeted(found: Mapping[tuple[IPAddress, Port], Greeting], survey: AddressSurvey) -> AddressSurvey:
    """With the greetings of its own address, and the certificates that came with them."""
    own = {port: greeting for (ip, port), greeting in found.items() if ip == survey.address.ip}
    certificates = {port: (greeting.key,) for port, greeting in own.items() if greeting.key is not None}
    return replace(survey, greetings=own, keys=certificates | dict(survey.keys))


def _with_link_address(survey: AddressSurvey, host: Host) -> AddressSurvey:
    """Add the link-layer address of a neighbour, which its answers have put into the table."""
    on_link = survey.route is not None and survey.route.on_link
    return replace(survey, link_address=host.link_address(survey.address.ip)) if on_link else survey


def _ask_further(
    outcome: Outcome, wanted: Mapping[IPAddress, Sequence[FollowUp]], raw: Backend, context: ScanContext
) -> Outcome:
    """One round of raw follow-ups; the surveys keep their order."""
    plan = context.plan
    asked = {
        s.address.ip: ask_follow_ups(s, wanted[s.address.ip], outcome.learned[s.address.ip])
        for s in outcome.surveys
        if s.address.ip in wanted
    }
    left = max(0.0, plan.deadline - outcome.elapsed)
    run = Run(asked, raw, plan.timing, outcome.learned, plan.links())
    further = run.until(left, context.progress)
    found = {survey.address.ip: survey for survey in further.surveys}
    return Outcome(
        tuple(found.get(survey.address.ip, survey) for survey in outcome.surveys),
        outcome.counts + further.counts,
        outcome.elapsed + further.elapsed,
        further.complete,
        further.learned,
    )


def _why_not(surveys: Sequence[AddressSurvey]) -> str:
    off = {s.tunnel_name for s in surveys if s.tunnel is TunnelHealth.OFF and s.tunnel_name is not None}
    reasons = [f"the tunnel {name} is switched off" for name in sorted(off)]
    return ", ".join(reasons) or "no route, or no free sockets"


def _measured_anything(outcome: Outcome) -> bool:
    unmeasured = {Reason.NOT_SENT, Reason.NO_ROUTE}
    return any(
        o.reason not in unmeasured and o.question.role is Role.TESTED
        for survey in outcome.surveys
        for o in survey.observations
    )
