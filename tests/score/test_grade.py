"""Grades of claims against the truth: what is decided, wrong, confidently wrong, and how well calibrated."""

from ipaddress import ip_address
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.model.binding import Binding, Candidate
from score.grade import BINS, FLOOR, Claim, Fact, calibration, expected_error, grade

A, B = ip_address("192.168.77.10"), ip_address("10.88.0.10")
WILD, LOOP, NOT = Fact(Binding.WILDCARD), Fact(Binding.LOOPBACK), Fact(Binding.NOT_LISTENING)
ON_A, ON_BOTH = Fact(Binding.SPECIFIC, frozenset({A})), Fact(Binding.SPECIFIC, frozenset({A, B}))
EITHER = Claim(Binding.LOOPBACK_OR_NOT_LISTENING)


@pytest.mark.parametrize(
    ("claim", "fact", "right"),
    [
        (Claim(Binding.WILDCARD), WILD, True),
        (Claim(Binding.WILDCARD), ON_A, False),
        (Claim(Binding.SPECIFIC, frozenset({A})), ON_A, True),
        (Claim(Binding.SPECIFIC, frozenset({B})), ON_A, False),
        (Claim(Binding.SPECIFIC, frozenset({A})), ON_BOTH, False),
        (Claim(Binding.SPECIFIC, frozenset({B, A})), ON_BOTH, True),
        (Claim(Binding.SPECIFIC, frozenset({A})), WILD, False),
        (EITHER, LOOP, True),
        (EITHER, NOT, True),
        (EITHER, WILD, False),
        (Claim(Binding.LOOPBACK), LOOP, True),
        (Claim(Binding.LOOPBACK), NOT, False),
        (Claim(Binding.NOT_LISTENING), NOT, True),
        (Claim(Binding.UNDETERMINED), WILD, False),
    ],
)
def test_what_a_claim_names(claim: Claim, fact: Fact, right: bool) -> None:  # noqa: FBT001 - a column of the table
    """A claim is right when the truth is among what it names, addresses and all."""
    assert claim.names(fact) is right


@pytest.mark.parametrize(
    ("fact", "probability"),
    [(WILD, 0.5), (ON_A, 0.3), (ON_BOTH, 0.0), (LOOP, 0.2), (NOT, 0.0)],
)
def test_probability_of_the_truth(fact: Fact, probability: float) -> None:
    """A specific candidate counts only with the same addresses; what is not listed has none."""
    claim = Claim(
        Binding.UNDETERMINED,
        candidates=(
            Candidate(binding=Binding.WILDCARD, probability=0.5),
            Candidate(binding=Binding.SPECIFIC, probability=0.3, bound_to=(A,)),
            Candidate(binding=Binding.LOOPBACK, probability=0.2),
        ),
    )
    assert claim.probability(fact) == probability


def alone(binding: Binding, probability: float) -> tuple[Candidate, ...]:
    """The only candidate of a claim."""
    return (Candidate(binding=binding, probability=probability),)


def test_grade_counts() -> None:
    """Decided, wrong and confidently wrong are counted apart; undetermined is neither decided nor wrong."""
    pairs = [
        (
            Claim(
                Binding.WILDCARD,
                confidence=0.99,
                candidates=alone(Binding.WILDCARD, 0.99),
            ),
            WILD,
        ),
        (
            Claim(
                Binding.WILDCARD,
                confidence=0.9,
                candidates=alone(Binding.WILDCARD, 0.9),
            ),
            ON_A,
        ),
        (
            Claim(
                Binding.WILDCARD,
                confidence=0.8,
                candidates=alone(Binding.WILDCARD, 0.8),
            ),
            ON_A,
        ),
        (
            Claim(
                Binding.UNDETERMINED,
                confidence=0.4,
                candidates=alone(Binding.LOOPBACK, 0.4),
            ),
            LOOP,
        ),
    ]
    result = grade(pairs)
    assert (result.ports, result.decided, result.wrong, result.confidently_wrong) == (4, 3, 2, 1)
    assert result.log_loss == pytest.approx(-(log(0.99) + 2 * log(FLOOR) + log(0.4)) / 4)
    assert result.calibration_error == pytest.approx((2 * abs(0.945 - 0.5) + 0.8) / 3)


def test_a_prober_without_probabilities() -> None:
    """It is decided and wrong, but neither sure of itself nor calibrated."""
    result = grade([(EITHER, LOOP), (Claim(Binding.WILDCARD), ON_A)])
    assert (result.decided, result.wrong) == (2, 1)
    assert (result.confidently_wrong, result.log_loss, result.calibration_error, result.bins) == (
        None,
        None,
        None,
        (),
    )


def test_nothing_to_grade() -> None:
    """No world, no claim: a grade of zeros that divides by nothing."""
    assert grade([]).ports == 0
    assert calibration([]) == ()


@pytest.mark.parametrize(("confidence", "index"), [(0.0, 0), (0.099, 0), (0.1, 1), (0.95, 9), (1.0, 9)])
def test_bins_hold_their_edges(confidence: float, index: int) -> None:
    """A bin holds its lower edge, and the last one 1.0 too."""
    bins = calibration([(confidence, True)])
    assert [one.count for one in bins] == [int(number == index) for number in range(BINS)]
    assert bins[index].confidence == confidence
    assert bins[index].right == 1.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_error_is_a_share(rated: list[tuple[float, bool]]) -> None:
    """It lies between 0 and 1, and every claim is in exactly one bin."""
    bins = calibration(rated)
    assert sum(one.count for one in bins) == len(rated)
    assert 0 <= expected_error(bins) <= 1


def test_a_calibrated_prober_has_no_error() -> None:
    """Nine in ten right at 0.9 is a calibration error of nothing."""
    rated = [(0.9, number != 0) for number in range(10)]
    assert expected_error(calibration(rated)) == pytest.approx(0, abs=1e-12)
