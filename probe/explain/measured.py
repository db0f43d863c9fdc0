"""What was measured on an address, in a few plain words each."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from probe.explain.causes import name_server
from probe.explain.phrases import listed
from probe.explain.unread import no_address
from probe.model.facts import LinkKind
from probe.model.measured_facts import FactRule, MeasuredFact

_LINKS: Mapping[LinkKind, str] = {LinkKind.TUNNEL: ", a tunnel,", LinkKind.LOOPBACK: ", loopback,"}


def explained_fact(fact: MeasuredFact) -> MeasuredFact:
    """The same fact with its words."""
    phrase = _PHRASES[fact.rule]
    return replace(fact, text=phrase.format(m=fact) if isinstance(phrase, str) else phrase(fact))


def _route(m: MeasuredFact) -> str:
    kind = _LINKS.get(m.link_kind, "") if m.link_kind else ""
    near = " on the link" if m.on_link else " through a gateway"
    mtu = f", MTU {m.mtu}" if m.mtu else ""
    source = f" from {m.source}" if m.source else ""
    return f"route by {m.interface}{kind or near}{source}{mtu}"


def _ping(m: MeasuredFact) -> str:
    return f"ping {m.rtt_ms:.1f} ms" if m.rtt_ms is not None else "ping answered"


def _ports(m: MeasuredFact) -> str:
    return f"{listed(m.ports) if m.ports else f'{m.count} ports'} {m.state}"


def _name(m: MeasuredFact) -> str:
    without = "nothing" if m.failure is None else no_address(m.failure)
    return f"{m.name} by {name_server(m.server)}: {listed(m.addresses) if m.addresses else without}"


_SEGMENTS = "segments of {m.segment} bytes on {m.port}/{m.protocol}"

# Each a template of the fact's values, or what makes the phrase of them.
_PHRASES: Mapping[FactRule, str | Callable[[MeasuredFact], str]] = {
    FactRule.NO_ROUTE: "no route",
    FactRule.ROUTE: _route,
    FactRule.NEIGHBOUR_FAILED: "no answer to ARP or ND",
    FactRule.GATEWAY_ANSWERS: "the link's gateway answers",
    FactRule.GATEWAY_SILENT: "the link's gateway is silent too",
    FactRule.PING_NOT_PERMITTED: "ping not permitted",
    FactRule.PING_REFUSED_HERE: "ping refused by this machine",
    FactRule.PING_ANSWERED: _ping,
    FactRule.PING_ERROR: "ping: {m.reason} from {m.sender}",
    FactRule.PING_SILENT: "ping silent",
    FactRule.PORTS: _ports,
    FactRule.LAST_HOP: "last hop that answers: {m.sender} (hop {m.ttl})",
    FactRule.NO_HOP: "no hop answers",
    FactRule.COUNTERS: (
        "{m.interface}: {m.sent_packets} packets sent, {m.received_packets} received for {m.probes} probes"
    ),
    FactRule.PEER_BYTES: "the peer sent {m.received_bytes} bytes meanwhile",
    FactRule.SEGMENTS_CARRIED: f"{_SEGMENTS}: pass",
    FactRule.SEGMENTS_STALLED: f"{_SEGMENTS}: stall",
    FactRule.SEGMENTS_UNTRIED: f"{_SEGMENTS}: not tried to the end",
    FactRule.PATH_MTU: lambda m: f"path MTU {m.mtu}, reported by {m.sender or 'the path'}",
    FactRule.NAME_ANSWER: _name,
}
