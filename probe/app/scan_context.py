"""What a stage of a scan is, and what every stage works with."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from probe.app.session import Backends
from probe.engine.run import Outcome, Progress
from probe.model.plan import Plan
from probe.model.target import Port


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What every stage works with.

    `running` are ports that are known to run. `patient`: where a tunnel has no session yet, it may be waited
    for a second handshake, some 6 s.
    """

    plan: Plan
    backends: Backends
    running: frozenset[Port] = frozenset()
    progress: Progress | None = None
    patient: bool = True

    def unless_interrupted(self, outcome: Outcome) -> Outcome:
        """The outcome, not complete any more where a signal asked for the end."""
        return replace(outcome, complete=outcome.complete and not self.backends.backend.interrupted())


Stage = Callable[[Outcome, ScanContext], Outcome]
