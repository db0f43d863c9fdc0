"""Carry surveys over a backend: the only loop of the engine, and it owns no clock but the backend's."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from msgspec import structs

from probe.engine.backend import Backend
from probe.engine.pacing import PathStats
from probe.engine.pending import not_sent
from probe.engine.scan import Counts, Scan
from probe.engine.survey import Step, Survey
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Observation, Question
from probe.model.target import IPAddress, TargetAddress

Progress = Callable[[int, int], None]  # questions settled, questions asked so far
Watcher = Callable[[Sequence[Observation]], None]  # what was settled just now


_NOTHING = Step(())


@dataclass(slots=True)
class _Running:
    """One survey under way: the questions it waits for, and what the others brought."""

    survey: Survey
    step: Step = _NOTHING  # the latest
    open: set[Question] = field(default_factory=set)
    outcomes: dict[Question, Observation] = field(default_factory=dict)
    begun: bool = False
    done: AddressSurvey | None = None

    def advance(self) -> Step | None:
        """Hand the survey the outcomes and take its next step; None when it is done."""
        try:
            step = self.survey.send(self.outcomes) if self.begun else next(self.survey)
        except StopIteration as end:
            self.done = end.value
            return None
        self.begun = True
        self.step, self.open, self.outcomes = step, set(step.questions), {}
        return step

    def take(self, observation: Observation) -> Question | None:
        """Take in the outcome of one question; return the one that has to be asked now, if any."""
        self.open.discard(observation.question)
        self.outcomes[observation.question] = observation
        follower = self.step.follower(observation)
        if follower is not None:
            self.open.add(follower)
        return follower

    def mark(self, rationed: Iterable[Question]) -> None:
        """Mark the silences that may be answers held back, of the questions of this survey."""
        self.outcomes |= {
            q: structs.replace(self.outcomes[q], rationed=True) for q in rationed if q in self.outcomes
        }


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
        links: the interface by which each is reached; None or not named: all by the same.
        watcher: called with observations as they become final, while others are still under way.
    """

    def __init__(
        self,
        surveys: Mapping[IPAddress, Survey],
        backend: Backend,
        timing: Timing,
        learned: Mapping[IPAddress, PathStats] | None = None,
        links: Mapping[IPAddress, str | None] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._backend = backend
        self._watcher = watcher
        self._scan = Scan(timing, backend.capacity, learned, links)
        self._running = {address: _Running(survey) for address, survey in surveys.items()}
        self._settled = 0
        self._asked = 0
        self._left = len(self._running)  # surveys that are not done
        self._pending: dict[IPAddress, tuple[float, Step]] = {}  # chosen steps and when they may start
        self._starts: list[tuple[float, int, IPAddress]] = []  # heap of the same, in the order of choosing
        self._order = count()
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
        now = read_until = self._backend.now()
        while now < end and not self._backend.interrupted() and self._is_under_way():
            self._start_steps(now)
            if not self._is_under_way():  # the last one was a pause
                return
            probes = self._scan.probes_to_send(now, read_until)
            self._backend.forget(self._scan.released())  # first: it makes room for the new ones
            for probe in probes:
                self._scan.left(probe.id, self._backend.send(probe))
            if not self._hand_out(now):
                began, until = self._backend.now(), min(end, self._next_time(now))
                replies = self._backend.receive(until)
                for reply in replies:
                    self._scan.receive(reply)
                read_until = began if replies else max(began, until)
                now = self._backend.now()
                self._hand_out(now)
            if progress is not None:
                progress(self._settled, self._asked)

    def _is_under_way(self) -> bool:
        return self._left > 0

    def _next_time(self, now: float) -> float:
        deadline = self._scan.next_deadline(now)
        return min(deadline, self._starts[0][0]) if self._starts else deadline

    def _advance_all(self, now: float) -> None:
        for address, running in self._running.items():
            self._advance(address, running, now)

    def _advance(self, address: IPAddress, running: _Running, now: float) -> None:
        """Take the survey's next step that has something to wait for: an answer, or a pause."""
        step = running.advance()
        while step is not None and not step.questions and not step.pause:
            step = running.advance()
        if step is None:
            self._left -= 1
        else:
            self._pending[address] = now + step.idle, step
            heapq.heappush(self._starts, (now + step.idle, next(self._order), address))

    def _start_steps(self, now: float) -> None:
        while self._starts and self._starts[0][0] <= now:
            _, _, address = heapq.heappop(self._starts)
            _, step = self._pending.pop(address)
            if not step.questions:
                self._advance(address, self._running[address], now)
                continue
            self._ask(address, step, step.questions)

    def _ask(self, address: IPAddress, step: Step, questions: Sequence[Question]) -> None:
        """Ask questions of a step, those that another survey has asked already aside."""
        new = [question for question in dict.fromkeys(questions) if question not in self._askers]
        for question in questions:
            self._askers.setdefault(question, []).append(address)
        self._scan.ask(
            new, tries=step.tries, way=address, brief=step.brief, once=step.once, limits=step.limits
        )
        self._asked += len(new)

    def _hand_out(self, now: float) -> bool:
        """Give settled observations to the surveys that asked; True where one of them went on."""
        answered: dict[IPAddress, None] = {}
        settled = self._scan.settled()
        if settled and self._watcher is not None:
            self._watcher(settled)
        for observation in settled:
            self._settled += 1
            for address in self._askers.pop(observation.question):
                running = self._running[address]
                follower = running.take(observation)
                if follower is not None:
                    self._ask(address, running.step, (follower,))
                answered[address] = None
        ready = [(a, running) for a in answered if not (running := self._running[a]).open]
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
        self._pending.pop(address, None)  # its start is never reached
        while running.open:  # one may be followed by another
            running.take(not_sent(next(iter(running.open))))
        running.mark(self._scan.rationed(address))
        self._advance(address, running, now)


# --- a few questions beside a survey ---


Answers = dict[Question, Observation]

_LONGEST_S = 5.0  # of one round, whatever happens


def ask_only(address: IPAddress, questions: Sequence[Question], idle: float = 0.0) -> Survey:
    """Ask these questions and nothing else: a survey whose observations are their answers."""
    answers = yield Step(tuple(questions), idle)
    return AddressSurvey(TargetAddress(address, ""), tuple(answers.values()))


def ask(
    questions: Iterable[Question],
    backend: Backend,
    timing: Timing,
    longest: float = _LONGEST_S,
    learned: Mapping[IPAddress, PathStats] | None = None,
    idle: float = 0.0,
) -> Answers:
    """Ask all of these at once, each address at its own pace.

    Nothing is known where a signal cut it short: what was not asked in full may not pass for silence.

    Args:
        questions: what to ask.
        backend: what carries it.
        timing: how patiently.
        longest: seconds that it takes at most.
        learned: what an earlier run has learned of each address.
        idle: seconds to wait before.
    """
    by_address: dict[IPAddress, list[Question]] = {}
    for question in dict.fromkeys(questions):
        by_address.setdefault(question.address, []).append(question)
    surveys = {address: ask_only(address, asked, idle) for address, asked in by_address.items()}
    outcome = Run(surveys, backend, timing, learned).until(longest)
    if not outcome.complete:
        return {}
    return {o.question: o for survey in outcome.surveys for o in survey.observations}
