"""Which raw packets would still change a verdict: a table of doubts, and the probe that ends each.

A follow-up is sent where two explanations of an answer are both alive that it would tell apart. Cheap and
ordinary ones come first; what looks hostile takes the user's word (`Battery`).
"""

from collections.abc import Mapping, Sequence

from probe.infer.policy import AddressModel, learn
from probe.model.facts import AddressSurvey
from probe.model.plan import Battery, FollowUp
from probe.model.probing import Observation, Reason, Role
from probe.model.target import IPAddress, Port, Protocol

WHOSE_RESET = "a reset: forged by a filter, or by the stack where nothing listens?"
CONTROL_RESET = "how this address's own stack marks its resets, to compare with"
HEARD_AT_ALL = "connect() heard nothing: does an answer come back that this machine keeps from it?"


def follow_ups(
    surveys: Sequence[AddressSurvey], running: frozenset[Port], battery: Battery
) -> Mapping[IPAddress, Sequence[FollowUp]]:
    """What to ask next of each address; empty where nothing would change a verdict any more."""
    del running, battery
    models = learn(surveys)
    wanted = {ip: tuple(_of_address(model)) for ip, model in models.items()}
    return {ip: few for ip, few in wanted.items() if few}


def _of_address(model: AddressModel) -> list[FollowUp]:
    asked = {trace.observation.question for trace in model.survey.traces}
    return [
        FollowUp(o.question, why)
        for o in model.survey.observations
        if (why := _why_again(o)) is not None and o.question not in asked
    ]


def _why_again(observation: Observation) -> str | None:
    question = observation.question
    if question.port.protocol is not Protocol.TCP or question.role is Role.CANARY:
        return None
    if observation.reason is Reason.RESET:
        return CONTROL_RESET if question.role is Role.CONTROL else WHOSE_RESET
    return HEARD_AT_ALL if observation.reason is Reason.NO_RESPONSE else None
