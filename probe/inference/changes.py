"""What changed while it was measured: a port or an address that answers otherwise when it is asked again.

One socket behind one filter gives the same answer twice. Where it does not, a service ended or began, the
host or a link failed, or something limits or bans who asks. Then answers of different addresses cannot be
compared: what one of them refused, it may have accepted before. Only that a port was accepted stays as
evidence of its binding.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from probe.inference.responses import noise_of
from probe.model.binding import INSEPARABLE, Binding, Candidate, Condition, ranked
from probe.model.facts import AddressSurvey
from probe.model.probing import ICMP_REASONS, UNMEASURED, Observation, Reason, Role, State
from probe.model.target import Port, Protocol, Seen

_LOST = 0.002  # chance of a silence by loss alone below which it is none
_SEVERAL = 2  # ports that an address accepted, and none of them any more: the address changed


@dataclass(frozen=True, slots=True)
class AddressChanges:
    """What changed on one address.

    Args:
        conditions: of the ports that contradict themselves there.
        later: what these answered when they were asked again.
        stopped: the address itself answers otherwise, or no more.
        unsure: ports that changed on some address; only an accepted connection shows something of them.
        refusing: every port that it had accepted refuses now, perhaps only one: refusals there are doubtful.
        banned: the same of several ports: no refusal there shows anything.
        twice: ports whose answer there was given twice.
    """

    conditions: Mapping[Port, Condition] = field(default_factory=dict)
    later: Mapping[Port, Reason] = field(default_factory=dict)
    stopped: bool = False
    unsure: frozenset[Port] = frozenset()
    refusing: bool = False
    banned: bool = False
    twice: frozenset[Port] = frozenset()

    def shows_nothing(self, o: Observation) -> bool:
        """Whether an answer may be that of another time than the others: it counts for no binding."""
        if o.state is State.OPEN:
            return False
        silent = o.reason is Reason.NO_RESPONSE
        return self.banned or (self.stopped and silent) or o.question.port in self.unsure


def changes_of(surveys: Sequence[AddressSurvey]) -> Mapping[Seen, AddressChanges]:
    """Compare the first answers of every address with the second ones."""
    by_address = {s.seen: _contradictions(s) for s in surveys}
    changed: dict[str, set[Port]] = {}
    for (vantage, _), found in by_address.items():
        changed.setdefault(vantage, set()).update(found)
    return {s.seen: _of_address(s, by_address[s.seen], frozenset(changed[s.vantage])) for s in surveys}


def without_changed(survey: AddressSurvey, changes: AddressChanges) -> AddressSurvey:
    """The survey without what shows who answered for a port that changed: that was at another time."""
    if not changes.unsure:
        return survey
    return dataclasses.replace(
        survey,
        observations=tuple(
            of_no_origin(o) if o.question.port in changes.unsure else o for o in survey.observations
        ),
        traces=tuple(t for t in survey.traces if t.observation.question.port not in changes.unsure),
    )


def of_no_origin(o: Observation) -> Observation:
    """An answer of which it is not known who gave it."""
    return replace(o, origin=None, ttl=None)


def _of_address(
    survey: AddressSurvey, found: Mapping[Port, Condition], changed: frozenset[Port]
) -> AddressChanges:
    accepted = [o for o in survey.repeats() if _accepted_first(o, survey)]
    failing = bool(accepted) and all(o.question.port in found for o in accepted)
    refusing = failing and any(o.reason is not Reason.NO_RESPONSE for o in accepted)
    several = len(accepted) >= _SEVERAL
    twice = frozenset(
        o.question.port for o in survey.observations if o.origin is not None or o.question.role is Role.REPEAT
    )
    return AddressChanges(
        found,
        {o.question.port: o.reason for o in survey.repeats()},
        stopped=(failing and several) or _is_gone(survey),
        unsure=changed,
        refusing=refusing,
        banned=refusing and several,
        twice=twice | survey.keys.keys() | survey.greetings.keys(),
    )


def _accepted_first(again: Observation, survey: AddressSurvey) -> bool:
    first = survey.tested().get(again.question.port)
    return first is not None and first.state is State.OPEN


def _is_gone(survey: AddressSurvey) -> bool:
    """Whether a control that answered stays silent, or is rejected, for no reason of loss."""
    controls = {o.question.port: o for o in survey.controls()}
    again = [o for o in survey.repeats() if o.question.port in controls]
    return any(_is_answered_otherwise(controls[o.question.port], o, survey) for o in again)


def _is_answered_otherwise(first: Observation, again: Observation, survey: AddressSurvey) -> bool:
    if again.reason is Reason.NO_RESPONSE:
        return first.answered is not None and _is_no_loss(again, survey)
    return again.reason not in UNMEASURED and again.reason is not first.reason


def _is_no_loss(again: Observation, survey: AddressSurvey) -> bool:
    return dataclasses.replace(noise_of(survey, 0), banned=False).silence(again.attempts) < _LOST


def _contradictions(survey: AddressSurvey) -> dict[Port, Condition]:
    """The ports whose second answer is another than the first, with what that makes of them."""
    tested = survey.tested()
    both = [(tested[o.question.port], o) for o in survey.repeats() if o.question.port in tested]
    found = {o.question.port: _condition(first, o, survey) for first, o in both}
    return {port: condition for port, condition in found.items() if condition is not None}


def _condition(first: Observation, again: Observation, survey: AddressSurvey) -> Condition | None:
    """What two answers of one port show: None where they agree, or where a silence may be chance.

    A refusal that stays out shows nothing: stacks limit their resets, and senders their ICMP errors.
    """
    opened = first.state is State.OPEN
    if again.reason in UNMEASURED or survey.is_our_own(again) or first.state is again.state:
        return None
    if again.reason is Reason.NO_RESPONSE:
        quiet = opened and again.question.port.protocol is Protocol.TCP and _is_no_loss(again, survey)
        return Condition.CHANGED if quiet else None
    if opened and again.reason in ICMP_REASONS and again.state is not State.CLOSED:
        return Condition.RATE_LIMITED
    return Condition.CHANGED


def now_accepted(port: Port, survey: AddressSurvey) -> Observation | None:
    """The second answer of a port that accepted only then."""
    again = (o for o in survey.repeats() if o.question.port == port)
    return next((o for o in again if o.state is State.OPEN), None)


# --- what that does to a posterior ---


CHANGED_CAP = 0.85  # that a verdict on a port has at most which changed while it was measured
ONCE_CAP = 0.97  # ... where no answer that decides was given twice
_GONE = 0.5  # share of "nothing accepts any more" where the second answer is a refusal
_OF_LOOPBACK = 0.3  # ... of it: still on loopback


def tempered(candidates: Sequence[Candidate], cap: float) -> tuple[Candidate, ...]:
    """Candidates of which neither the first nor the pair that cannot be separated has more than `cap`."""
    pair = frozenset(c for c in candidates if c.binding in INSEPARABLE)
    best = max(candidates, key=lambda c: c.probability)
    named = pair if sum(c.probability for c in pair) > best.probability else frozenset({best})
    whole = sum(c.probability for c in named)
    rest = sum(c.probability for c in candidates if c not in named)
    if whole <= cap or not rest:
        return tuple(candidates)
    return _scaled(candidates, lambda c: cap / whole if c in named else (1 - cap) / rest)


def gone_now(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates where what was accepted is refused by now: as likely, nothing is bound there any more."""
    known = {c.binding for c in candidates}
    lacking = [Candidate(binding=b, probability=0.0) for b in sorted(INSEPARABLE - known)]
    more = {Binding.LOOPBACK: _GONE * _OF_LOOPBACK, Binding.NOT_LISTENING: _GONE * (1 - _OF_LOOPBACK)}
    mixed = [
        replace(c, probability=(1 - _GONE) * c.probability + more.get(c.binding, 0.0))
        for c in (*candidates, *lacking)
    ]
    return ranked(mixed)


def _scaled(candidates: Sequence[Candidate], factor: Callable[[Candidate], float]) -> tuple[Candidate, ...]:
    scaled = [replace(c, probability=c.probability * factor(c)) for c in candidates]
    return ranked(scaled)
