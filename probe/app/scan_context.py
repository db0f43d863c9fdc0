"""What a stage of a scan is, and what every stage works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from probe.app.session import Backends
from probe.engine.backend import Endpoint, Task
from probe.engine.run import Outcome, Progress, Watcher
from probe.model.greeting import Greeting
from probe.model.identity import Key
from probe.model.measurement import NO_FACTS, Facts
from probe.model.plan import Plan


@dataclass(slots=True)
class BegunInquiries:
    """What services are being asked: tasks under way, the endpoints that they ask, and what they open there.

    `opened` are the connections to ports whose openings are counted, one each.
    """

    keys: list[Task[Mapping[Endpoint, tuple[Key, ...]]]] = field(default_factory=list)
    greetings: list[Task[Mapping[Endpoint, Greeting]]] = field(default_factory=list)
    keyed: set[Endpoint] = field(default_factory=set)
    greeted: set[Endpoint] = field(default_factory=set)
    opened: list[Endpoint] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What every stage works with.

    `facts` are what the user stated. `patient`: where a tunnel has no session yet, it may be waited
    for a second handshake, some 6 s. `watcher` is called with observations as they become
    final. `begun` is what services are asked already.
    """

    plan: Plan
    backends: Backends
    facts: Facts = NO_FACTS
    progress: Progress | None = None
    watcher: Watcher | None = None
    patient: bool = True
    begun: BegunInquiries = field(default_factory=BegunInquiries)

    def unless_interrupted(self, outcome: Outcome) -> Outcome:
        """The outcome, not complete any more where a signal asked for the end."""
        return replace(outcome, complete=outcome.complete and not self.backends.backend.interrupted())


Stage = Callable[[Outcome, ScanContext], Outcome]
