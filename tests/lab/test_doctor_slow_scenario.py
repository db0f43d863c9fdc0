"""The doctor in the world that takes three minutes, in a file of its own: others run beside it."""

import pytest
from doctor_runs import DoctorRun, places, side_by_side

NAME = "vpn-stale-takes-three-minutes"


@pytest.mark.netns
@pytest.mark.takes_minutes
def test_a_session_that_has_died() -> None:
    """Three minutes after the far end fell silent its tunnel is stale, and not a host that is down."""
    why_not = DoctorRun.why_not()
    if why_not is not None:
        pytest.skip(why_not)
    result = side_by_side([("raw", NAME)], 1)["raw", NAME]
    assert "error" not in result, result["error"]
    assert max(places(result, NAME).values()) == 0, (result["ranked"], result["evidence"])
