"""Ports that ought to answer on an address and do not: one subject each, read from the scan's verdict.

A port ought to answer where the user named it, or where another address of the target has it open. Nobody
expects the public address to be open like the others, unless the port was named.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from probe.diagnose.scene import Scene
from probe.diagnose.trouble import Trouble
from probe.model.diagnosis import Cause
from probe.model.probing import Observation, State
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Port, Realm
from probe.model.verdict import Condition, PortVerdict

_ALWAYS = (Cause.NOT_BOUND, Cause.TARGET_FIREWALL, Cause.PATH_FIREWALL)
_ON_LINK = 1  # hops
_DOWN_TO = 0.002  # what a cause keeps that a condition does not name

# What a port's condition amounts to. A drop or a rejection is shared between the target and the way to it.
_BY_CONDITION: Mapping[Condition, Mapping[Cause, float]] = {
    Condition.CLEAR: {Cause.NOT_BOUND: 0.93, Cause.TARGET_FIREWALL: 0.05, Cause.PATH_FIREWALL: 0.01},
    Condition.NOT_FORWARDED: {Cause.NOT_FORWARDED: 0.95, Cause.NOT_BOUND: 0.03},
    Condition.HAIRPIN: {Cause.HAIRPIN: 0.97},
    Condition.LOCAL_FIREWALL: {Cause.LOCAL_FIREWALL: 0.97},
    Condition.INTERCEPTED: {Cause.PATH_FIREWALL: 0.8, Cause.NOT_BOUND: 0.1},
    Condition.UNKNOWN: {Cause.TARGET_FIREWALL: 0.5, Cause.PATH_FIREWALL: 0.25, Cause.NOT_BOUND: 0.2},
}
_FILTERED = frozenset({Condition.DROPPED, Condition.REJECTED})
_AT_TARGET = {Cause.TARGET_FIREWALL: 0.95, Cause.PATH_FIREWALL: 0.03}
_ON_THE_WAY = {Cause.PATH_FIREWALL: 0.95, Cause.TARGET_FIREWALL: 0.03}
_SOMEWHERE = {Cause.TARGET_FIREWALL: 0.53, Cause.PATH_FIREWALL: 0.45}
_FROM_OUTSIDE = {Cause.TARGET_FIREWALL: 0.43, Cause.PATH_FIREWALL: 0.55}  # the border filters too


# What asks for nothing. UDP's silence may be a service that has nothing to say.
_FINE = frozenset({None, State.OPEN, State.OPEN_FILTERED})


def port_troubles(scene: Scene) -> Iterator[Trouble]:
    """What is wrong with each port that ought to answer here; nothing where it does."""
    tested = scene.exam.survey.tested()
    wrong = frozenset(troubled_ports(scene))
    for verdict in scene.verdict.ports:
        if verdict.port in wrong:
            yield _trouble(verdict, tested[verdict.port], scene)


def troubled_ports(scene: Scene) -> tuple[Port, ...]:
    """The ports that ought to answer here and do not, or not so that a program hears it."""
    return tuple(
        port
        for port, observation in sorted(scene.exam.survey.tested().items())
        if (observation.state not in _FINE or observation.unheard) and _ought_to_answer(port, scene)
    )


def _ought_to_answer(port: Port, scene: Scene) -> bool:
    if port in scene.named:
        return True
    return scene.exam.address.realm != Realm.PUBLIC and bool(_open_at(port, scene))


def _open_at(port: Port, scene: Scene) -> tuple[str, ...]:
    """Where else the port is open."""
    return tuple(
        str(other.address.ip)
        for other in scene.others
        if (seen := other.survey.tested().get(port)) is not None and seen.state is State.OPEN
    )


def _trouble(verdict: PortVerdict, observation: Observation, scene: Scene) -> Trouble:
    condition = verdict.conditions.get(scene.exam.survey.seen, Condition.UNKNOWN)
    named = _filtered_by(observation, scene) if condition in _FILTERED else _BY_CONDITION.get(condition, {})
    shares = {**dict.fromkeys(_ALWAYS, _DOWN_TO), **named}
    total = sum(shares.values())
    evidence = (_evidence(verdict.port, observation, scene),)
    return Trouble(
        {cause: share / total for cause, share in shares.items()},
        dict.fromkeys(shares, evidence),
        verdict.port,
    )


def _filtered_by(observation: Observation, scene: Scene) -> Mapping[Cause, float]:
    """Whether the target filters or a box on the way: by who says so, or by there being nothing between."""
    if observation.sender is not None:
        return _AT_TARGET if observation.sender == scene.ip else _ON_THE_WAY
    if scene.exam.survey.hops == _ON_LINK:
        return _AT_TARGET
    return _FROM_OUTSIDE if scene.exam.address.realm == Realm.PUBLIC else _SOMEWHERE


_STATES: Final = {
    State.CLOSED: Symptom.PORT_CLOSED,
    State.FILTERED: Symptom.PORT_FILTERED,
    State.UNREACHABLE: Symptom.PORT_UNREACHABLE,
}


def _evidence(port: Port, observation: Observation, scene: Scene) -> CauseEvidence:
    """How a troubled port answers. Its state is one of three, unless its answers reach no program."""
    state = observation.state
    return CauseEvidence(
        rule=Symptom.PORT_WITHHELD if observation.unheard or state is None else _STATES[state],
        address=str(scene.ip),
        port=port.number,
        protocol=port.protocol,
        addresses=_open_at(port, scene),
        reason=observation.reason,
    )
