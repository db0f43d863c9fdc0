"""What was measured on an address, in a few plain words each: the facts behind its causes."""

from collections.abc import Callable, Iterator

from probe.diagnose.scene import Scene
from probe.explain.phrases import listed
from probe.model.exam import Transfer
from probe.model.facts import LinkKind, Neighbour
from probe.model.probing import Reason, State

_MILLI = 1000
_MOST_PORTS = 6  # of one state that are named; more are counted


def measured(scene: Scene) -> tuple[str, ...]:
    """Route, neighbour, ping, ports, the way, counters, sizes and names, as far as each was measured."""
    return tuple(words for tell in _TELLERS for words in tell(scene))


def _route(scene: Scene) -> Iterator[str]:
    route = scene.route
    if not route.reachable:
        yield "no route"
    elif route.interface is not None:
        kinds = {LinkKind.TUNNEL: ", a tunnel,", LinkKind.LOOPBACK: ", loopback,"}
        way = kinds.get(route.kind, "") if route.kind else ""
        near = " as a neighbour" if route.on_link else " through a gateway"
        mtu = f", MTU {route.mtu}" if route.mtu else ""
        yield f"route by {route.interface}{way or near} from {route.source}{mtu}"


def _neighbour(scene: Scene) -> Iterator[str]:
    if scene.exam.survey.neighbour is Neighbour.FAILED:
        yield "no neighbour has it"
    if scene.exam.link_alive is not None:
        yield "the link's gateway answers" if scene.exam.link_alive else "the link's gateway is silent too"


def _ping(scene: Scene) -> Iterator[str]:
    echo = scene.exam.echo
    if echo is None:
        yield "ping not permitted"
    elif echo.refused_here:
        yield "ping refused by this machine"
    elif echo.reason is Reason.ECHO_REPLY:
        yield f"ping {echo.rtt * _MILLI:.1f} ms" if echo.rtt is not None else "ping answered"
    elif echo.sender is not None:
        yield f"ping: {echo.reason} from {echo.sender}"
    else:
        yield "ping silent"


def _ports(scene: Scene) -> Iterator[str]:
    by_state: dict[State, list[str]] = {}
    for port, observation in sorted(scene.exam.survey.tested().items()):
        if observation.state is not None:
            by_state.setdefault(observation.state, []).append(str(port))
    for state, ports in by_state.items():
        named = listed(ports) if len(ports) <= _MOST_PORTS else f"{len(ports)} ports"
        yield f"{named} {state}"


def _way(scene: Scene) -> Iterator[str]:
    hops = scene.exam.hops
    if hops is None or any(hop.arrived for hop in hops):
        return
    last = next((hop for hop in reversed(hops) if hop.sender is not None), None)
    yield f"last hop that answers: {last.sender} at {last.ttl}" if last is not None else "no hop answers"


def _counters(scene: Scene) -> Iterator[str]:
    passage = scene.exam.passage
    if passage is None:
        return
    counted = f"{passage.sent_packets} sent, {passage.received_packets} received"
    yield f"{scene.route.interface} counted {counted} for {passage.probes} probes"
    if passage.peer_received_bytes is not None:
        yield f"the peer sent {passage.peer_received_bytes} bytes meanwhile"


_TRANSFERS = {Transfer.ARRIVED: "pass", Transfer.STALLED: "stall", Transfer.ENDED: "not tried to the end"}


def _sizes(scene: Scene) -> Iterator[str]:
    trial = scene.exam.mtu
    if trial is not None:
        yield f"segments of {trial.segment} bytes on {trial.port}: {_TRANSFERS[trial.big]}"
        if trial.learnt_mtu is not None:
            yield f"path MTU {trial.learnt_mtu}, told by {trial.teller or 'the path'}"


def _names(scene: Scene) -> Iterator[str]:
    for told in scene.exam.names:
        who = "this system" if told.server is None else str(told.server)
        gives = listed([str(ip) for ip in told.addresses]) if told.addresses else told.failure or "nothing"
        yield f"{scene.exam.address.name} by {who}: {gives}"


_TELLERS: tuple[Callable[[Scene], Iterator[str]], ...] = (
    _route,
    _neighbour,
    _ping,
    _ports,
    _way,
    _counters,
    _sizes,
    _names,
)
