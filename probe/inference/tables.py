"""THE TABLE: what may be true of a port and of an address, and what it sounds like.

Everything here is data. A probe to a port on an address meets a *fate* on its way (it passes, a filter
drops it, ...). Which fates are usual depends on the *policy* of the address, learned from its control
ports. The response depends on the fate and on whether the socket covers the address.

The numbers are judgements about how servers are set up and how stacks behave, not measurements, but for
the shapes of the answers, which were measured on Linux and are described in the README.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probe.inference.traces import Back, Sign
from probe.model.evidence import Response
from probe.model.target import Protocol

EPSILON: Final = 1e-6  # nothing is impossible


class Fate(StrEnum):
    """What happens to a probe between the prober and the target's socket."""

    PASS = "pass"  # noqa: S105 - a fate, no password
    DROP = "drop"
    DROP_SYN = "drop-syn"  # a filter drops openings, or the answers to them; other segments pass
    REJECT_HOST = "reject-host"  # ICMP error from the target's own filter
    REJECT_PATH = "reject-path"  # ICMP error from a box on the way
    RESET_HOST = "reset-host"  # reset forged by the target's own filter
    RESET_PATH = "reset-path"  # reset forged on the way
    SPOOFED = "spoofed"  # a box completes every handshake
    TAKEN_ON_PATH = "taken-on-path"  # a box on the way takes the connections to this port
    TAKEN_HERE = "taken-here"  # a program of the prober's own machine takes connections, not raw packets
    FORWARDED = "forwarded"  # a NAT box in front passes it on
    FRONT = "front"  # a NAT box in front answers for itself


# ... that a rule in the target's own input chain makes: forwarded packets never meet it.
INPUT_RULES: Final = frozenset({Fate.DROP, Fate.DROP_SYN, Fate.REJECT_HOST, Fate.RESET_HOST})
FORGERS: Final = frozenset({Fate.RESET_HOST, Fate.RESET_PATH})  # fates in which a filter forges a reset
Sounds = dict[Response, float]

# Responses to a TCP probe, by fate and by whether a socket covers the address.
TCP_SOUNDS: Final[dict[tuple[Fate, bool], Sounds]] = {
    (Fate.PASS, True): {
        Response.OPEN: 0.92,
        Response.CUT: 0.05,
        Response.OPEN_BEHIND: 0.0245,
        Response.OPEN_NEARER: 0.0003,  # a SYN proxy for this port
        Response.CUT_NEARER: 0.0005,
    },
    (Fate.PASS, False): {Response.CLOSED: 0.975, Response.CLOSED_BEHIND: 0.01, Response.CUT_NEARER: 0.015},
    (Fate.FORWARDED, True): {Response.OPEN_BEHIND: 0.88, Response.OPEN: 0.11, Response.CUT: 0.01},
    (Fate.FORWARDED, False): {Response.CLOSED_BEHIND: 0.8, Response.CLOSED: 0.2},
}
UDP_SOUNDS: Final[dict[tuple[Fate, bool], Sounds]] = {
    (Fate.PASS, True): {Response.OPEN: 0.6, Response.SILENT: 0.4},
    (Fate.PASS, False): {Response.CLOSED: 1.0},
    (Fate.FORWARDED, True): {Response.OPEN: 0.6, Response.SILENT: 0.4},
    (Fate.FORWARDED, False): {Response.CLOSED: 1.0},
    (Fate.REJECT_HOST, True): {Response.CLOSED: 0.6, Response.ICMP_HOST: 0.4},
    (Fate.REJECT_HOST, False): {Response.CLOSED: 0.6, Response.ICMP_HOST: 0.4},
}
# Fates that sound the same whether or not anything listens.
BLIND_SOUNDS: Final[dict[Fate, Sounds]] = {
    Fate.DROP: {Response.SILENT: 1.0},
    Fate.DROP_SYN: {Response.SILENT: 1.0},
    Fate.REJECT_HOST: {Response.ICMP_HOST: 0.97, Response.ICMP_PATH: 0.03},
    Fate.REJECT_PATH: {Response.ICMP_PATH: 0.97, Response.ICMP_HOST: 0.03},
    Fate.RESET_HOST: {Response.CLOSED: 1.0},
    Fate.RESET_PATH: {Response.CLOSED_NEARER: 0.8, Response.CLOSED: 0.2},
    Fate.SPOOFED: {
        Response.OPEN: 0.6,
        Response.OPEN_NEARER: 0.25,
        Response.CUT: 0.1,
        Response.CUT_NEARER: 0.05,
    },
    Fate.TAKEN_ON_PATH: {Response.OPEN_NEARER: 0.85, Response.CUT_NEARER: 0.15},
    Fate.TAKEN_HERE: {
        Response.OPEN: 0.72,
        Response.OPEN_NEARER: 0.18,
        Response.CUT: 0.08,
        Response.CUT_NEARER: 0.02,
    },
    Fate.FRONT: {Response.CLOSED: 0.9, Response.OPEN: 0.1},  # open: a service of the box itself
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


Fates = dict[Fate, float]


@dataclass(frozen=True, slots=True)
class Manners:
    """Shares of fates under a policy.

    `control` for a port that nothing uses; `exposed` for a tested port whose service listens beyond loopback
    (firewalls are opened for services), `unexposed` for one whose service does not. `forwarded` for one that
    the host forwards, past its own input chain, where no router stands before it; None: as `exposed`.
    """

    control: Fates
    exposed: Fates
    unexposed: Fates
    forwarded: Fates | None = None
    stealth: bool = False  # the stack is silent where nothing listens


class Opening(StrEnum):
    """Which ports a policy lets pass."""

    SELECTIVE = "selective"  # where it denies, those of services that are to be reached; else all but some
    LOOSE = "loose"  # many, whatever listens there
    TIGHT = "tight"  # hardly any
    ALL = "all"  # there is no rule for any port


# Shares of ports that pass: of a service that listens beyond loopback, and of the others.
_LET_IN: Final[Mapping[Opening, tuple[float, float]]] = {
    Opening.SELECTIVE: (0.68, 0.15),
    Opening.LOOSE: (0.42, 0.34),
    Opening.TIGHT: (0.1, 0.06),
}
_DENIES: Final[Mapping[Opening, float]] = {
    Opening.SELECTIVE: 0.4,
    Opening.LOOSE: 0.3,
    Opening.TIGHT: 0.3,
}
_ACCEPTS: Final[Mapping[Opening, float]] = {Opening.SELECTIVE: 0.45, Opening.ALL: 0.55}
_ONE: Final[Mapping[Opening, float]] = {Opening.SELECTIVE: 1.0}


_PAST_INPUT: Final = 0.93  # of ports that the host forwards: its forward chain does not deny them


def _deny(by: Fate, opening: Opening = Opening.SELECTIVE) -> Manners:
    """A zone that denies by default and lets chosen ports pass; now and then it treats one in another way."""
    other = Fate.REJECT_HOST if by is Fate.DROP else Fate.DROP
    exposed, unexposed = _LET_IN[opening]
    return Manners(
        control={by: 0.985, other: 0.003, Fate.PASS: 0.012},
        exposed={by: 0.98 - exposed, other: 0.02, Fate.PASS: exposed},
        unexposed={by: 0.985 - unexposed, other: 0.015, Fate.PASS: unexposed},
        forwarded={by: 1 - _PAST_INPUT, Fate.PASS: _PAST_INPUT},
    )


_PORT_RULES: Fates = {
    Fate.DROP: 0.0275,
    Fate.DROP_SYN: 0.0025,
    Fate.REJECT_HOST: 0.017,
    Fate.REJECT_PATH: 0.004,
    Fate.RESET_HOST: 0.001,
    Fate.RESET_PATH: 0.0008,
    Fate.TAKEN_ON_PATH: 0.0007,
}
_HARDLY: Final = 0.05  # of these rules, what is left where no port seems to have one


def _with_rules(share: float) -> Fates:
    rules = {fate: part * share for fate, part in _PORT_RULES.items()}
    return {**rules, Fate.PASS: 1 - sum(rules.values())}


_CONTROLS: Fates = {
    Fate.PASS: 0.985,
    Fate.DROP: 0.006,
    Fate.REJECT_HOST: 0.004,
    Fate.RESET_HOST: 0.003,
    Fate.SPOOFED: 0.002,
}

MANNERS: Final = MappingProxyType(
    {
        Policy.ACCEPTS: Manners(_CONTROLS, _with_rules(1.0), _with_rules(1.0)),
        Policy.DROPS: _deny(Fate.DROP),
        Policy.DROPS_SYN: _deny(Fate.DROP_SYN),
        Policy.REJECTS: _deny(Fate.REJECT_HOST),
        Policy.REJECTS_ON_PATH: _deny(Fate.REJECT_PATH),
        Policy.RESETS: _deny(Fate.RESET_HOST),
        Policy.RESETS_ON_PATH: _deny(Fate.RESET_PATH),
        Policy.STEALTH: Manners(
            control={Fate.PASS: 1.0},
            exposed={Fate.PASS: 0.9, Fate.DROP: 0.1},
            unexposed={Fate.PASS: 0.9, Fate.DROP: 0.1},
            stealth=True,
        ),
        Policy.DARK: Manners(control={Fate.DROP: 1.0}, exposed={Fate.DROP: 1.0}, unexposed={Fate.DROP: 1.0}),
        Policy.ANSWERS_ALL: Manners(
            control={Fate.SPOOFED: 0.992, Fate.PASS: 0.008},
            exposed={Fate.SPOOFED: 0.97, Fate.PASS: 0.03},
            unexposed={Fate.SPOOFED: 0.97, Fate.PASS: 0.03},
        ),
        Policy.FRONT_REFUSES: Manners(
            control={Fate.FRONT: 1.0},
            exposed={Fate.FORWARDED: 0.45, Fate.FRONT: 0.55},
            unexposed={Fate.FORWARDED: 0.05, Fate.FRONT: 0.95},
        ),
        Policy.FRONT_DROPS: Manners(
            control={Fate.DROP: 1.0},
            exposed={Fate.FORWARDED: 0.45, Fate.DROP: 0.55},
            unexposed={Fate.FORWARDED: 0.05, Fate.DROP: 0.95},
        ),
    }
)


_DENYING: Final = {
    Policy.DROPS: Fate.DROP,
    Policy.REJECTS: Fate.REJECT_HOST,
    Policy.REJECTS_ON_PATH: Fate.REJECT_PATH,
}
_OPENED: Final = {
    (policy, opening): _deny(fate, opening) for policy, fate in _DENYING.items() for opening in _DENIES
} | {(Policy.ACCEPTS, Opening.ALL): Manners(_CONTROLS, _with_rules(_HARDLY), _with_rules(_HARDLY))}


def manners_of(policy: Policy, opening: Opening) -> Manners:
    """Shares of fates under a policy that lets as much pass."""
    return _OPENED.get((policy, opening)) or MANNERS[policy]


def openings_of(policy: Policy) -> Mapping[Opening, float]:
    """How much a policy may let pass, with shares: it is learned from all ports."""
    if policy in _DENYING:
        return _DENIES
    return _ACCEPTS if policy is Policy.ACCEPTS else _ONE


def sounds(protocol: Protocol, fate: Fate, *, covered: bool) -> Sounds:
    """Responses to a probe that meets this fate."""
    table = TCP_SOUNDS if protocol is Protocol.TCP else UDP_SOUNDS
    return table.get((fate, covered)) or BLIND_SOUNDS[fate]


# --- raw evidence ---


# Beforehand, by IP version: the stack's own resets show a mark, and the path keeps it. No path takes the flow
# label of IPv6.
MARKS_SHOW: Final[Mapping[int, float]] = {4: 0.88, 6: 0.95}

# A reset's sign, by whether the host's own stack made it and whether marks show at this address.
SIGNS: Final[Mapping[tuple[bool, bool], Mapping[Sign, float]]] = {
    (True, True): {Sign.MARKED: 0.9998, Sign.PLAIN: 0.0001, Sign.ODD: 0.0001},
    (True, False): {Sign.MARKED: 0.0005, Sign.PLAIN: 0.9, Sign.ODD: 0.0995},
    (False, True): {Sign.MARKED: 0.01, Sign.PLAIN: 0.96, Sign.ODD: 0.03},
    (False, False): {Sign.MARKED: 0.0005, Sign.PLAIN: 0.93, Sign.ODD: 0.0695},
}
# A ping reply's sign, by whether marks show. Where they do not, it is nearly always the path that takes them;
# and surely so where the same host's resets are marked on another address.
ECHO_SIGNS: Final[Mapping[bool, Mapping[Sign, float]]] = {
    True: {Sign.MARKED: 0.97, Sign.PLAIN: 0.02, Sign.ODD: 0.01},
    False: {Sign.MARKED: 0.02, Sign.PLAIN: 0.88, Sign.ODD: 0.1},
}
STACK_THAT_MARKS: Final = 0.1  # ... of that 0.02, where another address has shown a marked reset

# Fates in which a reset is the host's own; in the others somebody forges it.
OWN_RESETS: Final = frozenset(
    {Fate.TAKEN_HERE, Fate.PASS, Fate.FORWARDED, Fate.FRONT, Fate.DROP, Fate.DROP_SYN}
)

Backs = Mapping[Back, float]

_STACK_RESETS: Backs = {Back.RESET: 0.985, Back.SILENT: 0.01, Back.REJECTED: 0.005}
_DROPPED: Backs = {Back.SILENT: 0.975, Back.RESET: 0.02, Back.REJECTED: 0.005}
_REJECTED: Backs = {Back.REJECTED: 0.9, Back.SILENT: 0.07, Back.RESET: 0.03}
_EITHER: Backs = {Back.RESET: 0.5, Back.SILENT: 0.5}

# An ACK of no connection: every stack resets it, whatever listens (RFC 9293 section 3.10.7).
ACK_BACKS: Final[Mapping[Fate, Backs]] = {
    Fate.PASS: _STACK_RESETS,
    Fate.FORWARDED: _STACK_RESETS,
    Fate.FRONT: _STACK_RESETS,
    Fate.DROP: _DROPPED,
    Fate.DROP_SYN: _STACK_RESETS,
    Fate.REJECT_HOST: _REJECTED,
    Fate.REJECT_PATH: _REJECTED,
    Fate.RESET_HOST: _STACK_RESETS,
    Fate.RESET_PATH: _STACK_RESETS,
    Fate.SPOOFED: _EITHER,
    Fate.TAKEN_ON_PATH: _EITHER,
    Fate.TAKEN_HERE: _STACK_RESETS,
}
# A FIN of none: reset where nothing listens, silence where something does; Windows resets both.
FIN_AT_LISTENER: Final[Backs] = {Back.SILENT: 0.95, Back.RESET: 0.045, Back.REJECTED: 0.005}
FIN_REACHES: Final = frozenset({Fate.PASS, Fate.FORWARDED, Fate.DROP, Fate.DROP_SYN, Fate.TAKEN_HERE})

_CROSS_COVERED: Backs = {
    Back.OPEN: 0.87,
    Back.SILENT: 0.085,
    Back.PASSED_ON: 0.03,
    Back.RESET: 0.01,
    Back.REJECTED: 0.005,
}
_CROSS_UNCOVERED: Backs = {
    Back.RESET: 0.87,
    Back.SILENT: 0.09,
    Back.PASSED_ON: 0.03,
    Back.REJECTED: 0.0095,
    Back.OPEN: 0.0005,
}
_CROSS_STOPPED: Backs = {
    Back.SILENT: 0.955,
    Back.OPEN: 0.015,
    Back.RESET: 0.015,
    Back.REJECTED: 0.01,
    Back.PASSED_ON: 0.005,
}
_CROSS_REJECTED: Backs = {
    Back.REJECTED: 0.88,
    Back.SILENT: 0.09,
    Back.OPEN: 0.01,
    Back.RESET: 0.015,
    Back.PASSED_ON: 0.005,
}
_CROSS_RESET: Backs = {
    Back.RESET: 0.93,
    Back.SILENT: 0.045,
    Back.OPEN: 0.01,
    Back.REJECTED: 0.01,
    Back.PASSED_ON: 0.005,
}
# A frame for another of the host's addresses, on this one's link: a weak host takes it (RFC 1122 3.3.4.2),
# through the filter of the link that it arrived on. By this address's fate and whether a socket covers it.
CROSS_BACKS: Final[Mapping[Fate, tuple[Backs, Backs]]] = {
    Fate.PASS: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Fate.FORWARDED: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Fate.FRONT: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.DROP: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.DROP_SYN: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.REJECT_HOST: (_CROSS_REJECTED, _CROSS_REJECTED),
    Fate.REJECT_PATH: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.RESET_HOST: (_CROSS_RESET, _CROSS_RESET),
    Fate.RESET_PATH: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.SPOOFED: (_CROSS_STOPPED, _CROSS_STOPPED),
    Fate.TAKEN_ON_PATH: (_CROSS_UNCOVERED, _CROSS_COVERED),
    Fate.TAKEN_HERE: (_CROSS_UNCOVERED, _CROSS_COVERED),
}
# The same for 127.0.0.1: hosts ignore it but for route_localnet. Docker forwards a port that it publishes
# there even from a link, and even into a container in which nothing listens.
LOOPBACK_BACKS: Final[tuple[Backs, Backs]] = (
    {Back.SILENT: 0.967, Back.RESET: 0.03, Back.PASSED_ON: 0.0015, Back.REJECTED: 0.0012, Back.OPEN: 0.0003},
    {Back.SILENT: 0.9375, Back.PASSED_ON: 0.03, Back.OPEN: 0.03, Back.RESET: 0.0015, Back.REJECTED: 0.001},
)

# What a raw opening brings of a port that a connection was accepted on, by who accepted that. Where the
# prober's own machine did, it answers the raw packet too, or this goes past it, to a socket or to none.
OPENING_BACKS: Final[Backs] = {Back.OPEN: 0.985, Back.SILENT: 0.01, Back.RESET: 0.004, Back.REJECTED: 0.001}
OPENING_BACKS_SPOOFED: Final[Backs] = {Back.OPEN: 0.9, Back.SILENT: 0.05, Back.RESET: 0.05}
COMPLETERS: Final = frozenset({Fate.SPOOFED, Fate.TAKEN_ON_PATH})  # another box completes the handshake
OPENING_BACKS_TAKEN_HERE: Final[tuple[Backs, Backs]] = (
    {Back.HERE: 0.6, Back.RESET: 0.3, Back.SILENT: 0.08, Back.REJECTED: 0.02},
    {Back.HERE: 0.6, Back.OPEN: 0.35, Back.SILENT: 0.04, Back.REJECTED: 0.01},
)
# A SYN/ACK without a window, by whether a box in between completes handshakes.
BARE_WINDOW: Final[Mapping[bool, float]] = {True: 0.5, False: 0.003}
# A datagram answered from another address: wildcard sockets do, others cannot.
ELSEWHERE_IF_NOT_WILDCARD: Final = 1e-4
# Different services on two addresses inside. A wildcard socket has one, but a program may serve by address.
# Who binds to some addresses has one program there; who binds to all of them one by one rather several.
SEVERAL_IF_WILDCARD: Final = 0.005
SEVERAL_IF_SOME: Final = 0.006
SEVERAL_IF_ALL: Final = 0.3
