"""What speaks for a cause: the symptoms that the diagnosis knows, a closed list, each with its values.

Sentences are made of these in `probe.explain.causes`; nothing before that knows any.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.machine import Chain, TunnelKind
from probe.model.probing import Reason
from probe.model.target import Protocol


class Symptom(StrEnum):
    """One thing that was seen of an address, of a port on it, or of the size that its path carries."""

    # How does the address answer?
    OWN_ADDRESS = "own-address"  # of this machine
    ANSWERS = "answers"  # a TCP or UDP stack speaks for it
    ECHO_ONLY = "answers-ping-only"  # ping is answered, no port is
    WITHHELD = "answers-withheld"  # raw packets saw answers that no socket was given
    REFUSED_HERE = "refused-by-this-machine"  # this machine itself refused to send
    NEIGHBOUR_FAILED = "neighbour-failed"  # nobody on the link has the address
    REPORTED_UNREACHABLE = "reported-unreachable"  # another box: the host or the network is unreachable
    REPORTED_PROHIBITED = "reported-prohibited"  # another box reports that it is prohibited
    TARGET_PROHIBITS = "target-prohibits"  # the address itself reports it, for every port
    NO_ROUTE = "no-route"  # this machine has none
    NEIGHBOUR_ONLY = "neighbour-only"  # it resolves on the link, and is silent otherwise
    OTHER_PORTS_ANSWER = "other-ports-answer"  # usual ones, where all that were asked are silent
    SILENT = "silent"  # to ping too
    PORTS_SILENT = "ports-silent"  # ping could not be asked
    # By what does the route leave?
    ROUTE_BY_TUNNEL = "route-by-tunnel"
    ROUTE_ON_LINK = "route-on-link"  # as a neighbour
    ROUTE_BY_GATEWAY = "route-by-gateway"
    # Does the link that leads there work?
    LINK_RUNS = "link-runs"
    NO_CARRIER = "no-carrier"
    LINK_OFF = "link-off"
    # Does a link lead to the network of a private address?
    NETWORK_ROUTED = "network-routed"
    NO_LINK_HAS_IT = "no-link-has-it"  # it goes out by the default route
    # Where do the hops on the way there lie?
    STAYS_INSIDE = "stays-inside"
    LEAVES_FOR_INTERNET = "leaves-for-internet"
    # Is the link wireless?
    LINK_WIRELESS = "link-wireless"
    LINK_WIRED = "link-wired"
    # Does the tunnel's far end pass packets on?
    FAR_END_PASSES_ON = "far-end-passes-on"
    FAR_END_SHOWS_NOTHING = "far-end-shows-nothing"
    # Is the address in the tunnel's own network?
    IN_TUNNEL_NETWORK = "in-tunnel-network"
    BEHIND_TUNNEL = "behind-tunnel"
    # What kind of tunnel is it?
    PEER_TUNNEL = "tunnel-with-peers"  # WireGuard and what is made of it: peers, and what each may have
    SESSION_TUNNEL = "tunnel-with-session"  # OpenVPN: its interface is there while the session is
    # Is that the way that was meant?
    ROUTE_EXPECTED = "route-expected"
    ROUTE_MISSES_TUNNEL = "route-misses-tunnel"  # a tunnel that is up has the address
    ROUTE_WITHOUT_TUNNEL = "route-without-tunnel"  # a VPN was meant; no tunnel is known to have the address
    ROUTE_MISSES_LINK = "route-misses-link"  # `interfaces`, links of its network; none: the link lacks it
    TUNNEL_OFF = (
        "tunnel-off"  # `tunnel` has the address and is off; or a VPN was meant, and all `tunnels` are
    )
    NO_TUNNEL = "no-tunnel"  # a VPN was meant, and this machine has no tunnel at all
    # What does the tunnel itself report?
    NOT_ALLOWED = "not-in-allowed-ips"
    HANDSHAKE_NEVER = "handshake-never"
    HANDSHAKE_STALE = "handshake-stale"
    HANDSHAKE_RECENT = "handshake-recent"
    # How does the tunnel's far end answer on the network that carries it?
    ENDPOINT_REFUSES = "endpoint-refuses"  # nothing listens there
    ENDPOINT_UNREACHABLE = "endpoint-unreachable"
    ENDPOINT_SILENT = "endpoint-silent"  # as WireGuard always is
    # Did the interface count the probes going out, and packets coming in?
    PROBES_SENT = "probes-sent"
    PROBES_NOT_SENT = "probes-not-sent"
    PACKETS_RECEIVED = "packets-received"  # and no program got them
    NOTHING_RECEIVED = "nothing-received"
    # By which way did the answer to an opening come that was handed over another link?
    RETURN_SAME_LINK = "return-by-same-link"
    RETURN_OTHER_LINK = "return-by-other-link"
    NO_RETURN = "no-return"
    # Do the target's other addresses answer?
    OTHERS_ANSWER = "other-addresses-answer"
    OTHERS_SILENT = "other-addresses-silent"
    # Does another machine on the same link answer?
    LINK_ANSWERS = "link-answers"
    LINK_SILENT = "link-silent"
    # Does this machine's own filter block anything that this address needs?
    LOCAL_FILTER_BLOCKS = "local-filter-blocks"
    LOCAL_FILTER_CLEAR = "local-filter-clear"
    # Its check of the reverse path?
    REVERSE_PATH_STRICT = "reverse-path-strict"
    REVERSE_PATH_LOOSE = "reverse-path-loose"
    REVERSE_PATH_DROPS = "reverse-path-drops"  # and it threw the answers away
    # How many links claim the address's network?
    NETWORK_OVERLAPS = "network-overlaps"
    NETWORK_UNIQUE = "network-unique"
    # Which machine answers?
    OTHER_MACHINE = "other-machine"
    # What does the name give?
    NAME_FITS = "name-fits"
    NAME_OUTSIDE_TUNNEL = "name-outside-tunnel"
    NAMES_DISAGREE = "name-servers-disagree"
    NO_NAME = "no-name"  # the address itself was given
    NAME_UNRESOLVED = "name-unresolved"  # it has no address, so that none is under diagnosis
    # How does a port answer that ought to be open?
    PORT_CLOSED = "port-closed"
    PORT_FILTERED = "port-filtered"
    PORT_UNREACHABLE = "port-unreachable"
    PORT_TURNED_AWAY = "port-turned-away"  # it accepts, and the program refuses this machine
    PORT_WITHHELD = "port-answer-withheld"  # it answers, and no program of this machine gets it
    # Which packets does the path carry?
    SEGMENT_PASSES = "segment-passes"
    PATH_MTU_LEARNT = "path-mtu-learnt"  # and full packets pass
    SEGMENT_LOST = "segment-lost"
    NO_SIZE_ERROR = "no-size-error"  # no ICMP error shows what the path carries
    SMALLER_PASSES = "smaller-packet-passes"


class NameServerAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one name server gives for a name."""

    server: Annotated[str | None, Meta(description="Its address; null: the system's own resolver.")] = None
    addresses: Annotated[tuple[str, ...], Meta(description="Addresses that it gives; empty: none.")] = ()


class CauseEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One symptom that speaks for a cause, and the values that belong to it; the others are absent."""

    rule: Annotated[Symptom, Meta(description="What was seen.")]
    address: Annotated[str | None, Meta(description="The address under diagnosis.")] = None
    port: Annotated[int | None, Meta(description="Number of the port that it was seen on.")] = None
    protocol: Annotated[Protocol | None, Meta(description="Protocol of `port`.")] = None
    addresses: Annotated[
        tuple[str, ...],
        Meta(
            description="Other addresses: those that answer, that have the port open, or that a name gives."
        ),
    ] = ()
    source: Annotated[str | None, Meta(description="This machine's own address on that route.")] = None
    sender: Annotated[str | None, Meta(description="Address of the box that reported it.")] = None
    gateway: Annotated[str | None, Meta(description="The next router on the route.")] = None
    ports: Annotated[tuple[str, ...], Meta(description="Ports that answer, as `22/tcp`.")] = ()
    reason: Annotated[Reason | None, Meta(description="The answer, in nmap's words.")] = None
    interface: Annotated[str | None, Meta(description="Interface that it was seen on.")] = None
    interfaces: Annotated[tuple[str, ...], Meta(description="Interfaces whose network has the address.")] = ()
    tunnel: Annotated[str | None, Meta(description="Interface of the tunnel that has the address.")] = None
    tunnels: Annotated[
        tuple[str, ...], Meta(description="Interfaces of this machine's tunnels, none known to have it.")
    ] = ()
    tunnel_kind: Annotated[TunnelKind | None, Meta(description="Whose tunnel `interface` is.")] = None
    peer_key: Annotated[str | None, Meta(description="Public key of the WireGuard peer.")] = None
    endpoint: Annotated[
        str | None, Meta(description="Address and port of the tunnel's far end; null: not known.")
    ] = None
    handshake_age_s: Annotated[
        float | None, Meta(description="Seconds since the peer's latest handshake.")
    ] = None
    probes: Annotated[int | None, Meta(description="Probes sent while the interface counted.")] = None
    packets: Annotated[int | None, Meta(description="Packets that were sent, received or dropped.")] = None
    chains: Annotated[
        tuple[Chain, ...], Meta(description="Chains of this machine's packet filter that block something.")
    ] = ()
    name: Annotated[str | None, Meta(description="The name that the address was resolved from.")] = None
    why: Annotated[str | None, Meta(description="Why a name has no address, in this system's words.")] = None
    answers: Annotated[
        tuple[NameServerAnswer, ...], Meta(description="What each name server gives for `name`.")
    ] = ()
    segment: Annotated[int | None, Meta(description="Bytes of TCP payload in one segment.")] = None
    mtu: Annotated[int | None, Meta(description="Bytes of a packet that the path carries.")] = None
    text: Annotated[str, Meta(description="The same as a sentence.")] = ""


QUESTIONS: tuple[frozenset[Symptom], ...] = (
    frozenset(
        {
            Symptom.ANSWERS,
            Symptom.ECHO_ONLY,
            Symptom.WITHHELD,
            Symptom.REFUSED_HERE,
            Symptom.NEIGHBOUR_FAILED,
            Symptom.REPORTED_UNREACHABLE,
            Symptom.REPORTED_PROHIBITED,
            Symptom.TARGET_PROHIBITS,
            Symptom.NO_ROUTE,
            Symptom.NEIGHBOUR_ONLY,
            Symptom.OTHER_PORTS_ANSWER,
            Symptom.SILENT,
            Symptom.PORTS_SILENT,
        }
    ),
    frozenset({Symptom.ROUTE_BY_TUNNEL, Symptom.ROUTE_ON_LINK, Symptom.ROUTE_BY_GATEWAY}),
    frozenset({Symptom.LINK_RUNS, Symptom.NO_CARRIER, Symptom.LINK_OFF}),
    frozenset({Symptom.NETWORK_ROUTED, Symptom.NO_LINK_HAS_IT}),
    frozenset({Symptom.STAYS_INSIDE, Symptom.LEAVES_FOR_INTERNET}),
    frozenset({Symptom.LINK_WIRELESS, Symptom.LINK_WIRED}),
    frozenset({Symptom.FAR_END_PASSES_ON, Symptom.FAR_END_SHOWS_NOTHING}),
    frozenset({Symptom.IN_TUNNEL_NETWORK, Symptom.BEHIND_TUNNEL}),
    frozenset({Symptom.PEER_TUNNEL, Symptom.SESSION_TUNNEL}),
    frozenset(
        {
            Symptom.ROUTE_EXPECTED,
            Symptom.ROUTE_MISSES_TUNNEL,
            Symptom.ROUTE_MISSES_LINK,
            Symptom.ROUTE_WITHOUT_TUNNEL,
            Symptom.TUNNEL_OFF,
            Symptom.NO_TUNNEL,
        }
    ),
    frozenset(
        {Symptom.NOT_ALLOWED, Symptom.HANDSHAKE_NEVER, Symptom.HANDSHAKE_STALE, Symptom.HANDSHAKE_RECENT}
    ),
    frozenset({Symptom.ENDPOINT_REFUSES, Symptom.ENDPOINT_UNREACHABLE, Symptom.ENDPOINT_SILENT}),
    frozenset({Symptom.PROBES_SENT, Symptom.PROBES_NOT_SENT}),
    frozenset({Symptom.PACKETS_RECEIVED, Symptom.NOTHING_RECEIVED}),
    frozenset({Symptom.RETURN_SAME_LINK, Symptom.RETURN_OTHER_LINK, Symptom.NO_RETURN}),
    frozenset({Symptom.OTHERS_ANSWER, Symptom.OTHERS_SILENT}),
    frozenset({Symptom.LINK_ANSWERS, Symptom.LINK_SILENT}),
    frozenset({Symptom.LOCAL_FILTER_BLOCKS, Symptom.LOCAL_FILTER_CLEAR}),
    frozenset({Symptom.REVERSE_PATH_STRICT, Symptom.REVERSE_PATH_LOOSE, Symptom.REVERSE_PATH_DROPS}),
    frozenset({Symptom.NETWORK_OVERLAPS, Symptom.NETWORK_UNIQUE}),
    frozenset({Symptom.OTHER_MACHINE}),
    frozenset({Symptom.OWN_ADDRESS}),
    frozenset({Symptom.NAME_FITS, Symptom.NAME_OUTSIDE_TUNNEL, Symptom.NAMES_DISAGREE, Symptom.NO_NAME}),
)
