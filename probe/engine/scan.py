"""The engine's core: a pure state machine that turns questions into probes and replies into observations.

Fed replies and a clock, it never waits, sends or reads by itself:
`ask`, `probes_to_send(now)`, `receive(reply)`, `next_deadline(now)`, `settled()`, `released()`.

Every try at a question is a probe of its own and stays valid until the question is settled, so a late
answer to an early try still counts. Silence counts after all tries, spread over growing gaps.
"""

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from msgspec import structs

from probe.engine.pacing import (
    BURST_S,
    AddressPace,
    PathStats,
    TokenBucket,
    stranger_timeout,
)
from probe.engine.rations import ErrorRation
from probe.model.plan import Timing
from probe.model.probing import ICMP_REASONS, Observation, Probe, Question, Reason, Reply, Role
from probe.model.target import IPAddress, Protocol

# --- a question under way ---


@dataclass(slots=True)
class PendingQuestion:
    """A question under way."""

    question: Question
    tries: int
    way: IPAddress  # the address whose path the probes take: a frame may be handed to one for another
    sent: list[tuple[int, float]] = field(default_factory=list)  # probe id, when
    accepted: Observation | None = None  # a syn-ack came, its aftermath is awaited
    due_at: float = 0.0  # when it is looked at next: another try, the end of the watch, or silence
    settled: bool = False


def not_sent(question: Question) -> Observation:
    """The observation of a question that was never asked."""
    return Observation(question, Reason.NOT_SENT, attempts=0)


def has_aftermath(question: Question, reply: Reply) -> bool:
    """Whether the connection is worth watching: not for follow-ups, and raw packets open none."""
    plain = question.ttl is None and question.min_ttl is None and question.role is not Role.CANARY
    if reply.header is not None:
        return False
    return plain and question.port.protocol is Protocol.TCP and reply.reason is Reason.SYN_ACK


def observe(asked: PendingQuestion, reply: Reply, attempt: int, sent_at: float) -> Observation:
    """What the first reply to a question amounts to; `sent_at` is when the answered try left."""
    return Observation(
        asked.question,
        reply.reason,
        attempts=len(asked.sent),
        answered=None if reply.reason is Reason.NOT_SENT else attempt,
        rtt=max(0.0, reply.at - sent_at),
        sender=reply.sender,
        icmp=reply.icmp,
        ttl=reply.ttl,
        aftermath=reply.aftermath,
        tcp=reply.tcp,
        header=reply.header,
        started=asked.sent[0][1],
        answered_at=reply.at,
    )


# --- the state machine ---


AFTERMATH_S = 0.4  # a backend tells within this what an accepted connection did next
_LOCAL_VERDICTS = frozenset({Reason.NOT_SENT, Reason.NO_ROUTE, Reason.HOST_UNREACH})


@dataclass(slots=True)
class _AddressState:
    learned: PathStats = field(default_factory=PathStats)
    pace: AddressPace = field(default_factory=AddressPace)
    ration: ErrorRation = field(default_factory=ErrorRation)
    silences: dict[Question, tuple[float, ...]] = field(default_factory=dict)  # when their tries left
    waiting: deque[PendingQuestion] = field(default_factory=deque)


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
    """

    def __init__(
        self, timing: Timing, capacity: int, learned: Mapping[IPAddress, PathStats] | None = None
    ) -> None:
        self.timing = timing
        self.counts = Counts()
        self._capacity = capacity
        self._ids = count(1)
        self._addresses: dict[IPAddress, _AddressState] = defaultdict(_AddressState)
        self._addresses |= {ip: _AddressState(known) for ip, known in (learned or {}).items()}
        self._probes: dict[int, tuple[PendingQuestion, int, float]] = {}  # id -> asked, attempt, sent at
        self._due: list[tuple[float, int, PendingQuestion]] = []
        self._order = count()
        self._total = None if timing.rate is None else TokenBucket(timing.rate, timing.rate * BURST_S)
        self._settled: list[Observation] = []
        self._released: list[int] = []

    # asking

    def ask(
        self,
        questions: Iterable[Question],
        *,
        tries: int | None = None,
        way: IPAddress | None = None,
    ) -> None:
        """Take up questions.

        A question with a TTL floor mostly ends in the silence it was asked for: one try is enough.

        Args:
            questions: what to ask.
            tries: of each; None: as many as the timing says.
            way: the address whose path they take; None: each that of its own address.
        """
        allowed = self.timing.retries + 1 if tries is None else tries
        for question in questions:
            few = 1 if question.min_ttl is not None else allowed
            self._queue(PendingQuestion(question, few, question.address if way is None else way))

    def _queue(self, asked: PendingQuestion) -> None:
        self._addresses[asked.way].waiting.append(asked)

    # sending

    def probes_to_send(self, now: float) -> list[Probe]:
        """Probes whose time has come, within rate and capacity."""
        self._handle_due(now)
        probes: list[Probe] = []
        for state in self._addresses.values():
            self._send_from(state.waiting, state.pace.bucket, now, probes)
        return probes

    def _send_from(
        self, queue: deque[PendingQuestion], bucket: TokenBucket, now: float, probes: list[Probe]
    ) -> None:
        """Send what the bucket allows; a question that was answered while it waited needs no other try."""
        while queue:
            if queue[0].settled or queue[0].accepted is not None:
                queue.popleft()
            elif self._may_send(bucket, now):
                probes.append(self._send(queue.popleft(), bucket, now))
            else:
                return

    def _may_send(self, bucket: TokenBucket, now: float) -> bool:
        within_rate = bucket.ready(now) and (self._total is None or self._total.ready(now))
        return within_rate and (len(self._probes) < self._capacity or self._release_oldest(now))

    def _release_oldest(self, now: float) -> bool:
        """Give up the oldest try that has outlived its timeout, to make room for a new one."""
        probe_id, (asked, _, sent_at) = next(iter(self._probes.items()))
        if now < sent_at + self._timeout(asked.way):
            return False
        self._drop_probe(probe_id)
        return True

    def _send(self, asked: PendingQuestion, bucket: TokenBucket, now: float) -> Probe:
        bucket.take(now)
        if self._total is not None:
            self._total.take(now)
        probe = Probe(next(self._ids), asked.question, len(asked.sent) + 1)
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

        After the last one a timeout is enough: the earlier ones may still be answered all that time.
        """
        last = len(asked.sent) >= self._allowed(asked)
        gap = 1 if last or len(asked.sent) == 1 else 2
        return asked.sent[-1][1] + gap * self._timeout(asked.way)

    def _timeout(self, address: IPAddress) -> float:
        timeout = self._addresses[address].learned.rtt.timeout()
        if timeout is None:
            others = (state.learned.rtt.timeout() for state in self._addresses.values())
            timeout = stranger_timeout([other for other in others if other is not None])
        return min(timeout, self.timing.timeout)

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
            else:
                self._settle(asked, self._silence(asked))

    def _allowed(self, asked: PendingQuestion) -> int:
        return self._addresses[asked.way].learned.tries(asked.tries)

    def next_deadline(self, now: float) -> float:
        """When `probes_to_send` has something to do next; infinity when nothing is under way."""
        times = [self._due[0][0]] if self._due else []
        times += [self._next_at(s.pace.bucket, now) for s in self._addresses.values() if s.waiting]
        return min(times, default=math.inf)

    def _next_at(self, bucket: TokenBucket, now: float) -> float:
        at = bucket.next_at(now)
        if self._total is not None:
            at = max(at, self._total.next_at(now))
        if len(self._probes) >= self._capacity:
            asked, _, sent_at = next(iter(self._probes.values()))
            at = max(at, sent_at + self._timeout(asked.way))
        return at

    # hearing

    def receive(self, reply: Reply) -> None:
        """Take in a reply. Duplicates and replies to what is settled change nothing."""
        known = self._probes.get(reply.probe_id)
        if known is None:
            return
        asked, attempt, sent_at = known
        if asked.accepted is not None:
            if reply.aftermath is not None and attempt == asked.accepted.answered:
                self._settle(asked, structs.replace(asked.accepted, aftermath=reply.aftermath))
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
        state = self._addresses[asked.way]
        rtt = max(0.0, reply.at - sent_at)
        first = state.learned.rtt.smoothed is None
        if reply.reason in ICMP_REASONS:  # late ones, and those that never come, are rationed, not lost
            state.learned.rtt.sample(rtt)
            if asked.question.ttl is None:
                state.ration.error(sent_at, attempt)
        else:
            state.learned.answer(attempt, rtt)
            state.pace.answered(attempt, reply.at, rtt)
        if first:
            self._shorten_waits()

    def _shorten_waits(self) -> None:
        """A first round trip is known: who was given the benefit of the doubt waits less long now."""
        under_way = {id(asked): asked for asked, _, _ in self._probes.values()}
        for asked in under_way.values():
            patience = self._patience(asked)
            if asked.accepted is None and patience < asked.due_at:
                self._wake(asked, patience)

    def _silence(self, asked: PendingQuestion) -> Observation:
        if asked.question.ttl is None and asked.question.min_ttl is None:
            self._addresses[asked.way].silences[asked.question] = tuple(at for _, at in asked.sent)
        return Observation(
            asked.question, Reason.NO_RESPONSE, attempts=len(asked.sent), started=asked.sent[0][1]
        )

    def _settle(self, asked: PendingQuestion, observation: Observation) -> None:
        asked.settled = True
        self.counts.answered += observation.answered is not None
        for probe_id, _ in asked.sent:
            self._drop_probe(probe_id)
        self._settled.append(observation)

    def _drop_probe(self, probe_id: int) -> None:
        if self._probes.pop(probe_id, None) is not None:
            self._released.append(probe_id)

    def rationed(self, way: IPAddress) -> frozenset[Question]:
        """Silent questions, since the last call, whose answers may have been held back (`rations`)."""
        state = self._addresses[way]
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
