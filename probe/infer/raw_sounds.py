"""THE TABLE of raw evidence: what a hint sounds like, by what became of the probe and what listens.

Everything here is data, as in `hypotheses`. The shapes of the answers were measured on Linux; that other
stacks and paths differ is in the shares that no row leaves out.
"""

from collections.abc import Mapping
from typing import Final

from probe.infer.hypotheses import Fate
from probe.infer.traces import Back, Sign

# Beforehand, by IP version: the stack's own resets show a mark, and the path keeps it. No path takes the flow
# label of IPv6.
MARKS_SHOW: Final[Mapping[int, float]] = {4: 0.88, 6: 0.95}

# A reset's sign, by whether the host's own stack made it and whether marks show at this address.
SIGNS: Final[Mapping[tuple[bool, bool], Mapping[Sign, float]]] = {
    (True, True): {Sign.MARKED: 0.9992, Sign.PLAIN: 0.0003, Sign.ODD: 0.0005},
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
OWN_RESETS: Final = frozenset({Fate.PASS, Fate.FORWARDED, Fate.FRONT, Fate.DROP, Fate.DROP_SYN})

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
}
# A FIN of none: reset where nothing listens, silence where something does; Windows resets both.
FIN_HEARD_BY_LISTENER: Final[Backs] = {Back.SILENT: 0.95, Back.RESET: 0.045, Back.REJECTED: 0.005}
FIN_REACHES: Final = frozenset({Fate.PASS, Fate.FORWARDED, Fate.DROP, Fate.DROP_SYN})

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
    Back.REJECTED: 0.008,
    Back.OPEN: 0.002,
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
}
# The same for 127.0.0.1: hosts ignore it but for route_localnet. Docker forwards a port that it publishes
# there even from a link, and even into a container in which nothing listens.
LOOPBACK_BACKS: Final[tuple[Backs, Backs]] = (
    {Back.SILENT: 0.967, Back.RESET: 0.03, Back.PASSED_ON: 0.0015, Back.REJECTED: 0.001, Back.OPEN: 0.0005},
    {Back.SILENT: 0.9375, Back.PASSED_ON: 0.03, Back.OPEN: 0.03, Back.RESET: 0.0015, Back.REJECTED: 0.001},
)

# A SYN/ACK without a window, by whether a box in between completes handshakes.
BARE_WINDOW: Final[Mapping[bool, float]] = {True: 0.5, False: 0.003}
# A datagram answered from another address: wildcard sockets do, others cannot.
ELSEWHERE_IF_NOT_WILDCARD: Final = 1e-4
