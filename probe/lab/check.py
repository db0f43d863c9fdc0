"""Checks a scenario: a scan, and where causes are expected the doctor, compared with what the file expects.

Comparing is pure (`compare`); only `check` opens a world. Every expectation becomes one row, met or not.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import structs

from probe.errors import ScenarioError
from probe.lab.compose.limits import why_not
from probe.lab.open_world import backends_of, open_world
from probe.lab.result import NOTHING, CheckResult, ExpectationRow, ReportedValue, listed, values_of
from probe.lab.scenario import Expected, SameService, Scenario, address_of
from probe.lab.sim import tunnel
from probe.lab.truth import Truth, truth
from probe.lab.world import World
from probe.model.binding import Binding, Served
from probe.model.diagnosis import Diagnosis
from probe.model.plan import Timing
from probe.model.report import Report, VerdictReport
from probe.model.target import Port
from probe.services.port_list import parse_ports

MISSING = "not in the report"


def check(
    scenario: Scenario, kind: str, timing: Timing | None = None, *, engine: str = "connect"
) -> CheckResult:
    """Run a scenario in a world of this kind and compare; by the doctor too, where it expects causes.

    `engine`: `connect` or `raw`.

    Raises:
        ScenarioError: the scenario makes no sense, or is not for this world.
        BackendError: the world cannot be built here, or has no raw packets.
    """
    require(scenario, kind)
    started = time.perf_counter()
    with open_world(scenario, kind, raw=engine == "raw") as world:
        causes = tuple(_examined(world, engine))  # first: a scan uses up the ICMP errors that hosts ration
        rows, reported = _scanned(world, timing or Timing(), engine)
    seconds = time.perf_counter() - started
    reported += tuple(ReportedValue(row.port, row.what, row.found) for row in causes)
    return CheckResult(scenario.name, kind, engine, (*rows, *causes), seconds, reported)


def scanned(scenario: Scenario, kind: str, engine: str = "connect") -> Report:
    """Scan the target of a scenario in a world of this kind.

    Raises:
        ScenarioError, BackendError: as `check`.
    """
    from probe.app.scan import scan  # noqa: PLC0415 - `compare` needs neither engine nor inference

    require(scenario, kind)
    with open_world(scenario, kind, raw=engine == "raw") as world:
        return scan(world.target, Timing(), backends_of(world, engine))


def check_reported(
    scenario: Scenario, kind: str, engine: str, reported: Callable[[Scenario, str], Report]
) -> CheckResult:
    """Compare what another process reports of a scenario in a world of this kind.

    `reported`: scans a scenario's target with an engine.

    Raises:
        ScenarioError: the scenario makes no sense, or is not for this world.
        BackendError: there is no report.
    """
    require(scenario, kind)
    started = time.perf_counter()
    report = reported(scenario, engine)
    seconds = time.perf_counter() - started
    return CheckResult(
        scenario.name, kind, engine, compare(scenario, report, kind), seconds, values_of(report)
    )


def why_not_in(scenario: Scenario, kind: str) -> str | None:
    """Find why a scenario is not for this kind of world; None: it is."""
    limit = _LIMITS[kind](scenario) if kind in _LIMITS else None
    if kind != "sim" and (scenario.events or any(r.from_opening for r in scenario.target.filter)):
        return "events, and rules that count openings, are for the world in memory"
    if limit is None and kind not in scenario.worlds:
        return scenario.why_not or f"it is for {', '.join(scenario.worlds)}"
    return limit


# Of kinds of worlds that cannot hold everything.
_LIMITS: Mapping[str, Callable[[Scenario], str | None]] = {
    "compose": why_not,
    "sim": lambda scenario: tunnel.why_not(scenario.vpn),
}


def require(scenario: Scenario, kind: str) -> None:
    """Refuse a scenario that is not for this kind of world.

    Raises:
        ScenarioError: it is not; the message has the reason.
    """
    reason = why_not_in(scenario, kind)
    if reason is not None:
        raise ScenarioError(f"scenario {scenario.name} does not run in {kind}: {reason}")


def _scanned(
    world: World, timing: Timing, engine: str
) -> tuple[tuple[ExpectationRow, ...], tuple[ReportedValue, ...]]:
    """What a scan finds."""
    from probe.app.scan import scan  # noqa: PLC0415 - `compare` needs neither engine nor inference

    report = scan(world.target, timing, backends_of(world, engine))
    return compare(world.scenario, report), values_of(report)


def _examined(world: World, engine: str) -> Iterator[ExpectationRow]:
    """What the doctor ranks first, where a scenario expects anything of it."""
    if world.scenario.expect_causes:
        for symbol, expected, found in first_causes(world.scenario, examined(world, engine), engine):
            yield ExpectationRow(symbol, "first cause", expected, found)


def compare(scenario: Scenario, report: Report, kind: str | None = None) -> tuple[ExpectationRow, ...]:
    """Compare a report with everything that a scenario expects of its engine, in the order of its file.

    `kind` of world, for expectations that hold in one alone.
    """
    ports, addresses = _expected(scenario, report.engine, kind)
    true = truth(scenario) if any(wanted.keeps is not None for wanted in ports.values()) else {}
    rows = [row for text, wanted in ports.items() for row in _port_rows(text, wanted, report, true)]
    conditions = {address.address: address.condition.value for address in report.addresses}
    owners = {address.address: address.owner.value for address in report.addresses}
    for what, expected, found in (
        ("address", addresses, conditions),
        ("owner", scenario.expect_owners, owners),
    ):
        for symbol, wanted in expected.items():
            rows.append(ExpectationRow(symbol, what, wanted, found.get(str(address_of(symbol)), MISSING)))
    return tuple(rows)


def _expected(
    scenario: Scenario, engine: str, kind: str | None = None
) -> tuple[dict[str, Expected], dict[str, str]]:
    """What is expected of the ports and of the addresses: raw packets and containers may show otherwise."""
    raw = engine == "raw"
    contained = raw and kind == "compose"
    ports = dict(scenario.expect)
    for applies, layer in ((raw, scenario.expect_raw), (contained, scenario.expect_compose_raw)):
        for text, more in layer.items() if applies else ():
            ports[text] = _over(ports.get(text, Expected()), more)
    return ports, scenario.expect_addresses | (scenario.expect_addresses_raw if raw else {})


def _over(expected: Expected, more: Expected) -> Expected:
    """Replace the keys that `more` has."""
    wanted = {key: value for key, value in structs.asdict(more).items() if value is not None}
    return structs.replace(expected, **wanted)


def _port_rows(
    text: str, wanted: Expected, report: Report, true: Mapping[Port, Truth]
) -> Iterator[ExpectationRow]:
    """Every expectation of some ports. All of them must meet it; the first that does not is shown."""
    found_on_each = zip(
        *(_port_row(text, wanted, _verdict(port, report), true.get(port)) for port in parse_ports(text)),
        strict=False,
    )
    for rows in found_on_each:
        yield next((row for row in rows if not row.ok), rows[0])


def _port_row(
    text: str, wanted: Expected, verdict: VerdictReport | None, true: Truth | None
) -> Iterator[ExpectationRow]:
    if verdict is None:
        yield ExpectationRow(text, "binding", wanted.binding or "any", MISSING)
        return
    for what, expected, found in (*_facts(wanted, verdict), *_chances(wanted, verdict, true)):
        yield ExpectationRow(text, what, expected, found)
    by_address = {o.address: o for o in verdict.observations}
    for what, values in _VALUES.items():
        for symbol, value in (getattr(wanted, what) or {}).items():
            observation = by_address.get(str(address_of(symbol)))
            found = MISSING if observation is None else getattr(observation, values) or NOTHING
            yield ExpectationRow(text, f"{values} on {symbol}", value, str(found))


_VALUES = {
    "states": "state",
    "reasons": "reason",
    "conditions": "condition",
}  # of Expected: of an observation


def _facts(wanted: Expected, verdict: VerdictReport) -> Iterator[tuple[str, str, str]]:
    """What is expected of the verdict itself: name, expected, found."""
    if wanted.binding is not None:
        yield "binding", wanted.binding, verdict.binding
    if wanted.bound_to is not None:
        yield "bound to", listed(map(address_of, wanted.bound_to)), listed(verdict.bound_to)
    if wanted.families is not None:
        yield "families", listed(wanted.families), listed(verdict.families)
    if wanted.bound_by is not None:
        yield "bound by", wanted.bound_by, verdict.bound_by or NOTHING
    if wanted.via is not None:
        yield "via", wanted.via, verdict.via
    if wanted.advice is not None:
        yield "advice", listed(sorted(wanted.advice)), listed(sorted(one.rule for one in verdict.advice))
    if wanted.services is not None:
        yield (
            "services",
            _served(map(_expected_service, wanted.services)),
            _served(map(_shown, verdict.services or ())),
        )


def _chances(wanted: Expected, verdict: VerdictReport, true: Truth | None) -> Iterator[tuple[str, str, str]]:
    """What is expected of probabilities, each as `_facts`: at least so much."""
    if wanted.confidence is not None:
        yield "confidence", *_at_least(wanted.confidence, verdict.confidence)
    if wanted.keeps is not None and true is not None:
        kept = sum(
            one.probability
            for one in verdict.candidates
            if one.binding is true.binding
            and (one.binding is not Binding.SPECIFIC or set(one.bound_to) == set(true.bound_to))
        )
        yield "the truth keeps", *_at_least(wanted.keeps, kept)


def _at_least(wanted: float, found: float) -> tuple[str, str]:
    """Expected and found, which are alike where it is enough."""
    expected = f"at least {wanted:g}"
    return expected, expected if found >= wanted else f"{found:.3f}"


def _served(services: Iterable[tuple[Iterable[object], Iterable[str]]]) -> str:
    """Services as text: each by its addresses and what shows that it is one."""
    return "; ".join(f"{listed(addresses)} by {listed(by)}" for addresses, by in services) or NOTHING


def _expected_service(service: SameService) -> tuple[Iterable[object], Iterable[str]]:
    return map(address_of, service.addresses), service.by


def _shown(service: Served) -> tuple[Iterable[object], Iterable[str]]:
    return service.addresses, service.by


def _verdict(port: Port, report: Report) -> VerdictReport | None:
    """The verdict on a port: its own row, or the row of a group that has it."""
    for row in report.ports:
        if (row.protocol, row.port) == (port.protocol, port.number):
            return row
    for group in report.rest or ():
        if group.protocol is port.protocol and port.number in {p.number for p in parse_ports(group.ports)}:
            return group
    return None


def examined(world: World, engine: str = "connect") -> Diagnosis:
    """Have the doctor examine a world; every port of the scan is meant to work.

    Raises:
        BackendError: this world has no raw packets, and `engine` is `raw`.
    """
    from probe.app.examination import examine  # noqa: PLC0415 - loaded only where it is asked for

    named = frozenset(world.target.ports)
    return examine(world.target, Timing(), backends_of(world, engine), world.reader, named=named)


def first_causes(
    scenario: Scenario, diagnosis: Diagnosis, engine: str = "connect"
) -> Iterator[tuple[str, str, str]]:
    """What an engine must rank first: symbol, expected, found. Addresses are in the scenario's order."""
    found = dict(zip(scenario.addresses, diagnosis.addresses, strict=True))
    expected = scenario.expect_causes | scenario.looks_like.get(engine, {})
    for symbol, cause in expected.items():
        yield symbol, cause, str(found[symbol].causes[0].cause)
