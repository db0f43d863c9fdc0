"""Grades claims about bindings against the truth. Pure: it knows neither worlds nor probers.

A claim is *decided* when it names a binding, that is, when it is not `undetermined`. A decided claim is
right when the truth is among what it names: `specific` only with the very same set of addresses, and
`loopback-or-not-listening` for either of the two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from probe.model.binding import Binding, Candidate
from probe.model.target import IPAddress

SURE = 0.9  # a wrong claim with this confidence or more is confidently wrong
BINS = 10
FLOOR = 1e-6  # a probability of 0 for the truth counts as this, so that one miss stays finite

_NAMES: dict[Binding, frozenset[Binding]] = {
    Binding.LOOPBACK_OR_NOT_LISTENING: frozenset({Binding.LOOPBACK, Binding.NOT_LISTENING}),
    Binding.UNDETERMINED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """The truth of one port. `bound_to` only for `specific`."""

    binding: Binding
    bound_to: frozenset[IPAddress] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    """A prober's verdict on one port. A prober without probabilities has no `confidence`, no `candidates`."""

    binding: Binding
    bound_to: frozenset[IPAddress] = frozenset()
    confidence: float | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether it names a binding at all."""
        return self.binding is not Binding.UNDETERMINED

    def names(self, fact: Fact) -> bool:
        """Whether the truth is among what the claim names."""
        if fact.binding not in _NAMES.get(self.binding, {self.binding}):
            return False
        return fact.binding is not Binding.SPECIFIC or self.bound_to == fact.bound_to

    def probability(self, fact: Fact) -> float:
        """Probability that the claim gives to the truth; 0 where it does not list it."""
        return sum(
            candidate.probability
            for candidate in self.candidates
            if candidate.binding is fact.binding
            and (fact.binding is not Binding.SPECIFIC or frozenset(candidate.bound_to) == fact.bound_to)
        )


@dataclass(frozen=True, slots=True)
class Bin:
    """Decided claims of about one confidence: `low` <= confidence < `high` (the last bin has 1.0 too)."""

    low: float
    high: float
    count: int
    confidence: float  # mean; 0 in an empty bin
    right: float  # share; 0 in an empty bin


@dataclass(frozen=True, slots=True)
class Grade:
    """How one prober did on all ports of all worlds.

    `log_loss` in nats per port over every claim, decided or not; `calibration_error` is the expected
    calibration error over the bins, 0 to 1. Both are None for a prober without probabilities.
    """

    ports: int
    decided: int
    wrong: int
    confidently_wrong: int | None
    log_loss: float | None
    calibration_error: float | None
    bins: tuple[Bin, ...] = ()


def grade(pairs: Sequence[tuple[Claim, Fact]]) -> Grade:
    """Grade all claims of one prober."""
    decided = [(claim, fact) for claim, fact in pairs if claim.decided]
    wrong = [claim for claim, fact in decided if not claim.names(fact)]
    rated = [(claim.confidence, claim.names(fact)) for claim, fact in decided if claim.confidence is not None]
    weighed = [(claim, fact) for claim, fact in pairs if claim.candidates]
    bins = calibration(rated)
    return Grade(
        ports=len(pairs),
        decided=len(decided),
        wrong=len(wrong),
        confidently_wrong=sum((claim.confidence or 0.0) >= SURE for claim in wrong) if rated else None,
        log_loss=_log_loss(weighed) if weighed else None,
        calibration_error=expected_error(bins) if rated else None,
        bins=bins,
    )


def calibration(rated: Iterable[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Sort (confidence, right) into ten bins of equal width; no bins without any."""
    sorted_in: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in rated:
        sorted_in.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    if not sorted_in:
        return ()
    return tuple(_bin(index, sorted_in.get(index, [])) for index in range(BINS))


def expected_error(bins: Sequence[Bin]) -> float:
    """Mean distance between confidence and share right, each bin weighing as many claims as it holds."""
    return sum(one.count * abs(one.confidence - one.right) for one in bins) / sum(one.count for one in bins)


def _bin(index: int, rated: Sequence[tuple[float, bool]]) -> Bin:
    count = len(rated)
    return Bin(
        low=index / BINS,
        high=(index + 1) / BINS,
        count=count,
        confidence=sum(confidence for confidence, _ in rated) / count if count else 0.0,
        right=sum(right for _, right in rated) / count if count else 0.0,
    )


def _log_loss(weighed: Sequence[tuple[Claim, Fact]]) -> float:
    return sum(-log(max(claim.probability(fact), FLOOR)) for claim, fact in weighed) / len(weighed)
