"""A sample of `make faults`: whatever happens while a network is scanned, nothing is named wrongly."""

import pytest
from faults.faulty_worlds import FAULTS
from faults.grade_faults import ENGINES, graded

SEEDS = range(1000, 1003)
QUIET = ("nothing", "5 % loss", "20 % loss")
BIG = ("services end", "banned by reset", "banned by ICMP", "a listener takes one client")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_named_wrongly(fault, engine):
    """No binding with 0.9 that the port has neither before nor after; `changed` only where something did."""
    found = [graded(fault, seed, engine) for seed in SEEDS]
    assert [one.wrong for one in found] == [()] * len(SEEDS)
    assert not [one.error for one in found if one.error]
    if fault in QUIET:
        assert [one.changed for one in found] == [0] * len(SEEDS)


@pytest.mark.parametrize("fault", BIG)
def test_what_changed_is_named(fault):
    """In most scans: where all answers came before or after the change, there is nothing to see."""
    found = [graded(fault, seed, "connect") for seed in range(1100, 1108)]
    assert sum(one.changed > 0 for one in found) >= len(found) // 2


def test_the_same_seed_is_the_same_network():
    """What went wrong can be looked into."""
    assert graded("services end", 7, "connect") == graded("services end", 7, "connect")
