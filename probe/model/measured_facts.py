"""What was measured on an address, beside its causes: a closed list of facts, each with its values.

Phrases are made of these in `probe.explain.measured`.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.facts import LinkKind
from probe.model.probing import Reason, State
from probe.model.target import Protocol
from probe.model.unread import NameFailure


class FactRule(StrEnum):
    """One kind of fact."""

    NO_ROUTE = "no-route"
    ROUTE = "route"
    NEIGHBOUR_FAILED = "neighbour-failed"  # nobody on the link has the address
    GATEWAY_ANSWERS = "gateway-answers"  # in the neighbour table
    GATEWAY_SILENT = "gateway-silent"
    PING_NOT_PERMITTED = "ping-not-permitted"
    PING_REFUSED_HERE = "ping-refused-by-this-machine"
    PING_ANSWERED = "ping-answered"
    PING_ERROR = "ping-error"  # an ICMP error of `sender`
    PING_SILENT = "ping-silent"
    PORTS = "ports"  # those in one state
    LAST_HOP = "last-hop"  # the last box on the path that answers
    NO_HOP = "no-hop"  # none answers
    COUNTERS = "interface-counters"
    PEER_BYTES = "peer-bytes"  # what the WireGuard peer sent while the probes ran
    SEGMENTS_CARRIED = "segments-carried"  # full ones, through an open port
    SEGMENTS_STALLED = "segments-stalled"
    SEGMENTS_UNTRIED = "segments-untried"  # the service ended the connection first
    PATH_MTU = "path-mtu"  # what an ICMP error reported
    NAME_ANSWER = "name-answer"  # of one name server


class MeasuredFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact about an address, and the values that belong to it; the others are absent."""

    rule: Annotated[FactRule, Meta(description="What was measured.")]
    interface: Annotated[str | None, Meta(description="Interface that the route leaves by.")] = None
    link_kind: Annotated[LinkKind | None, Meta(description="What kind of interface that is.")] = None
    on_link: Annotated[bool | None, Meta(description="Whether the address is a neighbour on that link.")] = (
        None
    )
    source: Annotated[str | None, Meta(description="This machine's own address on that route.")] = None
    mtu: Annotated[int | None, Meta(description="Bytes of a packet that the route or the path carries.")] = (
        None
    )
    rtt_ms: Annotated[float | None, Meta(description="Round-trip time of ping, in milliseconds.")] = None
    sender: Annotated[str | None, Meta(description="Address of the box that reported it.")] = None
    reason: Annotated[Reason | None, Meta(description="The answer, in nmap's words.")] = None
    state: Annotated[State | None, Meta(description="State of `ports`.")] = None
    ports: Annotated[
        tuple[str, ...], Meta(description="Ports in that state, as `8000/tcp`; empty where they are many.")
    ] = ()
    count: Annotated[int | None, Meta(description="How many ports are in that state.")] = None
    ttl: Annotated[int | None, Meta(description="Hops to `sender`.")] = None
    probes: Annotated[int | None, Meta(description="Probes sent while the interface counted.")] = None
    sent_packets: Annotated[int | None, Meta(description="Packets that it counted going out.")] = None
    received_packets: Annotated[int | None, Meta(description="Packets that it counted coming in.")] = None
    received_bytes: Annotated[int | None, Meta(description="Bytes received from the peer meanwhile.")] = None
    port: Annotated[int | None, Meta(description="Number of the port that carried the segments.")] = None
    protocol: Annotated[Protocol | None, Meta(description="Protocol of `port`.")] = None
    segment: Annotated[int | None, Meta(description="Bytes of TCP payload in one segment.")] = None
    name: Annotated[str | None, Meta(description="The name that was asked for.")] = None
    server: Annotated[
        str | None, Meta(description="The name server that was asked; null: the system's own resolver.")
    ] = None
    addresses: Annotated[tuple[str, ...], Meta(description="Addresses that it gives; empty: none.")] = ()
    failure: Annotated[NameFailure | None, Meta(description="Why it gave none.")] = None
    text: Annotated[str, Meta(description="The same in a few words.")] = ""
