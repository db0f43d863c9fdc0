"""What may be wrong with one subject, and how the subjects of an address add up.

A subject is the address itself, a port that ought to answer on it, or the size that its path ought to
carry. It has exactly one cause, `none` included; its probabilities sum to 1. An address is well if all of
its subjects are. What is left of 1 is shared among the causes by how many subjects each is expected to
trouble.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, prod
from typing import Final

from probe.diagnosis.read_symptoms import blocking
from probe.diagnosis.subject import MOST, ExamContext
from probe.diagnosis.symptom_likelihood import likelihood
from probe.diagnosis.table import PRIOR
from probe.model.binding import BLOCKING, Condition
from probe.model.diagnosis import Cause
from probe.model.exam import MtuTrial, Transfer
from probe.model.machine import Hook
from probe.model.probing import Observation, Reason, Role, State
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Port, Realm
from probe.model.verdict import PortVerdict

Shares = Mapping[Cause, float]
_SUPPORTS = 1.5  # times likelier than usual: then a symptom is evidence for a cause
_LEAST = 0.25  # of the blame of the port that has most: with less a port is not named beside it
_FEW = 6  # symptoms that are kept as evidence


@dataclass(frozen=True, slots=True)
class CauseDistribution:
    """One subject's causes, and the symptoms that speak for each. `port` None: the address itself."""

    shares: Shares
    evidence: Mapping[Cause, tuple[CauseEvidence, ...]]
    port: Port | None = None


def weigh(found: Sequence[CauseEvidence]) -> CauseDistribution:
    """Weigh every cause of an address by Bayes' rule, its symptoms taken as independent."""
    logs = {
        cause: log(prior) + sum(log(likelihood(one.rule, cause)) for one in found)
        for cause, prior in PRIOR.items()
    }
    highest = max(logs.values())
    weights = {cause: exp(value - highest) for cause, value in logs.items()}
    total = sum(weights.values())
    shares = {cause: weight / total for cause, weight in weights.items()}
    return CauseDistribution(shares, {cause: _speaking_for(cause, found) for cause in shares})


def _speaking_for(cause: Cause, found: Sequence[CauseEvidence]) -> tuple[CauseEvidence, ...]:
    """The symptoms that are likelier under a cause than under the usual trouble, the strongest first."""
    ratios = [(likelihood(one.rule, cause) / _in_trouble(one.rule), one) for one in found]
    strong = sorted((pair for pair in ratios if pair[0] > _SUPPORTS), key=lambda pair: -pair[0])
    return tuple(one for _, one in strong[:_FEW])


def _in_trouble(symptom: Symptom) -> float:
    troubles = {cause: prior for cause, prior in PRIOR.items() if cause is not Cause.NONE}
    weighed = sum(prior * likelihood(symptom, cause) for cause, prior in troubles.items())
    return weighed / sum(troubles.values())


@dataclass(frozen=True, slots=True)
class Blame:
    """A cause's share of the blame, and what speaks for it. `ports` empty: it is about the address."""

    cause: Cause
    share: float
    evidence: tuple[CauseEvidence, ...] = ()
    ports: tuple[Port, ...] = ()


def blames(subjects: Iterable[CauseDistribution]) -> tuple[Blame, ...]:
    """Join the subjects of an address: every cause with its share, which sum to 1, the greatest first.

    Where ports differ in their likeliest cause, each of these groups of ports has causes of its own.
    """
    listed = tuple(subjects)
    well = prod(one.shares.get(Cause.NONE, 0.0) for one in listed)
    expected: dict[tuple[Cause, Cause | None], list[CauseDistribution]] = {}
    for (cause, group), having in _by_group(listed).items():
        expected.setdefault((cause, group), []).extend(having)
    sums = {key: sum(one.shares[key[0]] for one in having) for key, having in expected.items()}
    total = sum(sums.values())
    found = [Blame(Cause.NONE, well, _merged(Cause.NONE, listed))]
    for (cause, group), having in expected.items():
        share = (1 - well) * sums[cause, group] / total
        found.append(Blame(cause, share, _merged(cause, having), _ports_of(cause, having)))
    return tuple(sorted(found, key=lambda one: (-one.share, one.cause, one.ports)))


def _by_group(
    subjects: Sequence[CauseDistribution],
) -> Mapping[tuple[Cause, Cause | None], list[CauseDistribution]]:
    """The subjects that each cause may trouble, apart for each group of ports; None: there is one at most.

    What is not about a port joins the group that has most of the same cause.
    """
    firsts = {_first(one) for one in subjects if one.port is not None}
    found: dict[tuple[Cause, Cause | None], list[CauseDistribution]] = {}
    for one in sorted(subjects, key=lambda subject: subject.port is None):
        for cause, share in one.shares.items():
            if cause is Cause.NONE or share <= 0:
                continue
            group = None if len(firsts) <= 1 else _first(one)
            if group is not None and one.port is None:
                there = {at: sum(s.shares[cause] for s in found.get((cause, at), ())) for at in firsts}
                group = max(sorted(there), key=lambda at: there[at])
            found.setdefault((cause, group), []).append(one)
    return found


def _first(one: CauseDistribution) -> Cause:
    return max(sorted(one.shares), key=lambda cause: one.shares[cause])


def _merged(cause: Cause, troubles: Sequence[CauseDistribution]) -> tuple[CauseEvidence, ...]:
    """The evidence of every subject that a cause troubles, the most troubled first."""
    having = sorted(
        (one for one in troubles if one.shares.get(cause, 0.0) > 0), key=lambda one: -one.shares[cause]
    )
    return tuple(dict.fromkeys(found for one in having for found in one.evidence.get(cause, ())))


def _ports_of(cause: Cause, troubles: Sequence[CauseDistribution]) -> tuple[Port, ...]:
    """The ports that a cause is about, where more of its blame comes from ports than from the address."""
    by_port = {one.port: one.shares[cause] for one in troubles if one.port is not None}
    others = sum(one.shares[cause] for one in troubles if one.port is None)
    if sum(by_port.values()) <= others:
        return ()
    least = max(by_port.values()) * _LEAST
    return tuple(sorted(port for port, share in by_port.items() if share >= least))


# --- ports that ought to answer ---


_OWN_ANSWERS = 3  # times as many packets as probes may be answers to these, and no traffic of others
_ALWAYS = (Cause.NOT_BOUND, Cause.TARGET_FIREWALL, Cause.PATH_FIREWALL)
_ON_LINK = 1  # hops
_DOWN_TO = 0.002  # what a cause keeps that a condition does not name

# What a port's condition amounts to. A drop or a rejection is shared between the target and the way to it.
_BY_CONDITION: Mapping[Condition, Mapping[Cause, float]] = {
    Condition.CLEAR: {Cause.NOT_BOUND: 0.93, Cause.TARGET_FIREWALL: 0.05, Cause.PATH_FIREWALL: 0.01},
    Condition.THIS_MACHINE: {Cause.NOT_BOUND: 0.97},
    Condition.NOT_FORWARDED: {Cause.NOT_FORWARDED: 0.95, Cause.NOT_BOUND: 0.03},
    Condition.HAIRPIN: {Cause.HAIRPIN: 0.97},
    Condition.TURNED_AWAY: {Cause.SERVICE_REFUSES_PEER: 0.97},
    Condition.LOCAL_FIREWALL: {Cause.LOCAL_FIREWALL: 0.97},
    Condition.INTERCEPTED: {Cause.PATH_FIREWALL: 0.8, Cause.NOT_BOUND: 0.1},
    Condition.UNKNOWN: {Cause.TARGET_FIREWALL: 0.5, Cause.PATH_FIREWALL: 0.25, Cause.NOT_BOUND: 0.2},
}
_AT_TARGET = {Cause.TARGET_FIREWALL: 0.95, Cause.PATH_FIREWALL: 0.03}
_ON_THE_WAY = {Cause.PATH_FIREWALL: 0.95, Cause.TARGET_FIREWALL: 0.03}
# Silence may also be a port that is forwarded into a container whose answers leave by another way.
_SILENT_AT_TARGET = {Cause.TARGET_FIREWALL: 0.85, Cause.NO_RETURN_ROUTE: 0.11, Cause.PATH_FIREWALL: 0.02}
# A host that refuses nothing, as Windows' firewall has it, keeps silent where nothing listens too.
_NEVER_REFUSES = {Cause.TARGET_FIREWALL: 0.55, Cause.NOT_BOUND: 0.38, Cause.NO_RETURN_ROUTE: 0.05}
# A reset has the target's address whoever sent it; from beyond the link it may be a box's.
_RESET_FROM_AFAR = {Cause.TARGET_FIREWALL: 0.58, Cause.PATH_FIREWALL: 0.4}
# Two links have the network, and this host refuses all that another address serves: it is another host.
_TWO_NETWORKS = {Cause.SUBNET_OVERLAP: 0.85, Cause.NOT_BOUND: 0.13}
_SOMEWHERE = {Cause.TARGET_FIREWALL: 0.53, Cause.PATH_FIREWALL: 0.45}
_FROM_OUTSIDE = {Cause.TARGET_FIREWALL: 0.43, Cause.PATH_FIREWALL: 0.55}  # the border filters too


def port_troubles(scene: ExamContext) -> Iterator[CauseDistribution]:
    """What is wrong with each port that ought to answer here; nothing where it does."""
    tested = scene.exam.survey.tested()
    wrong = frozenset(scene.troubled_ports())
    for verdict in scene.verdict.ports:
        if verdict.port in wrong:
            yield _trouble(verdict, tested[verdict.port], scene)


def _trouble(verdict: PortVerdict, observation: Observation, scene: ExamContext) -> CauseDistribution:
    condition = verdict.conditions.get(scene.exam.survey.seen, Condition.UNKNOWN)
    named = _filtered_by(observation, scene) if condition in BLOCKING else _BY_CONDITION.get(condition, {})
    if condition is Condition.CLEAR and _is_another_host(scene):
        named = _TWO_NETWORKS
    shares = {**dict.fromkeys(_ALWAYS, _DOWN_TO), **named}
    counted = _counted(observation, scene)
    if counted is not None:
        shares[Cause.LOCAL_FIREWALL] = _HERE[counted.rule] * sum(shares.values())
    total = sum(shares.values())
    seen = _evidence(verdict.port, observation, scene, condition)
    evidence: dict[Cause, tuple[CauseEvidence, ...]] = dict.fromkeys(shares, (seen,))
    if counted is not None:
        evidence[Cause.LOCAL_FIREWALL] = (counted, seen)
    return CauseDistribution(
        {cause: share / total for cause, share in shares.items()}, evidence, verdict.port
    )


# How much likelier than all else this machine's own filter is, by what its interface counted. Packets that
# come meanwhile may be others'.
_HERE = {Symptom.PROBES_NOT_SENT: 20.0, Symptom.PACKETS_RECEIVED: 4.0}


def _counted(observation: Observation, scene: ExamContext) -> CauseEvidence | None:
    """Whether the interface shows that this machine keeps openings of silent ports, or their answers."""
    passage, name = scene.exam.port_passage, scene.route.interface
    if passage is None or observation.reason is not Reason.NO_RESPONSE or not passage.probes:
        return None
    if passage.sent_packets < passage.probes * MOST:
        return CauseEvidence(
            rule=Symptom.PROBES_NOT_SENT, interface=name, probes=passage.probes, packets=passage.sent_packets
        )
    blocks = any(chain.hook is Hook.INPUT for chain in blocking(scene))
    if blocks and passage.probes <= passage.received_packets <= passage.probes * _OWN_ANSWERS:
        return CauseEvidence(rule=Symptom.PACKETS_RECEIVED, interface=name, packets=passage.received_packets)
    return None


def _filtered_by(observation: Observation, scene: ExamContext) -> Mapping[Cause, float]:
    """Whether the target filters or a box on the way: by who reports it, or as nothing is between."""
    near = scene.exam.survey.hops == _ON_LINK
    if observation.sender is not None:
        if observation.reason is Reason.RESET and not near:
            return _RESET_FROM_AFAR
        return _AT_TARGET if observation.sender == scene.ip else _ON_THE_WAY
    if observation.reason is Reason.NO_RESPONSE and _refuses_nothing(scene):
        return _NEVER_REFUSES
    if near:
        return _SILENT_AT_TARGET if observation.reason is Reason.NO_RESPONSE else _AT_TARGET
    return _FROM_OUTSIDE if scene.exam.address.realm == Realm.PUBLIC else _SOMEWHERE


def _refuses_nothing(scene: ExamContext) -> bool:
    """Whether the host accepts somewhere and refuses nowhere, unused ports included."""
    every = [o for exam in (scene.exam, *scene.others) for o in exam.survey.observations]
    accepts = any(o.reason is Reason.SYN_ACK for o in scene.exam.survey.observations)
    unused = [o for o in every if o.question.role is Role.CONTROL and o.reason is not Reason.NOT_SENT]
    return accepts and bool(unused) and all(o.reason is Reason.NO_RESPONSE for o in unused)


def _is_another_host(scene: ExamContext) -> bool:
    """Whether two links have the network of the address, and it serves nothing of what others serve."""
    served = [o for o in scene.exam.survey.tested().values() if o.state is State.OPEN]
    lacking = [port for port in scene.troubled_ports() if scene.open_at(port)]
    return len(scene.claiming()) > 1 and not served and len(lacking) > 1


_STATES: Final[Mapping[State | None, Symptom]] = {
    State.CLOSED: Symptom.PORT_CLOSED,
    State.FILTERED: Symptom.PORT_FILTERED,
    State.UNREACHABLE: Symptom.PORT_UNREACHABLE,
}


def _evidence(
    port: Port, observation: Observation, scene: ExamContext, condition: Condition
) -> CauseEvidence:
    """How a troubled port answers. Its state is one of three, unless its answers reach no program."""
    state = observation.state
    rule = Symptom.PORT_TURNED_AWAY if condition is Condition.TURNED_AWAY else _STATES.get(state)
    return CauseEvidence(
        rule=Symptom.PORT_WITHHELD if observation.raw_only or rule is None else rule,
        address=str(scene.ip),
        port=port.number,
        protocol=port.protocol,
        addresses=scene.open_at(port),
        reason=observation.reason,
    )


# --- sizes that ought to pass ---


def size_trouble(scene: ExamContext) -> Iterator[CauseDistribution]:
    """A black hole for full packets (RFC 2923), where small ones pass; nothing where it was not measured."""
    trial = scene.exam.mtu
    if trial is None or trial.small is not Transfer.ARRIVED or trial.big is Transfer.ENDED:
        return
    if trial.big is Transfer.ARRIVED:
        yield CauseDistribution({Cause.NONE: 1.0}, {Cause.NONE: _fine(trial)})
        return
    sure = 0.98 if trial.working_mtu is not None else 0.9
    shares = {Cause.MTU_BLACK_HOLE: sure, Cause.NONE: 1 - sure}
    yield CauseDistribution(shares, {Cause.MTU_BLACK_HOLE: tuple(_stalled(trial))})


def _fine(trial: MtuTrial) -> tuple[CauseEvidence, ...]:
    if trial.learnt_mtu is not None:
        sender = str(trial.reporter) if trial.reporter is not None else None
        return (CauseEvidence(rule=Symptom.PATH_MTU_LEARNT, sender=sender, mtu=trial.learnt_mtu),)
    return (_of_segment(Symptom.SEGMENT_PASSES, trial),)


def _of_segment(rule: Symptom, trial: MtuTrial) -> CauseEvidence:
    return CauseEvidence(
        rule=rule, port=trial.port.number, protocol=trial.port.protocol, segment=trial.segment
    )


def _stalled(trial: MtuTrial) -> Iterator[CauseEvidence]:
    yield _of_segment(Symptom.SEGMENT_LOST, trial)
    yield CauseEvidence(rule=Symptom.NO_SIZE_ERROR)
    if trial.working_mtu is not None:
        yield CauseEvidence(rule=Symptom.SMALLER_PASSES, mtu=trial.working_mtu)
