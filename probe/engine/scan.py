"""The engine's core: a pure state machine that turns questions into probes and replies into observations.

Fed replies and a clock, it never waits, sends or reads by itself:
`ask`, `probes_to_send(now)`, `receive(reply)`, `next_deadline(now)`, `settled()`, `released()`.

Every try at a question is a probe of its own and stays valid until the question is settled, so a late
answer to an early try still counts. Silence counts after all tries, spread over growing gaps.
"""

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from probe.engine.pacing import EXPECTED_S, SYN_REPEAT_S, PathStats, capped, first_timeout
from probe.engine.pending import (
    AddressState,
    OutgoingLink,
    PendingQuestion,
    has_aftermath,
    known_timeout,
    not_sent,
    observe,
    with_aftermath,
)
from probe.model.plan import Timing
from probe.model.probing import ICMP_REASONS, UNMEASURED, Observation, Probe, Question, Reason, Reply
from probe.model.target import IPAddress, Protocol

NO_LIMITS: Mapping[Question, int] = {}
AFTERMATH_S = 0.4  # a backend reports within this what an accepted connection did next
_LOCAL_VERDICTS = UNMEASURED | {Reason.HOST_UNREACH}


@dataclass(slots=True)
class Counts:
    """What a scan cost so far, in probes."""

    sent: int = 0
    answered: int = 0
    resent: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.sent + other.sent, self.answered + other.answered, self.resent + other.resent)


class Scan:
    """The state machine. One instance a run, over all addresses.

    Args:
        timing: how patiently to ask.
        capacity: how many probes may wait for a reply at once.
        learned: what an earlier scan, which is over, has learned of each address.
        links: the interface by which each address is reached; what is not named shares one.
    """

    def __init__(
        self,
        timing: Timing,
        capacity: int,
        learned: Mapping[IPAddress, PathStats] | None = None,
        links: Mapping[IPAddress, str | None] | None = None,
    ) -> None:
        self.timing = timing
        self.counts = Counts()
        self._capacity = capacity
        self._ids = count(1)
        self._interfaces = links or {}
        self._links: dict[str | None, OutgoingLink] = {}
        self._addresses: dict[IPAddress, AddressState] = {}
        self._slowest: AddressState | None = None  # of those that answered, the one with the longest timeout
        self._longest: float | None = 0.0  # that timeout; None: to be looked up, for it has become shorter
        for address, known in (learned or {}).items():
            state = self._state(address, known)
            if known.rtt.smoothed is not None:
                self._note_timeout(state)
        self._probes: dict[int, tuple[PendingQuestion, int, float]] = {}  # id -> asked, attempt, sent at
        self._due: list[tuple[float, int, PendingQuestion]] = []
        self._later: list[tuple[float, int, AddressState]] = []  # addresses whose pace makes them wait
        self._order = count()
        self._total = None if timing.rate is None else capped(timing.rate)
        self._repeats: list[tuple[float, int]] = []  # when the kernel sends which probe again
        self._settled: list[Observation] = []
        self._released: list[int] = []

    # asking

    def ask(
        self,
        questions: Iterable[Question],
        *,
        tries: int | None = None,
        way: IPAddress | None = None,
        brief: Collection[Question] = (),
        once: Collection[Question] = (),
        limits: Mapping[Question, int] = NO_LIMITS,
    ) -> None:
        """Take up questions.

        A question with a TTL floor mostly ends in the silence it was asked for: one try is enough.

        Args:
            questions: what to ask.
            tries: of each; None: as many as the timing has.
            way: the address whose path they take; None: each that of its own address.
            brief: those of which silence is expected.
            once: those that have one try.
            limits: tries that a question has at most, whatever the address has shown.
        """
        allowed = self.timing.retries + 1 if tries is None else tries
        shared = None if way is None else self._state(way)
        for question in questions:
            few = 1 if question.min_ttl is not None or question in once else allowed
            state = shared or self._state(question.address)
            self._queue(
                PendingQuestion(
                    question, few, state, brief=question in brief, limit=limits.get(question, math.inf)
                )
            )

    def _state(self, address: IPAddress, learned: PathStats | None = None) -> AddressState:
        state = self._addresses.get(address)
        if state is None:
            link = self._links.setdefault(self._interfaces.get(address), OutgoingLink())
            state = self._addresses[address] = AddressState(link, learned or PathStats())
        return state

    def _queue(self, asked: PendingQuestion) -> None:
        state = asked.way
        state.waiting.append(asked)
        if not state.queued:
            state.queued = True
            state.link.ready.append(state)

    # sending

    def probes_to_send(self, now: float, read_until: float = math.inf) -> list[Probe]:
        """Probes whose time has come, within rate and capacity.

        What arrived by `read_until` has been taken in: no silence is concluded beyond it, for a busy machine
        may have an answer waiting that it has not come to read.
        """
        self._handle_due(min(now, read_until))
        self._handle_repeats(now)
        while self._later and self._later[0][0] <= now:
            _, _, state = heapq.heappop(self._later)
            state.link.ready.append(state)
        probes: list[Probe] = []
        for link in self._links.values():
            self._send_over(link, now, probes)
        return probes

    def _send_over(self, link: OutgoingLink, now: float, probes: list[Probe]) -> None:
        """Send for one address after the other, until they have to wait or what they share is spent."""
        for _ in range(len(link.ready)):
            state = link.ready.popleft()
            waits_until = self._send_from(state, now, probes)
            if waits_until is None:
                state.queued = False
            elif waits_until > now:
                heapq.heappush(self._later, (waits_until, next(self._order), state))
            else:
                link.ready.append(state)  # its turn comes after the others'
                return

    def _send_from(self, state: AddressState, now: float, probes: list[Probe]) -> float | None:
        """Send what the paces allow; return when this address may go on, None where it has sent all.

        A question that was answered while it waited needs no other try.
        """
        queue, bucket = state.waiting, state.pace.bucket
        while queue:
            if queue[0].settled or queue[0].accepted is not None:
                queue.popleft()
            elif not bucket.ready(now):
                return max(bucket.next_at(now), math.nextafter(now, math.inf))
            elif self._may_send(state.link, now):
                probes.append(self._send(queue.popleft(), now))
            else:
                return now
        return None

    def _may_send(self, link: OutgoingLink, now: float) -> bool:
        within_rate = link.pace.bucket.ready(now) and (self._total is None or self._total.ready(now))
        return within_rate and (len(self._probes) < self._capacity or self._release_oldest(now))

    def _handle_repeats(self, now: float) -> None:
        """Under a cap: count what the kernel sends again, and give up before what need not be sent again."""
        while self._repeats and self._repeats[0][0] <= now:
            at, probe_id = heapq.heappop(self._repeats)
            asked, _, sent_at = self._probes.get(probe_id, (None, 0, 0.0))
            if asked is None or self._total is None or asked.accepted is not None:
                continue
            farther = asked.way.learned.may_be_farther()
            if sent_at + (self.timing.timeout if farther else self._timeout(asked.way)) <= now:
                self._drop_probe(probe_id)
            else:
                self._total.take(now)
                heapq.heappush(self._repeats, (at + SYN_REPEAT_S, probe_id))

    def _release_oldest(self, now: float) -> bool:
        """Give up the oldest try that has outlived its timeout, to make room for a new one."""
        probe_id, (asked, _, sent_at) = next(iter(self._probes.items()))
        if now < sent_at + self._timeout(asked.way):
            return False
        self._drop_probe(probe_id)
        return True

    def _send(self, asked: PendingQuestion, now: float) -> Probe:
        asked.way.pace.bucket.take(now)
        asked.way.link.pace.bucket.take(now)
        asked.way.under_way[asked] = None
        probe = Probe(next(self._ids), asked.question, len(asked.sent) + 1)
        if self._total is not None:
            self._total.take(now)
            if asked.question.port.protocol is Protocol.TCP:
                heapq.heappush(self._repeats, (now + SYN_REPEAT_S, probe.id))
        asked.sent.append((probe.id, now))
        self._probes[probe.id] = (asked, probe.attempt, now)
        self.counts.sent += 1
        self.counts.resent += probe.attempt > 1
        self._wake(asked, self._patience(asked))
        return probe

    def left(self, probe_id: int, at: float) -> None:
        """Note when a probe left: `probes_to_send` gives many at once, and they leave one by one."""
        asked, attempt, _ = self._probes[probe_id]
        self._probes[probe_id], asked.sent[-1] = (asked, attempt, at), (probe_id, at)

    def _patience(self, asked: PendingQuestion) -> float:
        """Until when the last try is waited for: tries are spread over time, by one, two, two ... timeouts.

        After the last one a timeout is enough: the earlier ones may still be answered all that time. Only an
        address that never answered anything may be farther than all others: it is waited for in full, once.
        """
        last = len(asked.sent) >= self._allowed(asked)
        gap = 1 if last or len(asked.sent) == 1 else 2
        if asked.brief:
            return asked.sent[-1][1] + self._expected_silence(asked.way)
        until = asked.sent[-1][1] + gap * self._timeout(asked.way)
        if last and asked.tries > 1 and asked.way.learned.may_be_farther():
            return max(until, asked.sent[0][1] + self.timing.timeout)
        return until

    def _timeout(self, state: AddressState) -> float:
        timeout = state.learned.rtt.timeout
        if timeout is None:
            timeout = self._first_timeout()
        return min(timeout, self.timing.timeout)

    def _expected_silence(self, state: AddressState) -> float:
        """How long to wait for what mostly stays out: about as long as others of this address took."""
        usual = state.learned.rtt.variable_timeout
        return min(self._timeout(state) if usual is None else max(EXPECTED_S, usual), self.timing.timeout)

    def _first_timeout(self) -> float:
        if self._slowest is None:
            return first_timeout(None)
        if self._longest is None:
            self._slowest = max(self._addresses.values(), key=known_timeout)
            self._longest = known_timeout(self._slowest)
        return first_timeout(self._longest)

    def _note_timeout(self, state: AddressState) -> None:
        """Keep the slowest address: where it gets faster, another one may be the slowest."""
        timeout = known_timeout(state)
        if self._longest is not None and timeout > self._longest:
            self._slowest, self._longest = state, timeout
        elif state is self._slowest and timeout != self._longest:
            self._longest = None

    def _wake(self, asked: PendingQuestion, at: float) -> None:
        asked.due_at = at
        heapq.heappush(self._due, (at, next(self._order), asked))

    def _handle_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            at, _, asked = heapq.heappop(self._due)
            if asked.settled or at != asked.due_at:
                continue
            if asked.accepted is not None:
                self._settle(asked, asked.accepted)
            elif len(asked.sent) < self._allowed(asked):
                self._queue(asked)
            elif self._may_still_come(asked, at):
                self._wake(asked, at + EXPECTED_S)
            else:
                self._settle(asked, self._silence(asked))

    def _may_still_come(self, asked: PendingQuestion, at: float) -> bool:
        """Whether what is expected to stay silent has to wait for others of its address that do answer.

        They left beside it: where they are late, an answer to it would be late too.
        """
        within = asked.brief and at < asked.sent[-1][1] + self._timeout(asked.way)
        return within and not all(other.brief for other in asked.way.under_way)

    def _allowed(self, asked: PendingQuestion) -> int:
        if asked.brief and not asked.way.learned.lost:
            return 1
        return int(min(asked.way.learned.tries(asked.tries), asked.limit))

    def next_deadline(self, now: float) -> float:
        """When `probes_to_send` has something to do next; infinity when nothing is under way."""
        times = [heap[0][0] for heap in (self._due, self._later, self._repeats) if heap]
        times += [self._next_at(link, now) for link in self._links.values() if link.ready]
        return min(times, default=math.inf)

    def _next_at(self, link: OutgoingLink, now: float) -> float:
        at = link.pace.bucket.next_at(now)
        if self._total is not None:
            at = max(at, self._total.next_at(now))
        if len(self._probes) >= self._capacity:
            asked, _, sent_at = next(iter(self._probes.values()))
            at = max(at, sent_at + self._timeout(asked.way))
        return at

    # receiving

    def receive(self, reply: Reply) -> None:
        """Take in a reply. Duplicates and replies to what is settled change nothing."""
        known = self._probes.get(reply.probe_id)
        if known is None:
            return
        asked, attempt, sent_at = known
        if asked.accepted is not None:
            if reply.aftermath is not None and attempt == asked.accepted.answered:
                self._settle(asked, with_aftermath(asked.accepted, reply))
            return
        observation = observe(asked, reply, attempt, sent_at)
        self._learn(asked, attempt, reply, sent_at)
        if has_aftermath(asked.question, reply) and reply.aftermath is None:
            asked.accepted = observation
            self._wake(asked, reply.at + AFTERMATH_S)
        else:
            self._settle(asked, observation)

    def _learn(self, asked: PendingQuestion, attempt: int, reply: Reply, sent_at: float) -> None:
        if reply.reason in _LOCAL_VERDICTS:
            return
        state = asked.way
        rtt = max(0.0, reply.at - sent_at)
        first, first_of_all = state.learned.rtt.smoothed is None, self._slowest is None
        if reply.reason in ICMP_REASONS:
            self._learn_of_error(asked, attempt, reply, sent_at)
        else:
            state.learned.answer(attempt, rtt)
            state.pace.answered(attempt, reply.at, rtt)
            state.link.pace.answered(attempt, reply.at, rtt)
        if state.learned.rtt.smoothed is None:
            return
        self._note_timeout(state)
        if first_of_all:
            for other in self._addresses.values():
                self._shorten_waits(other)
        elif first:
            self._shorten_waits(state)

    def _learn_of_error(self, asked: PendingQuestion, attempt: int, reply: Reply, sent_at: float) -> None:
        """Learn from an ICMP error: late ones, and those that never come, are rationed, not lost.

        One that comes so late that the kernel has sent the SYN again answers the repeat: its round trip is
        not known, and its sender spent it then.
        """
        state, rtt = asked.way, max(0.0, reply.at - sent_at)
        of_connection = asked.question.port.protocol is Protocol.TCP
        later = state.learned.repeated_after(rtt) if of_connection else 0.0
        if not later:
            state.learned.rtt.sample(rtt)
        if asked.question.ttl is None:
            state.ration.error(sent_at + later, late=later > 0 or attempt > 1)

    def _shorten_waits(self, state: AddressState) -> None:
        """A first round trip is known: who was given the benefit of the doubt waits less long now."""
        for asked in state.under_way:
            patience = self._patience(asked)
            if asked.accepted is None and patience < asked.due_at:
                self._wake(asked, patience)

    def _silence(self, asked: PendingQuestion) -> Observation:
        if asked.question.ttl is None and asked.question.min_ttl is None:
            asked.way.learned.waited = True
            asked.way.silences[asked.question] = tuple(at for _, at in asked.sent)
        return Observation(
            asked.question, Reason.NO_RESPONSE, attempts=len(asked.sent), started=asked.sent[0][1]
        )

    def _settle(self, asked: PendingQuestion, observation: Observation) -> None:
        asked.settled = True
        asked.way.under_way.pop(asked, None)
        self.counts.answered += observation.answered is not None
        for probe_id, _ in asked.sent:
            self._drop_probe(probe_id)
        self._settled.append(observation)

    def _drop_probe(self, probe_id: int) -> None:
        if self._probes.pop(probe_id, None) is not None:
            self._released.append(probe_id)

    def rationed(self, way: IPAddress) -> frozenset[Question]:
        """Silent questions, since the last call, whose answers may have been held back (`rations`)."""
        state = self._state(way)
        silences, state.silences = state.silences, {}
        return frozenset(q for q, tries in silences.items() if state.ration.may_hold_back(tries))

    def learned(self) -> Mapping[IPAddress, PathStats]:
        """What is known of each address, for a scan after this one."""
        return {ip: state.learned for ip, state in self._addresses.items()}

    def settled(self) -> Sequence[Observation]:
        """Observations that became final since the last call, one per question."""
        out, self._settled = self._settled, []
        return out

    def released(self) -> Sequence[int]:
        """Probes that nobody waits for any more, since the last call."""
        out, self._released = self._released, []
        return out

    def give_up(self, now: float) -> None:
        """Settle everything that is under way with what is known now.

        What was asked so lately that its answer may still be on the way was not measured: it is no silence.
        """
        under_way = {id(asked): asked for asked, _, _ in self._probes.values()}
        under_way |= {id(asked): asked for _, _, asked in self._due}
        for state in self._addresses.values():
            under_way |= {id(asked): asked for asked in state.waiting}
            state.waiting.clear()
        for asked in under_way.values():
            if not asked.settled:
                self._settle(asked, asked.accepted or self._cut_short(asked, now))

    def _cut_short(self, asked: PendingQuestion, now: float) -> Observation:
        waited = bool(asked.sent) and now - asked.sent[0][1] >= self._timeout(asked.way)
        return self._silence(asked) if waited else not_sent(asked.question)
