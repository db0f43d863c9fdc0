"""The script of one round of raw follow-ups on an address: ask them at once, keep what each brought."""

from collections.abc import Sequence
from dataclasses import replace

from probe.engine.survey import Step, Survey
from probe.model.facts import AddressSurvey, Trace
from probe.model.plan import FollowUp
from probe.model.probing import Observation, Reason
from probe.model.target import IPAddress

_ANSWERS = frozenset({Reason.SYN_ACK, Reason.RESET, Reason.UDP_RESPONSE})


def ask_follow_ups(survey: AddressSurvey, wanted: Sequence[FollowUp]) -> Survey:
    """Ask raw questions about an address; return its survey with what they brought."""
    answers = yield Step(tuple(one.question for one in wanted))
    traces = tuple(Trace(answers[one.question], one.why) for one in wanted if one.question in answers)
    return replace(
        survey,
        observations=tuple(
            _heard_after_all(o, answers.get(o.question), survey.own_addresses) for o in survey.observations
        ),
        traces=(*survey.traces, *traces),
    )


def _heard_after_all(before: Observation, raw: Observation | None, own: frozenset[IPAddress]) -> Observation:
    """Where connect() heard nothing, what raw packets heard of the same question is the answer.

    That this machine's own firewall stops them is an answer too: it explains the silence.
    """
    if before.reason is not Reason.NO_RESPONSE or raw is None:
        return before
    stopped_here = raw.sender in own and raw.sender != raw.question.address
    if raw.reason not in _ANSWERS and not stopped_here:
        return before
    answered = None if raw.answered is None else before.attempts + raw.answered
    return replace(raw, attempts=before.attempts + raw.attempts, answered=answered, unheard=not stopped_here)
