"""A scenario that has come to life: what to probe, what to probe it with, and the prober's machine.

Lives here: the shape that both kinds of world share. What happens to a packet does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from probe.engine.backend import Backend, Clients
from probe.errors import BackendError, ScenarioError
from probe.lab.scenario import Scenario, address_of, realm_of
from probe.machine.sources import Host, MachineReader
from probe.model.fixes import Place
from probe.model.target import ResolvedTarget, TargetAddress
from probe.services.port_list import named_ports, parse_ports, port_set


class Ended(Protocol):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Shell = Callable[[Place, str], Ended]


@dataclass(frozen=True, slots=True)
class World:
    """One open world. It ends with the context that opened it."""

    scenario: Scenario
    target: ResolvedTarget
    backend: Backend
    host: Host
    clients: Clients
    reader: MachineReader
    raw: Backend | None = None  # raw packets; None: this world has none
    on_shell: Shell | None = None  # runs commands on its hosts; None: they are no real ones

    def shell(self, place: Place, command: str) -> Ended:
        """Run a command as root on the prober or the target, to its end.

        Raises:
            BackendError: this world has no hosts that run commands.
        """
        if self.on_shell is None:
            raise BackendError("this world has no hosts that run commands; netns has")
        return self.on_shell(place, command)


def target_of(scenario: Scenario) -> ResolvedTarget:
    """What the prober is given of a scenario's target.

    Raises:
        ScenarioError: an address is neither a symbol nor an address, or nobody knows a name.
        UsageError: a port list cannot be read.
    """
    ports = scenario.scan.ports
    running = port_set(scenario.scan.running or "")
    return ResolvedTarget(
        addresses=tuple(_given(symbol, scenario) for symbol in scenario.addresses),
        ports=parse_ports(ports),
        running=running,
        named=running | named_ports(ports),
    )


def _given(symbol: str, scenario: Scenario) -> TargetAddress:
    """An address, or the one that the first name server gives for its name, as a resolver would have it."""
    name = scenario.names.get(symbol)
    if name is None:
        return TargetAddress(address_of(symbol), realm_of(symbol))
    known = next(iter(scenario.prober.names), {})
    if name not in known:
        raise ScenarioError(f"the first name server does not know {name}")
    return TargetAddress(address_of(known[name]), realm_of(symbol), name)
