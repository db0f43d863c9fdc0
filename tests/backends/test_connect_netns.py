"""The connect backend against real kernels: every ICMP error, drops, TTLs, dead neighbours, a lost link."""

from typing import Any

import pytest
from errors_cases import CASES, ErrorCase
from run_world import results_of


@pytest.fixture(scope="module")
def seen() -> Any:
    """All answers of the world, asked once."""
    return results_of("errors_world.py")


@pytest.mark.netns
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_answer(case: ErrorCase, seen: Any) -> None:
    """Reason, sender, ICMP type and code, TTL and aftermath are those of the table."""
    assert seen["answers"][case.name] == case.expected()


@pytest.mark.netns
def test_link_goes_down(seen: Any) -> None:
    """A link that is lost while probes wait raises nothing: who asks later gets no route."""
    assert seen["link down"] == ["no-route"] * 4


@pytest.mark.netns
def test_the_host_knows_the_world(seen: Any) -> None:
    """Routes and neighbours of the prober in that world, as the host reports them."""
    assert seen["host"] == {
        "10.77.2.2": ["10.77.1.2", "pr0", "ethernet", 1500, False, None],
        "10.77.1.1": ["10.77.1.2", "pr0", "ethernet", 1500, True, "resolved"],
        "10.77.1.77": ["10.77.1.2", "pr0", "ethernet", 1500, True, "failed"],
        "fd77:1::1": ["fd77:1::2", "pr0", "ethernet", 1500, True, "resolved"],
        "fd77:1::77": ["fd77:1::2", "pr0", "ethernet", 1500, True, "failed"],
        "fe80::77%pr0": ["fe80::2%pr0", "pr0", "ethernet", 1500, True, "resolved"],
        "10.77.1.2": ["10.77.1.2", "lo", "loopback", 65536, True, None],
        "10.66.0.9": ["10.66.0.1", "tun7", "tunnel", 1400, True, None],
        "10.67.0.9": ["10.66.0.1", "tun7", "tunnel", 1400, None, None],
        "10.96.0.1": None,
        "10.97.0.1": None,
        "10.98.0.1": None,
        "10.99.0.1": None,
        "fd96::1": None,
    }
