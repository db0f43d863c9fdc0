"""Which scenarios to run, and running them one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap

from probe.cli.options import LabWorld, WorldKind
from probe.cli.progress import ProgressBar
from probe.cli.terminal import note
from probe.errors import BindprobeError, ScenarioError
from probe.lab.check import check, check_reported, require, scanned, why_not_in
from probe.lab.files import find_scenario, is_file_name, scenario_paths
from probe.lab.result import CheckResult
from probe.lab.scenario import Scenario
from probe.model.report import Report
from probe.report.style import TextStyle


def list_all(style: TextStyle) -> str:
    """Name and subject of every scenario.

    Raises:
        ScenarioError: none came along, or a file is no scenario.
    """
    found = every_scenario()
    width = max(len(scenario.name) for scenario in found)
    lines: list[str] = []
    for scenario in found:
        first, rest = f"{scenario.name:{width}}  ", " " * (width + 2)
        lines += wrap(scenario.about, style.width, initial_indent=first, subsequent_indent=rest)
    return "\n".join(lines) + "\n"


def chosen(names: Sequence[str], kind: str, *, quiet: bool) -> list[Scenario]:
    """The scenarios to run: those that were named, else all that run in this kind of world.

    Raises:
        ScenarioError: there is none of a name, a file is no scenario, or containers are asked to run a file.
    """
    if names:
        if kind == LabWorld.COMPOSE and any(map(is_file_name, names)):
            raise ScenarioError("containers run the scenarios that their image has, by name")
        return [find_scenario(name) for name in names]
    judged = [(scenario, why_not(scenario, kind)) for scenario in every_scenario()]
    for scenario, reason in judged:
        if reason is not None and not quiet:
            note(f"not run in {kind}: {scenario.name} ({reason})")
    return [scenario for scenario, reason in judged if reason is None]


def why_not(scenario: Scenario, kind: str) -> str | None:
    """Why a scenario is not for this kind of world, or not for this machine; None: it is."""
    return why_not_in(scenario, kind) or (_lacking(scenario) if kind == WorldKind.NETNS else None)


def _lacking(scenario: Scenario) -> str | None:
    """What this machine lacks to build a scenario of real hosts; None: nothing."""
    from probe.lab.netns.daemons import daemons_available
    from probe.lab.netns.tunnels import vpn_available

    lacking = vpn_available(scenario.vpn.kind) if scenario.vpn is not None else None
    kinds = [service.kind for service in scenario.target.services]
    return lacking or (daemons_available(kinds) if kinds else None)


def check_all(
    scenarios: Sequence[Scenario], kind: str, engine: str, *, quiet: bool, keep_on: bool = False
) -> list[CheckResult]:
    """Run scenarios one after the other with one engine.

    `keep_on`: one that cannot be measured has the reason in its result, and the others are run.

    Raises:
        ScenarioError: one is not for this kind of world.
        BackendError: a world cannot be built here, or has no raw packets.
    """
    results = []
    with _checker(kind, engine) as checked, ProgressBar(quiet=quiet) as progress:
        for scenario in scenarios:
            try:
                result = checked(scenario)
            except BindprobeError as error:
                if not keep_on:
                    raise
                result = CheckResult(scenario.name, kind, engine, (), 0.0, error=str(error))
            results.append(result)
            progress(len(results), len(scenarios))
    return results


def show_all(scenarios: Sequence[Scenario], kind: str, engine: str, *, as_json: bool, quiet: bool) -> None:
    """Scan the targets of scenarios and print each report.

    Raises:
        ScenarioError: one is not for this kind of world.
        BackendError: a world cannot be built here, or has no raw packets.
        UnwrittenError: it could not be written.
    """
    from probe.cli.output import Destination
    from probe.report.formats import Form

    destination = Destination(Form.JSON if as_json else Form.TABLE)
    with _reporter(kind) as reported, ProgressBar(quiet=quiet):
        for scenario in scenarios:
            destination.write(reported(scenario, engine))


@contextmanager
def _reporter(kind: str) -> Iterator[Callable[[Scenario, str], Report]]:
    """What scans one scenario's target after the other. Containers stay up in between."""
    if kind != LabWorld.COMPOSE:
        yield lambda scenario, engine: scanned(scenario, kind, engine)
        return
    from probe.lab.compose.stack import open_stack

    with open_stack() as stack:

        def reported(scenario: Scenario, engine: str) -> Report:
            require(scenario, kind)
            return stack.scan(scenario, engine)

        yield reported


@contextmanager
def _checker(kind: str, engine: str) -> Iterator[Callable[[Scenario], CheckResult]]:
    """What checks one scenario after the other. Containers stay up in between."""
    if kind != LabWorld.COMPOSE:
        yield lambda scenario: check(scenario, kind, engine=engine)
        return
    from probe.lab.compose.stack import open_stack

    with open_stack() as stack:
        yield lambda scenario: check_reported(scenario, kind, engine, stack.scan)


def every_scenario() -> list[Scenario]:
    """Every scenario that came along, by name.

    Raises:
        ScenarioError: none did, or a file is no scenario.
    """
    found = [find_scenario(name) for name in scenario_paths()]
    if not found:
        raise ScenarioError("no scenario files came along with this installation")
    return found
