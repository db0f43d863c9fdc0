"""The score card: how two probers did on the same worlds."""

from dataclasses import dataclass

from probe.model.target import Port
from score.grade import Claim, Fact, Grade


@dataclass(frozen=True, slots=True)
class Mistake:
    """A prober's verdict on one port, what is true of it, and the seed of its world."""

    seed: int
    port: Port
    claim: Claim
    fact: Fact


@dataclass(frozen=True, slots=True)
class Column:
    """How one prober did. `seconds` is the mean time a world, without setting the world up."""

    grade: Grade
    seconds: float
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """The score of one run; `nmap` is None where `skipped` has the reason why it did not run."""

    seed: int
    worlds: int
    engine: str
    world: str
    ours: Column
    nmap: Column | None
    skipped: str | None = None
