"""`--rate` as it shows on the wire: SYNs that the kernel repeats, banners and follow-ups included."""

from typing import Any

import pytest
from rate_world import RATE
from run_world import results_of

WINDOW_S = 1.0
# A token may be left at the start of each stage, and a busy machine may send two of them close together.
SLACK = 4


@pytest.fixture(scope="module")
def wire() -> Any:
    """What left, by engine."""
    return results_of("rate_world.py")


@pytest.mark.netns
@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_the_rate_holds_on_the_wire(wire: Any, engine: str) -> None:
    """In no second more openings leave than are allowed."""
    times = sorted(wire[engine]["times"])
    most = max(sum(at <= other < at + WINDOW_S for other in times) for at in times)
    assert most <= RATE + SLACK


@pytest.mark.netns
@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_all_was_counted(wire: Any, engine: str) -> None:
    """The watch saw what the scan counts, of raw packets those that open something."""
    assert len(wire[engine]["times"]) >= 0.7 * wire[engine]["sent"] > RATE
