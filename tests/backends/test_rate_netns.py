"""`--rate` as it shows on the wire: SYNs that the kernel repeats, banners and follow-ups included."""

from typing import Any

import pytest
from rate_world import SETTINGS
from run_world import results_of

WINDOW_S = 1.0
# A token may be left at the start of each stage, and a busy machine may send some of them close together.
SLACK, SLACK_SHARE = 3, 0.02

pytestmark = [pytest.mark.netns, pytest.mark.takes_minutes, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wire() -> Any:
    """What left, by setting."""
    return results_of("rate_world.py", timeout_s=800)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_rate_holds_on_the_wire(wire: Any, name: str) -> None:
    """In no second more openings leave than are allowed."""
    rate, _ = SETTINGS[name]
    times = sorted(wire[name]["times"])
    most = max(sum(at <= other < at + WINDOW_S for other in times) for at in times)
    assert most <= rate * (1 + SLACK_SHARE) + SLACK


@pytest.mark.parametrize("name", SETTINGS)
def test_all_was_counted(wire: Any, name: str) -> None:
    """The watch saw what the scan counts, of raw packets those that open something."""
    assert len(wire[name]["times"]) >= 0.6 * wire[name]["sent"] > 0
