"""Ask a few questions beside a survey, and hand back what each brought. Pure."""

from collections.abc import Iterable, Sequence

from probe.engine.backend import Backend
from probe.engine.run import Run
from probe.engine.survey import Step, Survey
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.probing import Observation, Question
from probe.model.target import IPAddress, TargetAddress

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
