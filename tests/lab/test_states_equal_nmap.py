"""Our states and reasons beside nmap's, on every scenario that can be built from real hosts."""

import pytest

from probe.app import survey
from probe.lab.files import scenario_paths
from probe.lab.scenario import address_of, load_scenario
from probe.lab.score import nmap
from probe.lab.world import open_world
from probe.model.plan import Timing
from probe.model.probing import Role
from probe.model.target import IPAddress, Port, Protocol

Place = tuple[str, int]  # symbol of an address, port
Words = tuple[str, str]  # state, reason

# Where we and nmap differ, and why that is right.
# Scenario -> {(address, port): why}.
EXPLAINED: dict[str, dict[Place, str]] = {}


def scenarios() -> list[str]:
    return sorted(name for name, path in scenario_paths().items() if "netns" in load_scenario(path).worlds)


@pytest.mark.netns
@pytest.mark.nmap
@pytest.mark.parametrize("name", scenarios())
def test_states_equal_nmap(name: str) -> None:
    """Each state and reason is nmap's own, but for the explained few, which must differ indeed."""
    if not nmap.available():
        pytest.skip("nmap is not installed")
    scenario = load_scenario(scenario_paths()[name])
    symbols: dict[IPAddress, str] = {address_of(symbol): symbol for symbol in scenario.addresses}
    with open_world(scenario, "netns") as world:
        ports = [port for port in world.target.ports if port.protocol is Protocol.TCP]
        surveys = survey(world.target, Timing(), backend=world.backend, host=world.host)
        theirs = nmap.ask(list(symbols), ports) if ports else {}
    ours: dict[tuple[IPAddress, Port], Words] = {
        (one.address.ip, seen.question.port): (str(seen.state), str(seen.reason))
        for one in surveys
        for seen in one.observations
        if seen.question.role is Role.TESTED and seen.question.port in ports
    }
    differing = {
        (symbols[address], port.number): (words, (theirs[address, port].state, theirs[address, port].reason))
        for (address, port), words in ours.items()
        if words != (theirs[address, port].state, theirs[address, port].reason)
    }
    assert len(ours) == len(symbols) * len(ports)
    assert set(differing) == set(EXPLAINED.get(name, {})), differing
