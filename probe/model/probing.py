"""Probes, replies and observations: what was asked, what came back, what it amounts to.

A *question* is asked by one or more *probes* (tries); each probe brings at most one first *reply*;
a question ends as exactly one *observation*. Meaning crosses the seam, not errno: a backend
translates what its platform reports into a Reason before anyone else sees it.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from probe.model.target import IPAddress, Port, Protocol


class State(StrEnum):
    """State of one port on one address, in nmap's words."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"
    OPEN_FILTERED = "open|filtered"


class Reason(StrEnum):
    """Why a port is in its state, in nmap's words."""

    SYN_ACK = "syn-ack"
    RESET = "reset"
    NO_RESPONSE = "no-response"
    UDP_RESPONSE = "udp-response"
    PORT_UNREACH = "port-unreach"
    HOST_UNREACH = "host-unreach"
    NET_UNREACH = "net-unreach"
    PROTO_UNREACH = "proto-unreach"
    ADMIN_PROHIBITED = "admin-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    NET_PROHIBITED = "net-prohibited"
    TIME_EXCEEDED = "time-exceeded"
    FRAG_NEEDED = "frag-needed"
    NO_ROUTE = "no-route"  # the prober itself has none
    NOT_SENT = "not-sent"  # could not be measured: never a verdict
    REFUSED = "refused"  # a reset or an ICMP error, the platform cannot distinguish them
    ECHO_REPLY = "echo-reply"  # the host answers ping: no evidence of a port
    ARP_RESPONSE = "arp-response"  # a neighbour claims the address: no evidence of a port


class ErrorKind(StrEnum):
    """What an ICMP error reports of a packet."""

    UNREACHABLE = "unreachable"  # there is nobody to give it to, or no way there
    PROHIBITED = "prohibited"  # somebody, or the host itself, does not take it
    EXPIRED = "expired"
    TOO_BIG = "too-big"


class ReasonFacts(Struct, frozen=True):
    """What a reason amounts to. `state`: of a TCP port, None: it shows none. `error`: of an ICMP error."""

    state: State | None = State.FILTERED
    error: ErrorKind | None = None


REASONS: Mapping[Reason, ReasonFacts] = {
    Reason.SYN_ACK: ReasonFacts(State.OPEN),
    Reason.RESET: ReasonFacts(State.CLOSED),
    Reason.NO_RESPONSE: ReasonFacts(),
    Reason.UDP_RESPONSE: ReasonFacts(State.OPEN),
    Reason.PORT_UNREACH: ReasonFacts(error=ErrorKind.PROHIBITED),
    Reason.HOST_UNREACH: ReasonFacts(State.UNREACHABLE, ErrorKind.UNREACHABLE),
    Reason.NET_UNREACH: ReasonFacts(State.UNREACHABLE, ErrorKind.UNREACHABLE),
    Reason.PROTO_UNREACH: ReasonFacts(error=ErrorKind.PROHIBITED),
    Reason.ADMIN_PROHIBITED: ReasonFacts(error=ErrorKind.PROHIBITED),
    Reason.HOST_PROHIBITED: ReasonFacts(error=ErrorKind.PROHIBITED),
    Reason.NET_PROHIBITED: ReasonFacts(error=ErrorKind.PROHIBITED),
    Reason.TIME_EXCEEDED: ReasonFacts(error=ErrorKind.EXPIRED),
    Reason.FRAG_NEEDED: ReasonFacts(error=ErrorKind.TOO_BIG),
    Reason.NO_ROUTE: ReasonFacts(State.UNREACHABLE),
    Reason.NOT_SENT: ReasonFacts(None),
    Reason.REFUSED: ReasonFacts(State.CLOSED),
    Reason.ECHO_REPLY: ReasonFacts(None),
    Reason.ARP_RESPONSE: ReasonFacts(None),
}


def reasons_of(*kinds: ErrorKind) -> frozenset[Reason]:
    """The reasons that are ICMP errors of these kinds."""
    return frozenset(reason for reason, facts in REASONS.items() if facts.error in kinds)


ICMP_REASONS = reasons_of(*ErrorKind)
TCP_ANSWERS = frozenset({Reason.SYN_ACK, Reason.RESET})  # what a TCP stack answers an opening with
PORT_ANSWERS = TCP_ANSWERS | {Reason.UDP_RESPONSE}  # ... and what a port answers of itself
UNMEASURED = frozenset({Reason.NOT_SENT, Reason.NO_ROUTE})  # no probe left this machine


def state_of(reason: Reason, protocol: Protocol, *, from_target: bool) -> State | None:
    """Derive the state of a port; None where it was not measured.

    `from_target` is whether the reply's sender is the probed address itself: for UDP a
    port-unreachable from there is the closed port's own answer (RFC 1122 section 4.1.3.1).
    """
    if protocol is Protocol.UDP:
        if reason is Reason.PORT_UNREACH and from_target:
            return State.CLOSED
        if reason is Reason.NO_RESPONSE:
            return State.OPEN_FILTERED
    return REASONS[reason].state


class Role(StrEnum):
    """Why a port is asked."""

    TESTED = "tested"
    CONTROL = "control"  # a port that nothing uses: shows how the address answers when nobody listens
    CANARY = "canary"  # a control asked again later: shows whether the address changed its behaviour
    REPEAT = "repeat"  # a port whose answer decides, asked again: shows whether it still answers so


class Aftermath(StrEnum):
    """What a TCP connection did in the moment after it was accepted."""

    HELD = "held"  # stayed open and silent
    SPOKE = "spoke"  # the peer sent bytes first
    CLOSED = "closed"  # FIN at once, as a proxy does whose backend is dead
    RESET = "reset"  # RST at once, as a SYN proxy does whose backend refuses


CUT_SHORT = frozenset({Aftermath.CLOSED, Aftermath.RESET})  # the peer ended it at once


class Origin(StrEnum):
    """Which box answered for a port, seen by hop counts."""

    HOST = "host"  # at the distance of the address's other answers
    NEARER = "nearer"  # a box on the way, in the address's name
    BEHIND = "behind"  # something that the address forwards to (DNAT)


class Shape(StrEnum):
    """What a probe is on the wire. Sockets can send openings only; the others take raw packets."""

    OPENING = "opening"  # a SYN, or a datagram
    ACK = "ack"  # an ACK of no connection: a stack resets it, a stateful filter drops it
    FIN = "fin"  # a FIN of no connection: a closed port resets it, an open one is silent (RFC 9293 3.10.7)
    ECHO = "echo"  # an ICMP echo request; it has no port, its number is 0
    WHO_HAS = "who-has"  # an ARP request; it has no port either


class PurposeRule(StrEnum):
    """The doubt that a raw packet is sent to end."""

    WHOSE_RESET = "whose-reset"
    MARKS_OF_CONTROLS = "marks-of-controls"
    KEEPS_MARKS = "keeps-marks"
    KEPT_FROM_SOCKETS = "kept-from-sockets"
    WHAT_IS_DROPPED = "what-is-dropped"
    HOW_FAR = "how-far"
    LISTENER_BEHIND_FILTER = "listener-behind-filter"
    BESIDE_FORWARD = "beside-forward"
    WHO_COMPLETES = "who-completes"
    ADDRESS_OR_DEVICE = "address-or-device"
    ONE_MACHINE_BY_FRAME = "one-machine-by-frame"
    ONE_MACHINE_BY_ARP = "one-machine-by-arp"
    LINK_REACHES_LOOPBACK = "link-reaches-loopback"
    BEHIND_LOOPBACK = "behind-loopback"


class NextHop(Struct, frozen=True, omit_defaults=True):
    """A neighbour that a packet is handed to, whatever the routes are."""

    interface: str
    source: IPAddress  # the prober's own address on that link
    link_address: str  # of the neighbour, as 52:54:00:12:34:56


class Question(Struct, frozen=True, omit_defaults=True, cache_hash=True):
    """One thing to find out: how `address` answers on `port` to probes of this shape."""

    address: IPAddress
    port: Port
    role: Role = Role.TESTED
    ttl: int | None = None  # IP TTL / hop limit to send with; None: the system's default
    min_ttl: int | None = None  # ignore replies that arrive with less (IP_MINTTL, RFC 5082)
    shape: Shape = Shape.OPENING
    hop: NextHop | None = None  # None: as the kernel routes it


class Probe(Struct, frozen=True):
    """One try at a question. `id` is unique within a run; `attempt` counts from 1."""

    id: int
    question: Question
    attempt: int = 1


class TcpFacts(Struct, frozen=True, omit_defaults=True):
    """What the kernel reports of an accepted connection (TCP_INFO, linux/tcp.h)."""

    mss: int  # bytes per segment towards the peer
    window_scale: int | None  # the peer's, None without the option
    timestamps: bool
    sack: bool


class TcpOptions(Struct, frozen=True, omit_defaults=True):
    """The options of a SYN/ACK (RFC 9293 3.1, RFC 7323, RFC 2018). None: it had no such option."""

    mss: int | None = None  # bytes
    window_scale: int | None = None
    timestamps: bool = False
    sack: bool = False


DSCP_BITS = 0xFC  # of a TOS octet; the lowest two bits are ECN and belong to routers (RFC 3168)
MARK_TOS = 0x68  # DSCP AF31 (RFC 2597): a Linux stack echoes it in its resets, netfilter's forged ones have 0


class Header(Struct, frozen=True, omit_defaults=True):
    """What the headers of a reply have beyond its sender and TTL; only raw packets show it.

    None where the protocol has no such field, or where the link has no addresses.
    """

    tos: int = 0  # IPv4 TOS or IPv6 traffic class, all eight bits
    flow_label: int | None = None  # IPv6
    window: int | None = None  # TCP, as sent, not scaled
    options: TcpOptions | None = None  # of a SYN/ACK
    interface: str | None = None  # by which it arrived
    link_address: str | None = None  # of the neighbour that handed it over; ARP: of the one that answered


class Reply(Struct, frozen=True):
    """What came back to one probe.

    `at` is on the backend's clock, in seconds. An ICMP error always has its `sender`. A reply
    with an `aftermath` follows the syn-ack of the same probe and only adds to it.
    """

    probe_id: int
    reason: Reason
    at: float
    sender: IPAddress | None = None
    icmp: tuple[int, int] | None = None  # type, code
    ttl: int | None = None  # of the reply as it arrived
    aftermath: Aftermath | None = None
    tcp: TcpFacts | None = None
    header: Header | None = None
    first_bytes: bytes = b""  # of what the peer sent by itself, with the aftermath


class Observation(Struct, frozen=True, omit_defaults=True):
    """The outcome of one question: silence is an outcome too.

    `attempts` counts the tries sent, `answered` which of them was answered (1 is the first,
    None for silence), `rtt` is in seconds. `sender` is None for silence and where nothing shows it.
    """

    question: Question
    reason: Reason
    attempts: int
    answered: int | None = None
    rtt: float | None = None
    sender: IPAddress | None = None
    icmp: tuple[int, int] | None = None
    ttl: int | None = None
    aftermath: Aftermath | None = None
    tcp: TcpFacts | None = None
    origin: Origin | None = None  # None: not measured
    started: float | None = None  # when the first try left, on the backend's clock
    answered_at: float | None = None  # when the answer came, on the same clock
    header: Header | None = None
    raw_only: bool = False  # raw packets brought this answer; connect() waited for it in vain
    first_bytes: bytes = b""  # of what an accepting peer sent by itself, where a backend reads it; not saved
    rationed: bool = False  # silence that may be an ICMP error held back: the sender had given its ration

    @property
    def state(self) -> State | None:
        """State of the port; None where it was not measured."""
        question = self.question
        from_target = self.sender is None or self.sender == question.address
        return state_of(self.reason, question.port.protocol, from_target=from_target)
