"""How an address answers: the first of a few readings that fits, from its own word to plain silence."""

from collections.abc import Iterator

from probe.diagnose.scene import Scene
from probe.model.exam import AddressExam
from probe.model.facts import LinkKind, Neighbour
from probe.model.probing import Observation, Reason
from probe.model.symptoms import CauseEvidence, Symptom
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


def how_it_answers(scene: Scene) -> Iterator[CauseEvidence]:
    """The one symptom of how the address answers; none where nothing was asked."""
    if not scene.exam.survey.observations:
        return
    for read in (_own_stack, _kept_from_sockets, _this_machine, _echo, _other_boxes):
        found = read(scene)
        if found is not None:
            yield found
            return
    yield _of_all(Symptom.PORTS_SILENT if scene.exam.echo is None else Symptom.SILENT, scene)


def _of_all(rule: Symptom, scene: Scene) -> CauseEvidence:
    """What holds for the address as a whole."""
    return CauseEvidence(rule=rule, address=str(scene.ip))


def _own_stack(scene: Scene) -> CauseEvidence | None:
    answered = any(_heard(o, scene.exam) for o in scene.exam.survey.observations)
    return _of_all(Symptom.ANSWERS, scene) if answered else None


def _kept_from_sockets(scene: Scene) -> CauseEvidence | None:
    if not any(o.unheard and is_answer(o) for o in scene.exam.survey.observations):
        return None
    return _of_all(Symptom.WITHHELD, scene)


def _this_machine(scene: Scene) -> CauseEvidence | None:
    survey = scene.exam.survey
    own = [o for o in survey.observations if survey.is_our_own(o)]
    if not scene.route.reachable or (own and all(o.reason is Reason.NO_ROUTE for o in own)):
        return _of_all(Symptom.NO_ROUTE, scene)
    unresolved = [o for o in own if o.reason is Reason.HOST_UNREACH]
    if survey.neighbour is Neighbour.FAILED or (unresolved and scene.route.kind is LinkKind.ETHERNET):
        return CauseEvidence(
            rule=Symptom.NEIGHBOUR_FAILED, address=str(scene.ip), interface=scene.route.interface
        )
    echo = scene.exam.echo
    if own or (echo is not None and echo.refused_here):
        return _of_all(Symptom.REFUSED_HERE, scene)
    return None


def _echo(scene: Scene) -> CauseEvidence | None:
    echo = scene.exam.echo
    if echo is None or echo.reason is not Reason.ECHO_REPLY:
        return None
    if any(o.reason in _PROHIBITED and o.sender == scene.ip for o in scene.exam.survey.observations):
        return None
    return _of_all(Symptom.ECHO_ONLY, scene)


def _other_boxes(scene: Scene) -> CauseEvidence | None:
    echo = scene.exam.echo
    reports = [(o.reason, o.sender) for o in scene.exam.survey.observations if o.sender is not None]
    if echo is not None and echo.sender is not None:
        reports.append((echo.reason, echo.sender))
    for reason, sender in reports:
        rule = _rule_of(reason, by_target=sender == scene.ip)
        if rule is not None:
            return CauseEvidence(rule=rule, address=str(scene.ip), sender=str(sender), reason=reason)
    return None


def _rule_of(reason: Reason, *, by_target: bool) -> Symptom | None:
    if reason in _PROHIBITED:
        return Symptom.TARGET_PROHIBITS if by_target else Symptom.REPORTED_PROHIBITED
    return Symptom.REPORTED_UNREACHABLE if reason in _GONE and not by_target else None
