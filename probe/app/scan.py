"""A scan: the target is resolved and measured, stage by stage, and what was measured is judged.

resolve the target -> plan -> `app.stages` -> measurement -> infer -> report
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from msgspec import structs

from probe.app.engine_request import EngineRequest
from probe.app.engines import Engine
from probe.app.session import Backends, open_session
from probe.app.stages import collect
from probe.app.target import Target, facts_of, resolve_target
from probe.app.way_out import require_sources
from probe.engine.run import Outcome, Progress, Watcher
from probe.errors import NothingMeasuredError
from probe.model.facts import HERE, AddressSurvey, TunnelHealth
from probe.model.measurement import Measurement
from probe.model.plan import USUAL_TIMING, Timing
from probe.model.probing import UNMEASURED, Role
from probe.model.report import Report
from probe.model.sockets import SocketTable
from probe.model.target import ResolvedTarget


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a scan is judged and reported.

    Args:
        vantage: names where it is made from.
        strict: take nothing as usual.
        most_rows: where there are more ports, those that are alike share a row; None: each has its own.
        redact: replace what names a network.
        sockets: what the target lists of its own.
        watcher: called with observations as they become final, while others are still under way.
    """

    vantage: str = HERE
    strict: bool = False
    most_rows: int | None = None
    redact: bool = False
    sockets: SocketTable | None = None
    watcher: Watcher | None = None


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
        measurement, surveys = _measurement(resolved, timing, ready, how, progress)
    from probe.app.infer import judged

    facts = structs.replace(facts_of(resolved, strict=how.strict), sockets=how.sockets)
    return judged((measurement,), facts, most_rows=how.most_rows, surveys=surveys, redact=how.redact)


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
        return _measurement(resolved, timing, ready, Reporting(vantage=vantage), progress)[0]


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
    resolved = (
        target
        if isinstance(target, ResolvedTarget)
        else resolve_target(target, backends.host, backends.clients)
    )
    require_sources(backends.way, (address.ip for address in resolved.addresses))
    return resolved


def _measurement(
    target: ResolvedTarget, timing: Timing, backends: Backends, how: Reporting, progress: Progress | None
) -> tuple[Measurement, tuple[AddressSurvey, ...]]:
    """What was measured, and the surveys that it was made of.

    Raises:
        NothingMeasuredError: not one probe could be sent to any address.
    """
    started = dt.datetime.now(dt.UTC)
    outcome = collect(target, timing, backends, progress, watcher=how.watcher)
    if outcome.complete and not _measured_anything(outcome):
        names = ", ".join(str(address.ip) for address in target.addresses)
        raise NothingMeasuredError(f"no probe could be sent to {names}: {_why_not(outcome.surveys)}")
    from probe.engine.rows import measurement_of

    measurement = measurement_of(outcome, vantage=how.vantage, engine=backends.engine, started=started)
    return measurement, tuple(replace(one, vantage=how.vantage) for one in outcome.surveys)


def _why_not(surveys: Sequence[AddressSurvey]) -> str:
    off = {s.tunnel_name for s in surveys if s.tunnel is TunnelHealth.OFF and s.tunnel_name is not None}
    reasons = [f"the tunnel {name} is switched off" for name in sorted(off)]
    return ", ".join(reasons) or "no route, or no free sockets"


def _measured_anything(outcome: Outcome) -> bool:
    return any(
        o.reason not in UNMEASURED and o.question.role is Role.TESTED
        for survey in outcome.surveys
        for o in survey.observations
    )
