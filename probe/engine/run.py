"""Carry surveys over a backend: the only loop of the engine, and it owns no clock but the backend's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from probe.engine.backend import Backend
from probe.engine.pacing import PathStats
from probe.engine.scan import Counts, Scan, not_sent
from probe.engine.survey import Step, Survey
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Observation, Question
from probe.model.target import IPAddress, TargetAddress

Progress = Callable[[int, int], None]  # questions settled, questions asked so far


@dataclass(slots=True)
class _Running:
    """One survey under way: the questions it waits for, and what was heard of the others."""

    survey: Survey
    open: set[Question] = field(default_factory=set)
    heard: dict[Question, Observation] = field(default_factory=dict)
    begun: bool = False
    done: AddressSurvey | None = None

    def advance(self) -> Step | None:
        """Hand the survey what was heard and take its next step; None when it is done."""
        try:
            step = self.survey.send(self.heard) if self.begun else next(self.survey)
        except StopIteration as end:
            self.done = end.value
            return None
        self.begun = True
        self.open, self.heard = set(step.questions), {}
        return step

    def hear(self, observation: Observation) -> None:
        """Take in the outcome of one question."""
        self.open.discard(observation.question)
        self.heard[observation.question] = observation

    def mark(self, rationed: Iterable[Question]) -> None:
        """Mark the silences that may be answers held back."""
        for question in rationed:
            silence = self.heard.get(question)
            if silence is not None:
                self.heard[question] = structs.replace(silence, rationed=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run measured. `complete` is False when it was interrupted; `learned` is for a run after it."""

    surveys: tuple[AddressSurvey, ...]
    counts: Counts
    elapsed: float  # seconds
    complete: bool
    learned: Mapping[IPAddress, PathStats] = field(default_factory=dict)


class Run:
    """One run over all addresses, until every survey is done or the deadline is reached.

    A question that several surveys ask at the same time is asked once, and all of them get the answer.

    Args:
        surveys: what is asked of each address.
        backend: what carries it.
        timing: how patiently.
        learned: what an earlier run has learned of each address.
    """

    def __init__(
        self,
        surveys: Mapping[IPAddress, Survey],
        backend: Backend,
        timing: Timing,
        learned: Mapping[IPAddress, PathStats] | None = None,
    ) -> None:
        self._backend = backend
        self._scan = Scan(timing, backend.capacity, learned)
        self._running = {address: _Running(survey) for address, survey in surveys.items()}
        self._settled = 0
        self._asked = 0
        self._pending: dict[IPAddress, tuple[float, Step]] = {}  # chosen steps and when they may start
        self._askers: dict[Question, list[IPAddress]] = {}  # whose surveys wait for it

    def until(self, deadline: float, progress: Progress | None = None) -> Outcome:
        """Run for at most `deadline` seconds; a signal ends it early with what is known."""
        start = self._backend.now()
        self._advance_all(start)
        self._loop(start + deadline, progress)
        complete = not self._backend.interrupted()
        self._finish()
        surveys = tuple(r.done for r in self._running.values() if r.done is not None)
        elapsed = self._backend.now() - start
        return Outcome(surveys, self._scan.counts, elapsed, complete, self._scan.learned())

    def _loop(self, end: float, progress: Progress | None) -> None:
        now = self._backend.now()
        while now < end and not self._backend.interrupted() and self._is_under_way():
            self._start_steps(now)
            probes = self._scan.probes_to_send(now)
            self._backend.forget(self._scan.released())  # first: it makes room for the new ones
            for probe in probes:
                self._scan.left(probe.id, self._backend.send(probe))
            if not self._hand_out(now):
                for reply in self._backend.receive(min(end, self._next_time(now))):
                    self._scan.receive(reply)
                now = self._backend.now()
                self._hand_out(now)
            if progress is not None:
                progress(self._settled, self._asked)

    def _is_under_way(self) -> bool:
        return any(running.done is None for running in self._running.values())

    def _next_time(self, now: float) -> float:
        pauses = (starts_at for starts_at, _ in self._pending.values())
        return min(self._scan.next_deadline(now), *pauses, float("inf"))

    def _advance_all(self, now: float) -> None:
        for address, running in self._running.items():
            self._advance(address, running, now)

    def _advance(self, address: IPAddress, running: _Running, now: float) -> None:
        """Take the survey's next step that has something to wait for."""
        step = running.advance()
        while step is not None and not step.questions:
            step = running.advance()
        if step is not None:
            self._pending[address] = now + step.idle, step

    def _start_steps(self, now: float) -> None:
        ready = [address for address, (starts_at, _) in self._pending.items() if starts_at <= now]
        for address in ready:
            _, step = self._pending.pop(address)
            new = [question for question in dict.fromkeys(step.questions) if question not in self._askers]
            for question in step.questions:
                self._askers.setdefault(question, []).append(address)
            self._scan.ask(new, tries=step.tries, way=address)
            self._asked += len(new)

    def _hand_out(self, now: float) -> bool:
        """Give settled observations to the surveys that asked; True where one of them went on."""
        for observation in self._scan.settled():
            self._settled += 1
            for address in self._askers.pop(observation.question):
                self._running[address].hear(observation)
        ready = [
            (address, running)
            for address, running in self._running.items()
            if running.done is None and not running.open and address not in self._pending
        ]
        for address, running in ready:
            running.mark(self._scan.rationed(address))
            self._advance(address, running, now)
        return bool(ready)

    def _finish(self) -> None:
        """Close what is under way: surveys that are not done end with what they have."""
        now = self._backend.now()
        self._scan.give_up(now)
        self._hand_out(now)
        while left := [(a, running) for a, running in self._running.items() if running.done is None]:
            for address, running in left:
                self._close(address, running, now)
        self._backend.forget(self._scan.released())

    def _close(self, address: IPAddress, running: _Running, now: float) -> None:
        """Answer a step that can no longer be asked with 'not sent', and move on."""
        self._pending.pop(address, None)
        for question in tuple(running.open):
            running.hear(not_sent(question))
        running.mark(self._scan.rationed(address))
        self._advance(address, running, now)


# --- a few questions beside a survey ---


Answers = dict[Question, Observation]

_LONGEST_S = 5.0  # of one round, whatever happens


def ask_only(address: IPAddress, questions: Sequence[Question]) -> Survey:
    """Ask these questions and nothing else: a survey whose observations are their answers."""
    answers = yield Step(tuple(questions))
    return AddressSurvey(TargetAddress(address, ""), tuple(answers.values()))


def ask(
    questions: Iterable[Question], backend: Backend, timing: Timing, longest: float = _LONGEST_S
) -> Answers:
    """Ask all of these at once, each address at its own pace; `longest` is in seconds.

    Nothing is known where a signal cut it short: what was not asked in full may not pass for silence.
    """
    by_address: dict[IPAddress, list[Question]] = {}
    for question in dict.fromkeys(questions):
        by_address.setdefault(question.address, []).append(question)
    surveys = {address: ask_only(address, asked) for address, asked in by_address.items()}
    outcome = Run(surveys, backend, timing).until(longest)
    if not outcome.complete:
        return {}
    return {o.question: o for survey in outcome.surveys for o in survey.observations}
