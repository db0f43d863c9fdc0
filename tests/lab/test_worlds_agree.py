"""The world in memory against real hosts: one survey by sockets, the same findings."""

from typing import Any

import pytest
from rare_scenarios import WORLDS
from world_surveys import found_in_memory, found_on_hosts, without_loss, world_named

pytestmark = pytest.mark.takes_minutes

Findings = dict[str, dict[str, Any]]
SOCKETS_FEEL = ("prober", "replies_by")  # what raw packets do not


def names() -> list[str]:
    odd = [name for name, parts in WORLDS.items() if any(word in str(parts) for word in SOCKETS_FEEL)]
    return [*without_loss(), *odd]


def states_only(found: Findings) -> Findings:
    """State and reason of each tested port: under a limit on resets, the moment decides who gets one."""
    return {
        address: {port: seen[:2] for port, seen in ports.items() if port.startswith("tested ")}
        for address, ports in found.items()
    }


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """What is found in each world's network of real hosts."""
    return found_on_hosts("connect", names())


@pytest.mark.netns
@pytest.mark.parametrize("name", names())
def test_worlds_agree(name: str, real: dict[str, Any]) -> None:
    """Every address and port answers in memory as it does on real hosts, from the same place."""
    in_memory, on_hosts = found_in_memory("connect", name), real[name]
    assert isinstance(in_memory, dict)
    assert isinstance(on_hosts, dict), on_hosts
    if world_named(name).target.resets_per_s is not None:
        in_memory, on_hosts = states_only(in_memory), states_only(on_hosts)
    assert in_memory == on_hosts
