"""THE TABLE: what may be true of a port and of an address, and the likelihood of what comes back.

Everything here is data. A probe to a port on an address has a *disposition* (it passes, a filter drops
it, ...). Which dispositions are usual depends on the *policy* of the address, learned from its control
ports. The response depends on the disposition and on whether the socket covers the address.

The numbers are judgements about how servers are set up and how stacks behave, not measurements, but for
the shapes of the answers, which were measured on Linux and are described in the README.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probe.inference.openings import ACCEPTS, DENIES, LET_IN, ONE, Opening
from probe.inference.traces import ResetMark
from probe.model.disposition import Disposition, Likelihood, RawResponse, RawResponses
from probe.model.evidence import Response
from probe.model.target import Protocol

EPSILON: Final = 1e-6  # nothing is impossible


# Dispositions that a rule in the target's own input chain makes: forwarded packets never meet it.
INPUT_RULES: Final = frozenset(
    {Disposition.DROP, Disposition.DROP_SYN, Disposition.REJECT_HOST, Disposition.RESET_HOST}
)
FORGERS: Final = frozenset(
    {Disposition.RESET_HOST, Disposition.RESET_PATH}
)  # dispositions in which a filter forges a reset
Likelihoods = dict[Response, float]

# Responses to a TCP probe, by disposition and by whether a socket covers the address.
TCP_LIKELIHOOD: Final[dict[tuple[Disposition, bool], Likelihoods]] = {
    (Disposition.PASS, True): {
        Response.OPEN: 0.92,
        Response.CUT: 0.05,
        Response.OPEN_BEHIND: 0.0245,
        Response.OPEN_NEARER: 0.0003,  # a SYN proxy for this port
        Response.CUT_NEARER: 0.0005,
    },
    (Disposition.PASS, False): {
        Response.CLOSED: 0.975,
        Response.CLOSED_BEHIND: 0.01,
        Response.CUT_NEARER: 0.015,
    },
    (Disposition.FORWARDED, True): {Response.OPEN_BEHIND: 0.88, Response.OPEN: 0.11, Response.CUT: 0.01},
    (Disposition.FORWARDED, False): {Response.CLOSED_BEHIND: 0.8, Response.CLOSED: 0.2},
}
UDP_LIKELIHOOD: Final[dict[tuple[Disposition, bool], Likelihoods]] = {
    # Some answer only peers that they know.
    (Disposition.PASS, True): {Response.OPEN: 0.97, Response.SILENT: 0.03},
    (Disposition.PASS, False): {Response.CLOSED: 1.0},
    (Disposition.FORWARDED, True): {Response.OPEN: 0.97, Response.SILENT: 0.03},
    (Disposition.FORWARDED, False): {Response.CLOSED: 1.0},
    (Disposition.REJECT_HOST, True): {Response.CLOSED: 0.6, Response.ICMP_HOST: 0.4},
    (Disposition.REJECT_HOST, False): {Response.CLOSED: 0.6, Response.ICMP_HOST: 0.4},
}
# Dispositions with equal responses whether or not anything listens.
BLIND_LIKELIHOOD: Final[dict[Disposition, Likelihoods]] = {
    Disposition.DROP: {Response.SILENT: 1.0},
    Disposition.DROP_SYN: {Response.SILENT: 1.0},
    Disposition.REJECT_HOST: {Response.ICMP_HOST: 0.97, Response.ICMP_PATH: 0.03},
    Disposition.REJECT_PATH: {Response.ICMP_PATH: 0.97, Response.ICMP_HOST: 0.03},
    Disposition.RESET_HOST: {Response.CLOSED: 1.0},
    Disposition.RESET_PATH: {Response.CLOSED_NEARER: 0.8, Response.CLOSED: 0.2},
    Disposition.SPOOFED: {
        Response.OPEN: 0.6,
        Response.OPEN_NEARER: 0.25,
        Response.CUT: 0.1,
        Response.CUT_NEARER: 0.05,
    },
    Disposition.TAKEN_ON_PATH: {Response.OPEN_NEARER: 0.85, Response.CUT_NEARER: 0.15},
    Disposition.TAKEN_HERE: {
        Response.OPEN: 0.72,
        Response.OPEN_NEARER: 0.18,
        Response.CUT: 0.08,
        Response.CUT_NEARER: 0.02,
    },
    Disposition.FRONT: {Response.CLOSED: 0.9, Response.OPEN: 0.1},  # open: a service of the box itself
}
# Where the platform cannot separate a reset from an ICMP error, `refused` is any of these.
REFUSED_AS: Final = (
    Response.CLOSED,
    Response.CLOSED_NEARER,
    Response.CLOSED_BEHIND,
    Response.ICMP_HOST,
    Response.ICMP_PATH,
)
# Symbols that show nothing about the target.
MUTE: Final = frozenset({Response.LOCAL, Response.UNMEASURED})


class Policy(StrEnum):
    """How an address treats probes in general."""

    ACCEPTS = "accepts"  # no filter by default
    DROPS = "drops"  # default-drop
    DROPS_SYN = "drops-syn"  # default-drop of openings only
    REJECTS = "rejects"  # default-reject by the host
    REJECTS_ON_PATH = "rejects-on-path"
    RESETS = "resets"  # default-reject with forged resets by the host
    RESETS_ON_PATH = "resets-on-path"
    STEALTH = "stealth"  # a stack that never resets
    DARK = "dark"  # nothing reaches it, or nothing comes back
    ANSWERS_ALL = "answers-all"  # a middlebox completes every handshake
    FRONT_REFUSES = "front-refuses"  # a NAT box that refuses what it does not forward
    FRONT_DROPS = "front-drops"  # a NAT box that drops what it does not forward


Dispositions = dict[Disposition, float]


@dataclass(frozen=True, slots=True)
class DispositionMix:
    """Shares of dispositions under a policy.

    `control` for a port that nothing uses; `exposed` for a tested port whose service listens beyond loopback
    (firewalls are opened for services), `unexposed` for one whose service does not. `forwarded` for one that
    the host forwards, past its own input chain, where no router stands before it; None: as `exposed`.
    """

    control: Dispositions
    exposed: Dispositions
    unexposed: Dispositions
    forwarded: Dispositions | None = None
    stealth: bool = False  # the stack is silent where nothing listens


_PAST_INPUT: Final = 0.93  # of ports that the host forwards: its forward chain does not deny them


def _deny(by: Disposition, let_in: tuple[float, float]) -> DispositionMix:
    """A zone that denies by default and lets chosen ports pass; now and then it treats one in another way."""
    other = Disposition.REJECT_HOST if by is Disposition.DROP else Disposition.DROP
    exposed, unexposed = let_in
    return DispositionMix(
        control={by: 0.985, other: 0.003, Disposition.PASS: 0.012},
        exposed={by: 0.98 - exposed, other: 0.02, Disposition.PASS: exposed},
        unexposed={by: 0.985 - unexposed, other: 0.015, Disposition.PASS: unexposed},
        forwarded={by: 1 - _PAST_INPUT, Disposition.PASS: _PAST_INPUT},
    )


_PORT_RULES: Dispositions = {
    Disposition.DROP: 0.0275,
    Disposition.DROP_SYN: 0.0025,
    Disposition.REJECT_HOST: 0.017,
    Disposition.REJECT_PATH: 0.004,
    Disposition.RESET_HOST: 0.001,
    Disposition.RESET_PATH: 0.0008,
    Disposition.TAKEN_ON_PATH: 0.0007,
}
_HARDLY: Final = 0.05  # of these rules, what is left where no port seems to have one


def _with_rules(share: float) -> Dispositions:
    rules = {disposition: part * share for disposition, part in _PORT_RULES.items()}
    return {**rules, Disposition.PASS: 1 - sum(rules.values())}


_CONTROLS: Dispositions = {
    Disposition.PASS: 0.985,
    Disposition.DROP: 0.006,
    Disposition.REJECT_HOST: 0.004,
    Disposition.RESET_HOST: 0.003,
    Disposition.SPOOFED: 0.002,
}

MIXES: Final = MappingProxyType(
    {
        Policy.ACCEPTS: DispositionMix(_CONTROLS, _with_rules(1.0), _with_rules(1.0)),
        Policy.DROPS: _deny(Disposition.DROP, LET_IN[Opening.SELECTIVE]),
        Policy.DROPS_SYN: _deny(Disposition.DROP_SYN, LET_IN[Opening.SELECTIVE]),
        Policy.REJECTS: _deny(Disposition.REJECT_HOST, LET_IN[Opening.SELECTIVE]),
        Policy.REJECTS_ON_PATH: _deny(Disposition.REJECT_PATH, LET_IN[Opening.SELECTIVE]),
        Policy.RESETS: _deny(Disposition.RESET_HOST, LET_IN[Opening.SELECTIVE]),
        Policy.RESETS_ON_PATH: _deny(Disposition.RESET_PATH, LET_IN[Opening.SELECTIVE]),
        Policy.STEALTH: DispositionMix(
            control={Disposition.PASS: 1.0},
            exposed={Disposition.PASS: 0.9, Disposition.DROP: 0.1},
            unexposed={Disposition.PASS: 0.9, Disposition.DROP: 0.1},
            stealth=True,
        ),
        Policy.DARK: DispositionMix(
            control={Disposition.DROP: 1.0},
            exposed={Disposition.DROP: 1.0},
            unexposed={Disposition.DROP: 1.0},
        ),
        Policy.ANSWERS_ALL: DispositionMix(
            control={Disposition.SPOOFED: 0.992, Disposition.PASS: 0.008},
            exposed={Disposition.SPOOFED: 0.97, Disposition.PASS: 0.03},
            unexposed={Disposition.SPOOFED: 0.97, Disposition.PASS: 0.03},
        ),
        Policy.FRONT_REFUSES: DispositionMix(
            control={Disposition.FRONT: 1.0},
            exposed={Disposition.FORWARDED: 0.45, Disposition.FRONT: 0.55},
            unexposed={Disposition.FORWARDED: 0.05, Disposition.FRONT: 0.95},
        ),
        Policy.FRONT_DROPS: DispositionMix(
            control={Disposition.DROP: 1.0},
            exposed={Disposition.FORWARDED: 0.45, Disposition.DROP: 0.55},
            unexposed={Disposition.FORWARDED: 0.05, Disposition.DROP: 0.95},
        ),
    }
)


_DENYING: Final = {
    Policy.DROPS: Disposition.DROP,
    Policy.REJECTS: Disposition.REJECT_HOST,
    Policy.REJECTS_ON_PATH: Disposition.REJECT_PATH,
}
_OPENED: Final = {
    (policy, opening): _deny(disposition, LET_IN[opening])
    for policy, disposition in _DENYING.items()
    for opening in DENIES
} | {(Policy.ACCEPTS, Opening.ALL): DispositionMix(_CONTROLS, _with_rules(_HARDLY), _with_rules(_HARDLY))}


_BY_LIST: Final = {
    (policy, listed): _deny(disposition, (0.97, 0.97) if listed else (0.01, 0.01))
    for policy, disposition in _DENYING.items()
    for listed in (True, False)
}


def mix_of(policy: Policy, opening: Opening, listed: bool | None = None) -> DispositionMix:  # noqa: FBT001 - a fact
    """Shares of dispositions under a policy that lets as much pass.

    `listed`: whether the port is on the one list of the host, where that counts and is assumed.
    """
    if opening is Opening.LISTED and listed is not None:
        return _BY_LIST[policy, listed]
    return _OPENED.get((policy, opening)) or MIXES[policy]


def openings_of(policy: Policy) -> Mapping[Opening, float]:
    """How much a policy may let pass, with shares: it is learned from all ports."""
    if policy in _DENYING:
        return DENIES
    return ACCEPTS if policy is Policy.ACCEPTS else ONE


def likelihoods_of(protocol: Protocol, disposition: Disposition, *, covered: bool) -> Likelihoods:
    """P(response) to a probe with this disposition."""
    table = TCP_LIKELIHOOD if protocol is Protocol.TCP else UDP_LIKELIHOOD
    return table.get((disposition, covered)) or BLIND_LIKELIHOOD[disposition]


# --- raw evidence ---


# Beforehand, by IP version: the stack's own resets show a mark, and the path keeps it. No path takes the flow
# label of IPv6.
MARKS_SHOW: Final[Mapping[int, float]] = {4: 0.88, 6: 0.95}

# A reset's mark, by whether the host's own stack made it and whether marks show at this address.
RESET_MARKS: Final[Mapping[tuple[bool, bool], Mapping[ResetMark, float]]] = {
    (True, True): {ResetMark.MARKED: 0.9998, ResetMark.PLAIN: 0.0001, ResetMark.ODD: 0.0001},
    (True, False): {ResetMark.MARKED: 0.0005, ResetMark.PLAIN: 0.9, ResetMark.ODD: 0.0995},
    (False, True): {ResetMark.MARKED: 0.01, ResetMark.PLAIN: 0.96, ResetMark.ODD: 0.03},
    (False, False): {ResetMark.MARKED: 0.0005, ResetMark.PLAIN: 0.93, ResetMark.ODD: 0.0695},
}
# A ping reply's mark, by whether marks show. Where they do not, it is nearly always the path that takes them;
# and surely so where the same host's resets are marked on another address.
ECHO_MARKS: Final[Mapping[bool, Mapping[ResetMark, float]]] = {
    True: {ResetMark.MARKED: 0.97, ResetMark.PLAIN: 0.02, ResetMark.ODD: 0.01},
    False: {ResetMark.MARKED: 0.02, ResetMark.PLAIN: 0.88, ResetMark.ODD: 0.1},
}
STACK_THAT_MARKS: Final = 0.1  # ... of that 0.02, where another address has shown a marked reset

# Dispositions in which a reset is the host's own; in the others somebody forges it.
OWN_RESETS: Final = frozenset(
    {
        Disposition.TAKEN_HERE,
        Disposition.PASS,
        Disposition.FORWARDED,
        Disposition.FRONT,
        Disposition.DROP,
        Disposition.DROP_SYN,
    }
)

_CROSS_COVERED: RawResponses = {
    RawResponse.OPEN: 0.87,
    RawResponse.SILENT: 0.085,
    RawResponse.PASSED_ON: 0.03,
    RawResponse.RESET: 0.01,
    RawResponse.REJECTED: 0.005,
}
_CROSS_UNCOVERED: RawResponses = {
    RawResponse.RESET: 0.87,
    RawResponse.SILENT: 0.09,
    RawResponse.PASSED_ON: 0.03,
    RawResponse.REJECTED: 0.0095,
    RawResponse.OPEN: 0.0005,
}
_CROSS_STOPPED: RawResponses = {
    RawResponse.SILENT: 0.955,
    RawResponse.OPEN: 0.015,
    RawResponse.RESET: 0.015,
    RawResponse.REJECTED: 0.01,
    RawResponse.PASSED_ON: 0.005,
}
_CROSS_REJECTED: RawResponses = {
    RawResponse.REJECTED: 0.88,
    RawResponse.SILENT: 0.09,
    RawResponse.OPEN: 0.01,
    RawResponse.RESET: 0.015,
    RawResponse.PASSED_ON: 0.005,
}
_CROSS_RESET: RawResponses = {
    RawResponse.RESET: 0.93,
    RawResponse.SILENT: 0.045,
    RawResponse.OPEN: 0.01,
    RawResponse.REJECTED: 0.01,
    RawResponse.PASSED_ON: 0.005,
}
# A frame for another of the host's addresses, on this one's link: a weak host takes it (RFC 1122 3.3.4.2),
# through the filter of the link that it arrived on. By the disposition here and whether a socket covers it.
CROSS_LINK_LIKELIHOOD: Final[Likelihood] = {
    Disposition.PASS: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Disposition.FORWARDED: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Disposition.FRONT: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.DROP: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.DROP_SYN: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.REJECT_HOST: (_CROSS_REJECTED, _CROSS_REJECTED),
    Disposition.REJECT_PATH: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.RESET_HOST: (_CROSS_RESET, _CROSS_RESET),
    Disposition.RESET_PATH: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.SPOOFED: (_CROSS_STOPPED, _CROSS_STOPPED),
    Disposition.TAKEN_ON_PATH: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Disposition.TAKEN_HERE: (_CROSS_UNCOVERED, _CROSS_COVERED),
}
# The same for 127.0.0.1: hosts ignore it but for route_localnet. Docker forwards a port that it publishes
# there even from a link, and even into a container in which nothing listens.
LOOPBACK_LIKELIHOOD: Final[tuple[RawResponses, RawResponses]] = (
    {
        RawResponse.SILENT: 0.967,
        RawResponse.RESET: 0.03,
        RawResponse.PASSED_ON: 0.0015,
        RawResponse.REJECTED: 0.0012,
        RawResponse.OPEN: 0.0003,
    },
    {
        RawResponse.SILENT: 0.9375,
        RawResponse.PASSED_ON: 0.03,
        RawResponse.OPEN: 0.03,
        RawResponse.RESET: 0.0015,
        RawResponse.REJECTED: 0.001,
    },
)

COMPLETERS: Final = frozenset({Disposition.SPOOFED, Disposition.TAKEN_ON_PATH})  # another box completes it
# A SYN/ACK without a window, by whether a box in between completes handshakes.
BARE_WINDOW: Final[Mapping[bool, float]] = {True: 0.5, False: 0.003}
# A datagram answered from another address: wildcard sockets do, others cannot.
ELSEWHERE_IF_NOT_WILDCARD: Final = 1e-4
# Different services on two addresses inside. A wildcard socket has one, but a program may serve by address.
# Who binds to some addresses has one program there; who binds to all of them one by one rather several.
SEVERAL_IF_WILDCARD: Final = 0.005
SEVERAL_IF_SOME: Final = 0.006
SEVERAL_IF_ALL: Final = 0.3
