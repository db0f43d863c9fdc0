"""The doctor in an open world: what it finds there, and whether it is what the scenario expects."""

from collections.abc import Iterator

from probe.lab.open_world import backends_of
from probe.lab.scenario import Scenario
from probe.lab.world import World
from probe.model.diagnosis import Diagnosis
from probe.model.plan import Timing


def examined(world: World, engine: str = "connect") -> Diagnosis:
    """Have the doctor examine a world; every port of the scan is meant to work.

    Raises:
        BackendError: this world has no raw packets, and `engine` is `raw`.
    """
    from probe.app.doctor import examine  # noqa: PLC0415 - loaded only where it is asked for

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
