"""The world in memory against real hosts: every shape of raw packet, the same answers, header by header."""

from typing import Any

import pytest
from rare_scenarios import WORLDS
from world_surveys import found_in_memory, found_on_hosts, without_loss, world_named

pytestmark = pytest.mark.takes_minutes


def names() -> list[str]:
    """Worlds without chance: under a limit on resets, the moment decides who gets one."""
    return [n for n in (*without_loss(), *WORLDS) if world_named(n).target.resets_per_s is None]


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """What is found in each world's network of real hosts."""
    return found_on_hosts("raw", names())


@pytest.mark.netns
@pytest.mark.parametrize("name", names())
def test_raw_packets_agree(name: str, real: dict[str, Any]) -> None:
    """Each question brings the same answer, from the same place, with the same marks."""
    in_memory, on_hosts = found_in_memory("raw", name), real[name]
    assert isinstance(on_hosts, dict), on_hosts
    assert in_memory == on_hosts
