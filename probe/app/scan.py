"""The composition root: target -> plan -> engine -> inference -> report, with raw follow-ups on the way."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from probe.app.infer import judged
from probe.app.plan import make_plan
from probe.app.tunnels import TunnelFacts
from probe.engine.backend import Backend, Clients, NoClients, Task
from probe.engine.rows import measurement_of
from probe.engine.run import Outcome, Progress, Run
from probe.engine.survey import Survey, ask_follow_ups, survey_address
from probe.errors import NothingMeasuredError
from probe.inference import follow_ups
from probe.interruption import StopRequestedError
from probe.machine.sources import Host
from probe.model.facts import HERE, AddressSurvey, TunnelHealth
from probe.model.greeting import Greeting, Inquiry
from probe.model.identity import Key
from probe.model.measurement import CONNECT, RAW, Facts
from probe.model.plan import AddressPlan, FollowUp, Plan, RawPermissions, Timing
from probe.model.probing import Reason, Role
from probe.model.report import Report
from probe.model.target import IPAddress, Port, Target
from probe.redact.measurements import redacted
from probe.services.port_list import format_port_list
from probe.services.selection import greeted_ports, keyed_ports

_KEYS_S = 3.0  # that asking for keys takes at most
_GREETINGS_S = 2.0  # and for greetings
_Added = Callable[[AddressSurvey], AddressSurvey]
_K = TypeVar("_K")
_V = TypeVar("_V")
_ROUNDS = 3  # of raw follow-ups: each may raise one more question


@dataclass(frozen=True, slots=True)
class Backends:
    """What a scan works with. Without `raw` it sends no raw packets; `battery` says which it may send.

    `inquiry` says what open ports may be asked of their services, by `clients`.
    """

    backend: Backend
    host: Host
    raw: Backend | None = None
    battery: RawPermissions = field(default_factory=RawPermissions)
    inquiry: Inquiry = Inquiry.ALL
    clients: Clients = field(default_factory=NoClients)


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a scan is judged and reported.

    `vantage` names where it is made from. `strict` takes nothing as usual. Where there are more than
    `most_rows` ports, those that are alike share a row; None: each has its own. `redact` replaces what names
    a network.
    """

    vantage: str = HERE
    strict: bool = False
    most_rows: int | None = None
    redact: bool = False


def survey(
    target: Target, timing: Timing, means: Backends, *, progress: Progress | None = None
) -> tuple[AddressSurvey, ...]:
    """Measure every address of the target, conclude nothing."""
    return measure(target, timing, means, progress).surveys


def scan(
    target: Target,
    timing: Timing,
    means: Backends,
    *,
    progress: Progress | None = None,
    how: Reporting = Reporting(),
) -> Report:
    """Measure every address and infer what each port is bound to.

    Raises:
        NothingMeasuredError: not one probe could be sent to any address.
    """
    started = dt.datetime.now(dt.UTC)
    outcome = measure(target, timing, means, progress)
    if outcome.complete and not _measured_anything(outcome):
        names = ", ".join(str(address.ip) for address in target.addresses)
        raise NothingMeasuredError(f"no probe could be sent to {names}: {_why_not(outcome.surveys)}")
    surveys = tuple(replace(one, vantage=how.vantage) for one in outcome.surveys)
    engine = CONNECT if means.raw is None else RAW
    measured = measurement_of(outcome, vantage=how.vantage, engine=engine, started=started)
    facts = Facts(
        running=format_port_list(sorted(target.running)),
        strict=how.strict,
        realms={str(address.ip): address.realm for address in target.addresses},
    )
    if not how.redact:
        return judged((measured,), facts, most_rows=how.most_rows, surveys=surveys)
    without = redacted((measured,), facts)
    return judged(without.measurements, without.facts, most_rows=how.most_rows)


def measure(
    target: Target,
    timing: Timing,
    means: Backends,
    progress: Progress | None = None,
    *,
    patient: bool = True,
) -> Outcome:
    """Survey every address, with the keys that services show and raw follow-ups where they are permitted.

    `patient`: where a tunnel has no session yet, it may wait for a second handshake, some 6 s. A user who
    wants one try waits for none.
    """
    plan = make_plan(target, timing, means.host)
    surveys = _surveys(plan.addresses, means.host)
    outcome = Run(surveys, means.backend, plan.timing).until(plan.deadline, progress)
    outcome = _with_tunnels(outcome, plan, means, progress, patient=patient and timing.retries > 0)
    outcome = _with_keys(outcome, plan, means)
    outcome = _with_greetings(outcome, plan, means)
    if means.raw is None:
        return outcome
    outcome = replace(outcome, surveys=tuple(_with_neighbour(s, means.host) for s in outcome.surveys))
    for _ in range(_ROUNDS):
        wanted = follow_ups(outcome.surveys, target.running, means.battery) if outcome.complete else {}
        if not wanted:
            break
        outcome = _ask_further(outcome, wanted, plan, means.raw, progress)
    return outcome


def _surveys(addresses: Iterable[AddressPlan], host: Host) -> dict[IPAddress, Survey]:
    own = host.own_addresses()
    return {a.address.ip: survey_address(a, host.neighbour, own) for a in addresses}


def _with_tunnels(
    outcome: Outcome, plan: Plan, means: Backends, progress: Progress | None, *, patient: bool
) -> Outcome:
    """Add what the tunnels say of silent addresses."""

    def again(early: Sequence[IPAddress]) -> Outcome:
        surveys = _surveys((a for a in plan.addresses if a.address.ip in early), means.host)
        return Run(surveys, means.backend, plan.timing, outcome.learned).until(plan.deadline, progress)

    try:
        outcome = TunnelFacts(means.host, means.backend, patient).added(outcome, again)
    except StopRequestedError:
        return replace(outcome, complete=False)
    return _unless_interrupted(outcome, means)


def _unless_interrupted(outcome: Outcome, means: Backends) -> Outcome:
    """The outcome, not complete any more where a signal asked for the end."""
    return replace(outcome, complete=outcome.complete and not means.backend.interrupted())


def _with_keys(outcome: Outcome, plan: Plan, means: Backends) -> Outcome:
    """Add the keys that services show on several addresses."""
    wanted = () if means.inquiry is Inquiry.NONE else keyed_ports(outcome.surveys)
    if not wanted:
        return outcome

    def inquire() -> _Added:
        return partial(_keyed, _awaited(means.clients, means.clients.keys(wanted)))

    return _inquired(outcome, plan, means, _KEYS_S, inquire)


def _with_greetings(outcome: Outcome, plan: Plan, means: Backends) -> Outcome:
    """Add what services say of themselves on several addresses."""
    calls = greeted_ports(outcome.surveys) if means.inquiry is Inquiry.ALL else ()
    if not calls:
        return outcome

    def inquire() -> _Added:
        return partial(_greeted, _awaited(means.clients, means.clients.greetings(calls)))

    return _inquired(outcome, plan, means, _GREETINGS_S, inquire)


def _awaited(clients: Clients, task: Task[Mapping[_K, _V]]) -> Mapping[_K, _V]:
    """What a task brings, or has brought when a signal asked for the end."""
    clients.wait((task,))
    return task.result() or {}


def _inquired(
    outcome: Outcome, plan: Plan, means: Backends, longest: float, inquire: Callable[[], _Added]
) -> Outcome:
    """Add what an inquiry of at most `longest` seconds brings, where there is time."""
    if not outcome.complete or outcome.elapsed + longest > plan.deadline:
        return outcome
    began = means.backend.now()
    surveys = tuple(map(inquire(), outcome.surveys))
    elapsed = outcome.elapsed + means.backend.now() - began
    return _unless_interrupted(replace(outcome, surveys=surveys, elapsed=elapsed), means)


def _keyed(found: Mapping[tuple[IPAddress, Port], tuple[Key, ...]], survey: AddressSurvey) -> AddressSurvey:
    """With the keys of its own address."""
    own = {port: keys for (ip, port), keys in found.items() if ip == survey.address.ip}
    return replace(survey, keys=own)


def _greeted(found: Mapping[tuple[IPAddress, Port], Greeting], survey: AddressSurvey) -> AddressSurvey:
    """With the greetings of its own address, and the certificates that came with them."""
    said = {port: greeting for (ip, port), greeting in found.items() if ip == survey.address.ip}
    certificates = {port: (greeting.key,) for port, greeting in said.items() if greeting.key is not None}
    return replace(survey, greetings=said, keys=certificates | dict(survey.keys))


def _with_neighbour(survey: AddressSurvey, host: Host) -> AddressSurvey:
    """Add the link-layer address of a neighbour, which its answers have put into the table."""
    on_link = survey.route is not None and survey.route.on_link
    return replace(survey, link_address=host.link_address(survey.address.ip)) if on_link else survey


def _ask_further(
    outcome: Outcome,
    wanted: Mapping[IPAddress, Sequence[FollowUp]],
    plan: Plan,
    raw: Backend,
    progress: Progress | None,
) -> Outcome:
    """One round of raw follow-ups; the surveys keep their order."""
    asked = {
        s.address.ip: ask_follow_ups(s, wanted[s.address.ip], outcome.learned[s.address.ip])
        for s in outcome.surveys
        if s.address.ip in wanted
    }
    left = max(0.0, plan.deadline - outcome.elapsed)
    further = Run(asked, raw, plan.timing, outcome.learned).until(left, progress)
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
