"""What raw packets bring from a world, as plain data: the same questions, whatever the inference would ask.

Limits on ICMP errors are off in both kinds of world: they depend on the moment, and have tests of their own.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from unittest import mock

from probe.engine.backend import Backend
from probe.engine.run import Run
from probe.engine.survey import Answers, Step
from probe.lab.netns import layout
from probe.lab.netns import world as netns_world
from probe.lab.open_world import open_world
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, Scenario, address_of, realm_of
from probe.lab.sim.node import Buckets
from probe.machine.sources import Host
from probe.model.facts import AddressSurvey, Trace
from probe.model.plan import Timing
from probe.model.probing import NextHop, Observation, PurposeRule, Question, Shape
from probe.model.target import IPAddress, Port, Protocol, TargetAddress
from probe.services.port_list import parse_ports
from probe.wire.packet import MARK_TOS

TIMING = Timing(timeout=0.25, retries=1)
PORTS_ASKED = 8  # of the scanned ones, from the front
UNUSED = (Port(Protocol.TCP, 40123), Port(Protocol.UDP, 40123))
NO_PORT = Port(Protocol.TCP, 0)
LOOPBACKS = tuple(map(ip_address, ("127.0.0.1", "127.0.0.2")))
SHAPES = {
    Protocol.TCP: (Shape.OPENING, Shape.ACK, Shape.FIN),
    Protocol.UDP: (Shape.OPENING,),
}
NO_LIMITS = (("net.ipv4.icmp_ratemask", "0"), ("net.ipv6.icmp.ratelimit", "0"))

Findings = dict[str, list[object]]


def raw_surveyed(scenario: Scenario, kind: str) -> Findings:
    """What each question of the set brought: reason, sender, and what the headers hold."""
    with without_limits(), open_world(scenario, kind) as world:
        assert world.raw is not None
        echoes = [Question(address_of(symbol), NO_PORT, shape=Shape.ECHO) for symbol in scenario.addresses]
        answers = _ask(world.raw, echoes)  # first, for the neighbour table
        answers |= _ask(world.raw, (q for symbol in scenario.addresses for q in _routed(scenario, symbol)))
        answers |= _ask(world.raw, _handed_over(scenario, world.host))
        links = _link_names(scenario, world.host)
    return {_title(question): _of(seen, links) for question, seen in answers.items()}


def _routed(scenario: Scenario, symbol: str) -> Iterator[Question]:
    """What is asked of an address as the kernel routes it."""
    address = address_of(symbol)
    yield Question(address, NO_PORT, shape=Shape.WHO_HAS)
    for port in _ports(scenario):
        for shape in SHAPES[port.protocol]:
            yield Question(address, port, shape=shape)
        yield Question(address, port, ttl=1)
        yield Question(address, port, ttl=2)


def _handed_over(scenario: Scenario, host: Host) -> Iterator[Question]:
    """What is asked by frames for a neighbour on the LAN, whatever the routes are."""
    asked = [*map(address_of, scenario.addresses), *LOOPBACKS]
    unplugged = {realm for realm, link in scenario.links.items() if link.unplugged}
    for symbol in {"lan", "lan6"} & set(scenario.addresses) - set(scenario.dead):
        if realm_of(symbol) in unplugged:
            continue  # nobody resolves there
        link_address = host.link_address(address_of(symbol))
        assert link_address is not None
        hop = NextHop("lan", ip_address(PROBER_ADDRESSES[symbol]), link_address)
        for address in asked:
            if address.version == hop.source.version:
                yield from _by_hop(scenario, address, hop)


def _by_hop(scenario: Scenario, address: IPAddress, hop: NextHop) -> Iterator[Question]:
    yield Question(address, NO_PORT, shape=Shape.WHO_HAS, hop=hop)
    yield Question(address, NO_PORT, shape=Shape.ECHO, hop=hop, ttl=1)
    for port in _ports(scenario):
        yield Question(address, port, hop=hop, ttl=1)
        yield Question(address, port, hop=hop)


def _ports(scenario: Scenario) -> Sequence[Port]:
    return (*parse_ports(scenario.scan.ports)[:PORTS_ASKED], *UNUSED)


def _ask(backend: Backend, questions: Iterable[Question]) -> dict[Question, Observation]:
    """Ask questions all at once over the engine; return their observations."""
    by_address: dict[IPAddress, list[Question]] = {}
    for question in questions:
        by_address.setdefault(question.address, []).append(question)
    scripts = {address: _script(address, asked) for address, asked in by_address.items()}
    outcome = Run(scripts, backend, TIMING).until(60.0)
    assert outcome.complete
    return {trace.observation.question: trace.observation for one in outcome.surveys for trace in one.traces}


def _script(address: IPAddress, questions: Sequence[Question]) -> Generator[Step, Answers, AddressSurvey]:
    answers = yield Step(tuple(questions))
    traces = tuple(Trace(answers[question], PurposeRule.WHOSE_RESET) for question in questions)
    return AddressSurvey(TargetAddress(address, "any"), (), traces=traces)


@contextmanager
def without_limits() -> Iterator[None]:
    """Worlds whose hosts send as many ICMP errors as they have to."""

    def lay_out(scenario: Scenario) -> layout.Layout:
        plan = layout.lay_out(scenario)
        hosts = tuple(replace(host, settings=(*host.settings, *NO_LIMITS)) for host in plan.hosts)
        return replace(plan, hosts=hosts)

    unlimited = mock.patch.object(Buckets, "allow_icmp", return_value=True)
    with unlimited, mock.patch.object(netns_world, "lay_out", lay_out):
        yield


def _link_names(scenario: Scenario, host: Host) -> Mapping[str | None, str]:
    """Who has a link-layer address, in words that all worlds share."""
    names: dict[str | None, str] = {None: "none"}
    for symbol in scenario.addresses:
        neighbour = ROUTER_ADDRESSES[symbol] if realm_of(symbol) == "public" else str(address_of(symbol))
        link_address = host.link_address(ip_address(neighbour))
        if link_address is not None:
            names.setdefault(link_address, realm_of(symbol))
    return names


def _title(question: Question) -> str:
    by = "" if question.hop is None else f" by {question.hop.interface} from {question.hop.source}"
    ttl = "" if question.ttl is None else f" ttl {question.ttl}"
    return f"{question.shape} {question.address} {question.port}{by}{ttl}"


def _of(seen: Observation, links: Mapping[str | None, str]) -> list[object]:
    found: list[object] = [seen.reason, None if seen.sender is None else str(seen.sender), seen.ttl]
    header = seen.header
    if header is None:
        return found
    options = header.options
    return [
        *found,
        None if seen.icmp is None else list(seen.icmp),
        "marked" if header.tos == MARK_TOS else f"{header.tos:#x}",
        None if header.flow_label is None else bool(header.flow_label),
        header.window,
        None
        if options is None
        else [options.mss, options.window_scale is None, options.timestamps, options.sack],
        header.interface,
        links.get(header.link_address, "?"),
    ]
