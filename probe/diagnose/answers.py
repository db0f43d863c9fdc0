"""How an address answers: the first of a few readings that fits, from its own word to plain silence."""

from collections.abc import Iterator

from probe.diagnose.scene import Scene
from probe.diagnose.signs import Finding, Sign
from probe.model.exam import AddressExam
from probe.model.facts import LinkKind, Neighbour
from probe.model.probing import Observation, Reason
from probe.path.distance import is_answer

_GONE = frozenset({Reason.HOST_UNREACH, Reason.NET_UNREACH, Reason.TIME_EXCEEDED})
_PROHIBITED = frozenset(
    {
        Reason.ADMIN_PROHIBITED,
        Reason.HOST_PROHIBITED,
        Reason.NET_PROHIBITED,
        Reason.PORT_UNREACH,
        Reason.PROTO_UNREACH,
    }
)


def answers(exam: AddressExam) -> bool:
    """Whether the address itself says anything that a socket hears."""
    echo = exam.echo is not None and exam.echo.reason is Reason.ECHO_REPLY
    return echo or any(_heard(o, exam) for o in exam.survey.observations)


def _heard(observation: Observation, exam: AddressExam) -> bool:
    own = exam.survey.is_our_own(observation)
    return is_answer(observation) and not observation.unheard and not own


def how_it_answers(scene: Scene) -> Iterator[Finding]:
    """The one sign of how the address answers; none where nothing was asked."""
    seen, exam = scene.exam.survey.observations, scene.exam
    if not seen:
        return
    for read in (_stack_speaks, _kept_from_sockets, _this_machine_says, _echo_says, _boxes_say):
        found = read(scene)
        if found is not None:
            yield found
            return
    if exam.echo is not None:
        yield Finding(Sign.SILENT, f"nothing comes back from {scene.ip}: ping and ports stay silent")
    else:
        yield Finding(Sign.PORTS_SILENT, f"nothing comes back from {scene.ip}: its ports stay silent")


def _stack_speaks(scene: Scene) -> Finding | None:
    told = [o for o in scene.exam.survey.observations if _heard(o, scene.exam)]
    return Finding(Sign.ANSWERS, f"{scene.ip} answers") if told else None


def _kept_from_sockets(scene: Scene) -> Finding | None:
    if not any(o.unheard and is_answer(o) for o in scene.exam.survey.observations):
        return None
    return Finding(
        Sign.UNHEARD, f"answers of {scene.ip} reach this machine, and it keeps them from its programs"
    )


def _this_machine_says(scene: Scene) -> Finding | None:
    survey = scene.exam.survey
    own = [o for o in survey.observations if survey.is_our_own(o)]
    if not scene.route.reachable or (own and all(o.reason is Reason.NO_ROUTE for o in own)):
        return Finding(Sign.UNSENDABLE, f"this machine has no route to {scene.ip}")
    unresolved = [o for o in own if o.reason is Reason.HOST_UNREACH]
    if survey.neighbour is Neighbour.FAILED or (unresolved and scene.route.kind is LinkKind.ETHERNET):
        link = scene.route.interface or "its link"
        return Finding(Sign.NEIGHBOUR_FAILED, f"nobody on {link} answers for {scene.ip} (ARP or ND)")
    echo = scene.exam.echo
    if own or (echo is not None and echo.refused_here):
        return Finding(Sign.REFUSED_HERE, f"this machine itself refuses to send to {scene.ip}")
    return None


def _echo_says(scene: Scene) -> Finding | None:
    echo = scene.exam.echo
    if echo is None or echo.reason is not Reason.ECHO_REPLY:
        return None
    if any(o.reason in _PROHIBITED and o.sender == scene.ip for o in scene.exam.survey.observations):
        return None
    return Finding(Sign.ECHO_ONLY, f"{scene.ip} answers ping, and none of the ports that were asked")


def _boxes_say(scene: Scene) -> Finding | None:
    echo = scene.exam.echo
    told = [(o.reason, o.sender) for o in scene.exam.survey.observations if o.sender is not None]
    if echo is not None and echo.sender is not None:
        told.append((echo.reason, echo.sender))
    for reason, sender in told:
        if sender == scene.ip and reason in _PROHIBITED:
            return Finding(Sign.TARGET_PROHIBITS, f"{scene.ip} itself rejects every port ({reason})")
        if sender != scene.ip and reason in _GONE:
            return Finding(Sign.TOLD_GONE, f"{sender} says that {scene.ip} cannot be reached ({reason})")
        if sender != scene.ip and reason in _PROHIBITED:
            return Finding(Sign.TOLD_PROHIBITED, f"{sender} rejects what is for {scene.ip} ({reason})")
    return None
