"""The script of one round of raw follow-ups on an address: ask them at once, keep what each brought."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from probe.engine.learned import Learned
from probe.engine.survey import FOLLOW_UP_TRIES, Step, Survey
from probe.model.facts import AddressSurvey, Trace
from probe.model.plan import FollowUp
from probe.model.probing import Observation, Reason

ENOUGH_ANSWERS = 10  # without a loss: two tries then leave less than SILENCE_DOUBT, with (0.5 / 11) ** 2
_ANSWERS = frozenset({Reason.SYN_ACK, Reason.RESET, Reason.UDP_RESPONSE})


def ask_follow_ups(
    survey: AddressSurvey, wanted: Sequence[FollowUp], learned: Learned | None = None
) -> Survey:
    """Ask raw questions about an address; return its survey with what they brought.

    Args:
        survey: what is known so far.
        wanted: the questions.
        learned: what the answers before have taught of the address; None: nothing was asked of it.
    """
    answers = yield Step(tuple(one.question for one in wanted), tries=_tries(learned))
    traces = tuple(Trace(answers[one.question], one.why) for one in wanted if one.question in answers)
    return replace(
        survey,
        observations=tuple(_heard_after_all(o, answers.get(o.question), survey) for o in survey.observations),
        traces=(*survey.traces, *traces),
    )


def _tries(learned: Learned | None) -> int | None:
    """Few where it is known how much gets lost: the scan adds to them by that loss. None: its own number.

    An address that never answered at all does not lose packets by chance either.
    """
    if learned is None or 0 < learned.answered < ENOUGH_ANSWERS:
        return None
    return FOLLOW_UP_TRIES


def _heard_after_all(before: Observation, raw: Observation | None, survey: AddressSurvey) -> Observation:
    """Where connect() heard nothing, what raw packets heard of the same question is the answer.

    That this machine's own firewall stops them is an answer too: it explains the silence.
    """
    if before.reason is not Reason.NO_RESPONSE or raw is None:
        return before
    stopped_here = survey.is_our_own(raw)
    if raw.reason not in _ANSWERS and not stopped_here:
        return before
    answered = None if raw.answered is None else before.attempts + raw.answered
    return structs.replace(
        raw, attempts=before.attempts + raw.attempts, answered=answered, unheard=not stopped_here
    )
