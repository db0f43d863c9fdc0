"""What was measured on an address: the facts behind its causes."""

from collections.abc import Callable, Iterable, Iterator

from probe.diagnosis.subject import ExamContext
from probe.model.exam import NameAnswer, Transfer
from probe.model.facts import Neighbour
from probe.model.measured_facts import FactRule, MeasuredFact
from probe.model.probing import Reason, State

_MILLI = 1000
_DIGITS = 6  # of milliseconds
_MOST_PORTS = 6  # of one state that are named; more are counted


def measured(scene: ExamContext) -> tuple[MeasuredFact, ...]:
    """Route, neighbour, ping, ports, the way, counters, sizes and names, as far as each was measured."""
    return tuple(fact for read in _READERS for fact in read(scene))


def _route(scene: ExamContext) -> Iterator[MeasuredFact]:
    route = scene.route
    if not route.reachable:
        yield MeasuredFact(rule=FactRule.NO_ROUTE)
    elif route.interface is not None:
        yield MeasuredFact(
            rule=FactRule.ROUTE,
            interface=route.interface,
            link_kind=route.kind,
            on_link=route.on_link,
            source=None if route.source is None else str(route.source),
            mtu=route.mtu,
        )


def _neighbour(scene: ExamContext) -> Iterator[MeasuredFact]:
    if scene.exam.survey.neighbour is Neighbour.FAILED:
        yield MeasuredFact(rule=FactRule.NEIGHBOUR_FAILED)
    if scene.exam.link_alive is not None:
        alive = scene.exam.link_alive
        yield MeasuredFact(rule=FactRule.GATEWAY_ANSWERS if alive else FactRule.GATEWAY_SILENT)


def _ping(scene: ExamContext) -> Iterator[MeasuredFact]:
    echo = scene.exam.echo
    if echo is None:
        yield MeasuredFact(rule=FactRule.PING_NOT_PERMITTED)
    elif echo.refused_here:
        yield MeasuredFact(rule=FactRule.PING_REFUSED_HERE)
    elif echo.reason is Reason.ECHO_REPLY:
        rtt = None if echo.rtt is None else round(echo.rtt * _MILLI, _DIGITS)
        yield MeasuredFact(rule=FactRule.PING_ANSWERED, rtt_ms=rtt)
    elif echo.sender is not None:
        yield MeasuredFact(rule=FactRule.PING_ERROR, sender=str(echo.sender), reason=echo.reason)
    else:
        yield MeasuredFact(rule=FactRule.PING_SILENT)


def _ports(scene: ExamContext) -> Iterator[MeasuredFact]:
    by_state: dict[State, list[str]] = {}
    for port, observation in sorted(scene.exam.survey.tested().items()):
        if observation.state is not None:
            by_state.setdefault(observation.state, []).append(str(port))
    for state, ports in by_state.items():
        named = tuple(ports) if len(ports) <= _MOST_PORTS else ()
        yield MeasuredFact(rule=FactRule.PORTS, state=state, ports=named, count=len(ports))


def _way(scene: ExamContext) -> Iterator[MeasuredFact]:
    hops = scene.exam.hops
    if hops is None or any(hop.arrived for hop in hops):
        return
    last = next((hop for hop in reversed(hops) if hop.sender is not None), None)
    if last is None:
        yield MeasuredFact(rule=FactRule.NO_HOP)
    else:
        yield MeasuredFact(rule=FactRule.LAST_HOP, sender=str(last.sender), ttl=last.ttl)


def _counters(scene: ExamContext) -> Iterator[MeasuredFact]:
    passage = scene.exam.passage
    if passage is None:
        return
    yield MeasuredFact(
        rule=FactRule.COUNTERS,
        interface=scene.route.interface,
        probes=passage.probes,
        sent_packets=passage.sent_packets,
        received_packets=passage.received_packets,
    )
    if passage.peer_received_bytes is not None:
        yield MeasuredFact(rule=FactRule.PEER_BYTES, received_bytes=passage.peer_received_bytes)


_SEGMENTS = {
    Transfer.ARRIVED: FactRule.SEGMENTS_CARRIED,
    Transfer.STALLED: FactRule.SEGMENTS_STALLED,
    Transfer.ENDED: FactRule.SEGMENTS_UNTRIED,
}


def _sizes(scene: ExamContext) -> Iterator[MeasuredFact]:
    trial = scene.exam.mtu
    if trial is None:
        return
    yield MeasuredFact(
        rule=_SEGMENTS[trial.big],
        port=trial.port.number,
        protocol=trial.port.protocol,
        segment=trial.segment,
    )
    if trial.learnt_mtu is not None:
        sender = None if trial.reporter is None else str(trial.reporter)
        yield MeasuredFact(rule=FactRule.PATH_MTU, sender=sender, mtu=trial.learnt_mtu)


def _names(scene: ExamContext) -> Iterator[MeasuredFact]:
    return name_facts(scene.exam.address.name, scene.exam.names)


def name_facts(name: str | None, answers: Iterable[NameAnswer]) -> Iterator[MeasuredFact]:
    """What each name server has for a name."""
    for answer in answers:
        yield MeasuredFact(
            rule=FactRule.NAME_ANSWER,
            name=name,
            server=None if answer.server is None else str(answer.server),
            addresses=tuple(map(str, answer.addresses)),
            failure=answer.failure,
        )


_READERS: tuple[Callable[[ExamContext], Iterator[MeasuredFact]], ...] = (
    _route,
    _neighbour,
    _ping,
    _ports,
    _way,
    _counters,
    _sizes,
    _names,
)
