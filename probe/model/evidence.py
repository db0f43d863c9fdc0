"""The evidence for a verdict as values: which rule, and the arguments that its sentence is made of.

Inference makes these without `text`; the explanations fill it last. Addresses are written as text, so that a
report holds the very same values. Values are compared, grouped and merged while `text` is still empty.
"""

from enum import StrEnum

from msgspec import Struct

from probe.model.binding import Binding, Condition, Proof
from probe.model.disposition import RawResponse
from probe.model.identity import AliasSign
from probe.model.probing import Origin, PurposeRule, Reason, Shape
from probe.model.sockets import Contradiction


class Response(StrEnum):
    """The alphabet of evidence. UDP uses OPEN for an answer and CLOSED for the target's port-unreachable."""

    OPEN = "open"
    CUT = "cut"  # accepted, then closed or reset at once
    CUT_NEARER = "cut-nearer"  # the same by a box on the way: its own way to the port was refused
    OPEN_BEHIND = "open-behind"
    OPEN_NEARER = "open-nearer"
    CLOSED = "closed"
    CLOSED_BEHIND = "closed-behind"
    CLOSED_NEARER = "closed-nearer"
    ICMP_HOST = "icmp-host"  # an ICMP error from the probed address
    ICMP_PATH = "icmp-path"  # an ICMP error from another box
    LOCAL = "local"  # this machine's own kernel or firewall answered
    SILENT = "silent"
    REFUSED = "refused"  # a reset or an ICMP error, the platform cannot distinguish
    UNMEASURED = "unmeasured"


class EvidenceRule(StrEnum):
    """What was seen of a port. "Like controls": as ports that nothing uses on the same address."""

    # One answer of one or several addresses.
    ACCEPTED = "accepted"
    ACCEPTED_LIKE_CONTROLS = "accepted-like-controls"
    FORWARDED = "forwarded"  # something behind the address accepted
    INTERCEPTED = "intercepted"  # a box on the way accepted
    ACCEPTED_AND_CUT = "accepted-and-cut"
    INTERCEPTED_AND_CUT = "intercepted-and-cut"
    REFUSED = "refused"
    REFUSED_LIKE_CONTROLS = "refused-like-controls"
    REFUSED_BESIDE_SILENCE = "refused-beside-silence"  # the controls are silent: the filter lets this pass
    FORWARDED_AND_REFUSED = "forwarded-and-refused"
    REFUSED_ON_THE_WAY = "refused-on-the-way"
    REJECTED = "rejected"  # by a filter of the address itself
    REJECTED_LIKE_CONTROLS = "rejected-like-controls"
    REJECTED_ON_THE_WAY = "rejected-on-the-way"
    REJECTED_ON_THE_WAY_LIKE_CONTROLS = "rejected-on-the-way-like-controls"
    STOPPED_HERE = "stopped-here"  # by this machine
    SILENT = "silent"
    SILENT_LIKE_CONTROLS = "silent-like-controls"
    SILENT_BESIDE_ANSWERS = "silent-beside-answers"  # the controls answer
    REFUSED_OR_REJECTED = "refused-or-rejected"  # this platform does not show which
    NOT_MEASURED = "not-measured"
    CHANGED = "changed"  # asked again, it answered otherwise
    STOPPED_LISTENING = "stopped-listening"  # asked again, it refused what it had accepted
    STATED = "stated"  # by the user, with an option
    # A forwarded port.
    EXPIRES_AT_ADDRESS = "expires-at-address"
    SOCKET_BESIDE_FORWARD = "socket-beside-forward"
    # What raw packets showed.
    RECEIVED_RAW_ONLY = "received-raw-only"
    RESET_MARKED = "reset-marked"
    RESET_FORGED = "reset-forged"
    RESETS_UNMARKED = "resets-unmarked"
    OPENING_ANSWERED_HERE = "opening-answered-here"  # a raw one, by the prober's own machine
    OPENING_RESET = "opening-reset"  # a raw one, though connections are accepted
    NO_WINDOW = "no-window"
    ANSWERED_FROM_ELSEWHERE = "answered-from-elsewhere"
    REACHED_HOP = "reached-hop"
    SEGMENT = "segment"  # a segment of no connection, of a kind without rules of its own
    ACK_RESET = "ack-reset"
    ACK_DROPPED = "ack-dropped"
    ACK_REJECTED = "ack-rejected"
    FIN_RESET = "fin-reset"
    FIN_UNANSWERED = "fin-unanswered"
    FIN_BESIDE_FORWARD_RESET = "fin-beside-forward-reset"
    FIN_BESIDE_FORWARD_UNANSWERED = "fin-beside-forward-unanswered"
    FIN_BESIDE_FORWARD_REJECTED = "fin-beside-forward-rejected"
    FRAME_ACCEPTED = "frame-accepted"  # for another address of the target, on this address's link
    FRAME_REFUSED = "frame-refused"
    FRAME_REJECTED = "frame-rejected"
    FRAME_PASSED_ON = "frame-passed-on"
    FRAME_UNANSWERED = "frame-unanswered"
    LOOPBACK_ACCEPTED = "loopback-accepted"  # a frame for 127.0.0.1, on this address's link
    LOOPBACK_REFUSED = "loopback-refused"
    LOOPBACK_PASSED_ON = "loopback-passed-on"
    # The program refuses this machine itself.
    HANGS_UP = "hangs-up"  # at once, while it serves another address
    DENIES = "denies"  # in words
    FORBIDS = "forbids"  # a page (HTTP 403) that it serves on another address
    # What the target's own list of sockets shows.
    LISTED = "listed"
    NOT_LISTED = "not-listed"
    UNLIKE_LIST = "unlike-list"  # the answers from outside
    # What services showed of themselves.
    SAME_SERVICE = "same-service"
    PERHAPS_SAME_SERVICE = "perhaps-same-service"
    OTHER_HOST_KEY = "other-host-key"
    OTHER_SERVICE = "other-service"
    ANSWERS_DIFFER = "answers-differ"


class PortEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was seen of a port, on the addresses that share it."""

    rule: EvidenceRule
    addresses: tuple[str, ...] = ()
    reason: Reason | None = None
    later: Reason | None = None  # when it was asked again
    sender: str | None = None
    tries: int | None = None
    controls: int | None = None
    origin: Origin | None = None
    condition: Condition | None = None
    destination: str | None = None
    hop: int | None = None
    beside: tuple[str, ...] = ()
    service: str | None = None
    other_service: str | None = None
    proofs: tuple[Proof, ...] = ()
    option: str | None = None
    probe: Shape | None = None
    response: RawResponse | None = None
    bindings: tuple[Binding, ...] = ()
    lines: tuple[str, ...] = ()
    contradiction: Contradiction | None = None
    text: str = ""


class AddressRule(StrEnum):
    """What was seen of an address, and which machine answers there."""

    OWN_ADDRESS = "own-address"  # the prober's
    CONTROLS = "controls"  # how ports that nothing uses answered
    DISTANCE = "distance"
    LEAVES_BESIDE_TUNNEL = "leaves-beside-tunnel"
    LEAVES_INSTEAD = "leaves-instead"
    TUNNEL_OFF = "tunnel-off"
    TUNNEL_NOT_ALLOWED = "tunnel-not-allowed"
    TUNNEL_NEVER = "tunnel-never"
    TUNNEL_STALE = "tunnel-stale"
    TUNNEL_FRESH = "tunnel-fresh"
    NO_CARRIER = "no-carrier"  # of the link that leads there
    LINK_OFF = "link-off"
    NO_LINK_HAS_IT = "no-link-has-it"  # a private address that goes out by the default route
    NOBODY_ON_LINK = "nobody-on-link"
    ANSWERS_ON_LINK = "answers-on-link"  # for its address, and otherwise not at all
    TRIES_LOST = "tries-lost"
    STOPPED_ANSWERING = "stopped-answering"
    CHANGED = "changed"  # it answers otherwise than at first, or no more
    # Who answers, where the target does not.
    GATEWAY_ANSWERS = "gateway-answers"
    OTHER_MACHINE_ANSWERS = "other-machine-answers"
    VPN_PROGRAM_ANSWERS = "vpn-program-answers"
    ASKED_FROM_INSIDE = "asked-from-inside"  # a public address, from behind its own gateway
    # Which machine answers; `sign` is what shows it.
    ANOTHER_MACHINE = "another-machine"
    PERHAPS_ANOTHER_MACHINE = "perhaps-another-machine"
    OF_ANOTHER_MACHINE = "of-another-machine"  # one machine with an address that is another machine's
    PERHAPS_OF_ANOTHER_MACHINE = "perhaps-of-another-machine"
    ONE_MACHINE = "one-machine"
    TAKEN_AS_ONE_HOST = "taken-as-one-host"  # on the user's word
    UNDECIDED_SIGN = "undecided-sign"
    OUTWEIGHED_SIGN = "outweighed-sign"


class AliasClaim(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one sign of one machine or of several shows, with the arguments that this sign has.

    `about` and `beside` are given where the sign reads differently from the other side.
    """

    sign: AliasSign
    about: str | None = None
    beside: str | None = None
    realm: str | None = None
    reason: Reason | None = None
    ports: tuple[str, ...] = ()
    link_address: str | None = None
    ttls: tuple[int, ...] = ()
    services: tuple[str, ...] = ()


class AddressEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was seen of an address; with a `claim`, `addresses` are those beside which it holds."""

    rule: AddressRule
    controls: dict[Response, int] = {}
    hops: int | None = None
    reply_ttl: int | None = None
    interface: str | None = None
    gateway: str | None = None
    tunnel: str | None = None
    loss: float | None = None
    probability: float | None = None
    addresses: tuple[str, ...] = ()
    claim: AliasClaim | None = None
    text: str = ""


class ReadingRule(StrEnum):
    """How an answer is read: beside ports that nothing uses, alone, or not at all."""

    LIKE_CONTROLS = "like-controls"
    UNLIKE_CONTROLS = "unlike-controls"
    WITHOUT_CONTROLS = "without-controls"  # it takes a comparison, and none was measured
    ALONE = "alone"  # it takes none
    TUNNEL_DOWN = "tunnel-down"  # no probe reached the address
    WRONG_ROUTE = "wrong-route"
    LINK_DOWN = "link-down"
    OFF_NETWORK = "off-network"


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rule by which one address's answer was read, and what the answer amounts to."""

    rule: ReadingRule
    response: Response
    text: str = ""


class Purpose(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a raw packet was sent."""

    rule: PurposeRule
    text: str = ""
