"""THE TABLE of causes: what each looks like, and how usual it is.

Everything here is data: judgements about how networks fail, not measurements, but for the shapes of the
answers, which were seen with wireguard-go and OpenVPN on Linux. A row gives P(symptom | cause) for the
questions that the cause bears on; what it leaves of 1 is shared by the symptoms that it does
not name, and a question that it does not mention is answered as usual (`USUAL`).
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from probe.diagnosis.symptoms import QUESTIONS
from probe.model.diagnosis import Cause
from probe.model.symptoms import Symptom

FLOOR: Final = 0.002  # nothing is impossible

# How often each cause is the trouble with an address that somebody asks about. `none`: it has none.
PRIOR: Final[Mapping[Cause, float]] = {
    Cause.NONE: 0.33,
    Cause.HANDSHAKE_NEVER: 0.07,
    Cause.TUNNEL_STALE: 0.06,
    Cause.TUNNEL_DOWN: 0.05,
    Cause.NOT_IN_ALLOWED_IPS: 0.06,
    Cause.PEER_REJECTS_SOURCE: 0.06,
    Cause.NO_RETURN_ROUTE: 0.05,
    Cause.WRONG_ROUTE: 0.06,
    Cause.SUBNET_OVERLAP: 0.03,
    Cause.LOCAL_FIREWALL: 0.03,
    Cause.REVERSE_PATH_FILTER: 0.03,
    Cause.TARGET_FIREWALL: 0.08,
    Cause.PATH_FIREWALL: 0.05,
    Cause.DNS: 0.03,
    Cause.HOST_DOWN: 0.08,
    Cause.NO_SUCH_ADDRESS: 0.03,
    Cause.CLIENT_ISOLATION: 0.02,
    Cause.HAIRPIN: 0.01,
}

# Shares of the symptoms where a cause does not bear on the question.
USUAL: Final[Mapping[Symptom, float]] = {
    Symptom.PEER_TUNNEL: 0.6,
    Symptom.SESSION_TUNNEL: 0.4,
    Symptom.ROUTE_EXPECTED: 0.945,
    Symptom.ROUTE_MISSES_TUNNEL: 0.015,
    Symptom.ROUTE_WITHOUT_TUNNEL: 0.015,
    Symptom.TUNNEL_OFF: 0.01,
    Symptom.NO_TUNNEL: 0.015,
    Symptom.ROUTE_BY_TUNNEL: 0.4,
    Symptom.ROUTE_ON_LINK: 0.4,
    Symptom.ROUTE_BY_GATEWAY: 0.2,
    Symptom.NOT_ALLOWED: 0.005,
    Symptom.HANDSHAKE_NEVER: 0.005,
    Symptom.HANDSHAKE_STALE: 0.02,
    Symptom.HANDSHAKE_RECENT: 0.97,
    Symptom.ENDPOINT_REFUSES: 0.005,
    Symptom.ENDPOINT_UNREACHABLE: 0.005,
    Symptom.ENDPOINT_SILENT: 0.99,
    Symptom.PROBES_SENT: 0.997,
    Symptom.PROBES_NOT_SENT: 0.003,
    Symptom.PACKETS_RECEIVED: 0.008,
    Symptom.NOTHING_RECEIVED: 0.992,
    Symptom.RETURN_SAME_LINK: 0.5,
    Symptom.RETURN_OTHER_LINK: 0.05,
    Symptom.NO_RETURN: 0.45,
    Symptom.OTHERS_ANSWER: 0.94,
    Symptom.OTHERS_SILENT: 0.06,
    Symptom.LINK_ANSWERS: 0.9,
    Symptom.LINK_SILENT: 0.1,
    Symptom.LOCAL_FILTER_BLOCKS: 0.35,  # a desktop that drops what it did not ask for
    Symptom.LOCAL_FILTER_CLEAR: 0.65,
    Symptom.REVERSE_PATH_STRICT: 0.2,
    Symptom.REVERSE_PATH_LOOSE: 0.798,
    Symptom.REVERSE_PATH_DROPS: 0.002,
    Symptom.NETWORK_OVERLAPS: 0.02,
    Symptom.NETWORK_UNIQUE: 0.98,
    Symptom.OTHER_MACHINE: 0.01,
    Symptom.OWN_ADDRESS: 0.0001,  # on the way to it there is nothing that could fail
    Symptom.NO_NAME: 0.5,
    Symptom.NAME_FITS: 0.485,
    Symptom.NAME_OUTSIDE_TUNNEL: 0.01,
    Symptom.NAMES_DISAGREE: 0.005,
}

_BY_TUNNEL = {Symptom.ROUTE_BY_TUNNEL: 0.99}
_NOT_BY_TUNNEL = {Symptom.ROUTE_BY_TUNNEL: 0.01, Symptom.ROUTE_ON_LINK: 0.55, Symptom.ROUTE_BY_GATEWAY: 0.44}
_HEARD = {Symptom.ANSWERS: 0.993, Symptom.ECHO_ONLY: 0.003}
_UNHEARD_OF = {Symptom.SILENT: 0.95, Symptom.REFUSED_HERE: 0.03}  # the kernel's WireGuard may refuse at once
_NEVER_BACK = {Symptom.SILENT: 0.985}

ROWS: Final[Mapping[Cause, Mapping[Symptom, float]]] = {
    Cause.NONE: {
        **_HEARD,
        Symptom.OWN_ADDRESS: 0.03,
        Symptom.ROUTE_EXPECTED: 0.95,
        Symptom.ROUTE_MISSES_TUNNEL: 0.005,
        Symptom.ROUTE_WITHOUT_TUNNEL: 0.03,  # the VPN ends on another machine of the LAN
        Symptom.NO_TUNNEL: 0.01,
        Symptom.RETURN_SAME_LINK: 0.9,
    },
    Cause.HANDSHAKE_NEVER: {
        **_BY_TUNNEL,
        Symptom.PEER_TUNNEL: 0.97,
        **_UNHEARD_OF,
        Symptom.HANDSHAKE_NEVER: 0.99,
        Symptom.ENDPOINT_REFUSES: 0.3,
        Symptom.ENDPOINT_UNREACHABLE: 0.1,
        Symptom.ENDPOINT_SILENT: 0.6,
        Symptom.RETURN_SAME_LINK: 0.02,
        Symptom.RETURN_OTHER_LINK: 0.05,
    },
    Cause.TUNNEL_STALE: {
        **_BY_TUNNEL,
        Symptom.PEER_TUNNEL: 0.9,  # a session that dies takes its interface with it
        **_UNHEARD_OF,
        Symptom.HANDSHAKE_STALE: 0.85,
        Symptom.HANDSHAKE_RECENT: 0.14,
        Symptom.ENDPOINT_REFUSES: 0.3,
        Symptom.ENDPOINT_UNREACHABLE: 0.15,
        Symptom.ENDPOINT_SILENT: 0.55,
        Symptom.RETURN_SAME_LINK: 0.02,
        Symptom.RETURN_OTHER_LINK: 0.05,
    },
    Cause.TUNNEL_DOWN: {
        **_NOT_BY_TUNNEL,
        Symptom.SILENT: 0.4,
        Symptom.NO_ROUTE: 0.35,
        Symptom.REPORTED_UNREACHABLE: 0.1,
        Symptom.NEIGHBOUR_FAILED: 0.13,
        Symptom.TUNNEL_OFF: 0.75,
        Symptom.NO_TUNNEL: 0.24,
    },
    Cause.NOT_IN_ALLOWED_IPS: {
        **_BY_TUNNEL,
        Symptom.PEER_TUNNEL: 0.97,
        Symptom.SILENT: 0.9,
        Symptom.REFUSED_HERE: 0.09,  # the kernel's WireGuard reports it by an ICMP error to itself
        Symptom.NOT_ALLOWED: 0.99,
        Symptom.NOTHING_RECEIVED: 0.997,
        Symptom.RETURN_SAME_LINK: 0.02,
    },
    Cause.PEER_REJECTS_SOURCE: {
        **_BY_TUNNEL,
        Symptom.PEER_TUNNEL: 0.9,
        **_NEVER_BACK,
        Symptom.NOTHING_RECEIVED: 0.997,
        Symptom.NO_RETURN: 0.97,  # WireGuard sends nothing to an address that it would not hear
        Symptom.OTHERS_ANSWER: 0.99,
    },
    Cause.NO_RETURN_ROUTE: {
        Symptom.ROUTE_BY_TUNNEL: 0.65,
        Symptom.ROUTE_BY_GATEWAY: 0.32,
        **_NEVER_BACK,
        Symptom.NOTHING_RECEIVED: 0.997,
        Symptom.RETURN_SAME_LINK: 0.01,
        Symptom.RETURN_OTHER_LINK: 0.14,
        Symptom.OTHERS_ANSWER: 0.98,
    },
    Cause.WRONG_ROUTE: {
        **_NOT_BY_TUNNEL,
        Symptom.SILENT: 0.4,
        Symptom.REPORTED_UNREACHABLE: 0.15,
        Symptom.NEIGHBOUR_FAILED: 0.25,
        Symptom.ANSWERS: 0.15,
        Symptom.ROUTE_MISSES_TUNNEL: 0.88,
        Symptom.ROUTE_WITHOUT_TUNNEL: 0.11,
        Symptom.NETWORK_UNIQUE: 0.99,
    },
    Cause.SUBNET_OVERLAP: {
        **_NOT_BY_TUNNEL,
        Symptom.ANSWERS: 0.5,
        Symptom.NEIGHBOUR_FAILED: 0.35,
        Symptom.SILENT: 0.1,
        Symptom.ROUTE_MISSES_TUNNEL: 0.95,
        Symptom.TUNNEL_OFF: 0.03,
        Symptom.NETWORK_OVERLAPS: 0.98,
        Symptom.OTHER_MACHINE: 0.6,
    },
    Cause.LOCAL_FIREWALL: {
        Symptom.REFUSED_HERE: 0.4,
        Symptom.WITHHELD: 0.25,
        Symptom.SILENT: 0.22,
        Symptom.ECHO_ONLY: 0.12,
        Symptom.PROBES_NOT_SENT: 0.55,
        Symptom.PACKETS_RECEIVED: 0.6,
        Symptom.LOCAL_FILTER_BLOCKS: 0.98,
        Symptom.OWN_ADDRESS: 0.03,
    },
    Cause.REVERSE_PATH_FILTER: {
        Symptom.ROUTE_BY_TUNNEL: 0.7,
        Symptom.SILENT: 0.87,
        Symptom.WITHHELD: 0.12,
        Symptom.PACKETS_RECEIVED: 0.04,
        Symptom.REVERSE_PATH_DROPS: 0.4,  # here, and not only there
        Symptom.REVERSE_PATH_STRICT: 0.2,
        Symptom.RETURN_SAME_LINK: 0.01,
        Symptom.RETURN_OTHER_LINK: 0.84,
        Symptom.OTHERS_ANSWER: 0.98,
    },
    Cause.TARGET_FIREWALL: {
        Symptom.ECHO_ONLY: 0.62,
        Symptom.SILENT: 0.22,
        Symptom.TARGET_PROHIBITS: 0.15,
        Symptom.RETURN_SAME_LINK: 0.7,
        Symptom.RETURN_OTHER_LINK: 0.02,
    },
    Cause.PATH_FIREWALL: {
        Symptom.ROUTE_BY_TUNNEL: 0.1,
        Symptom.ROUTE_BY_GATEWAY: 0.85,
        Symptom.REPORTED_PROHIBITED: 0.35,
        Symptom.SILENT: 0.5,
        Symptom.ECHO_ONLY: 0.1,
        Symptom.REPORTED_UNREACHABLE: 0.04,
        Symptom.RETURN_SAME_LINK: 0.7,
    },
    Cause.DNS: {
        **_NOT_BY_TUNNEL,
        Symptom.SILENT: 0.3,
        Symptom.ANSWERS: 0.4,
        Symptom.REPORTED_UNREACHABLE: 0.1,
        Symptom.NEIGHBOUR_FAILED: 0.1,
        Symptom.NO_TUNNEL: 0.1,
        Symptom.ROUTE_WITHOUT_TUNNEL: 0.5,
        Symptom.ROUTE_EXPECTED: 0.35,
        Symptom.NAME_OUTSIDE_TUNNEL: 0.6,
        Symptom.NAMES_DISAGREE: 0.38,
        Symptom.NO_NAME: 0.0001,
    },
    Cause.HOST_DOWN: {
        Symptom.SILENT: 0.5,
        Symptom.NEIGHBOUR_FAILED: 0.44,
        Symptom.REPORTED_UNREACHABLE: 0.05,
        Symptom.HANDSHAKE_RECENT: 0.4,
        Symptom.HANDSHAKE_STALE: 0.35,
        Symptom.HANDSHAKE_NEVER: 0.24,
        Symptom.ENDPOINT_UNREACHABLE: 0.4,
        Symptom.ENDPOINT_SILENT: 0.59,
        Symptom.OTHERS_SILENT: 0.98,
        Symptom.NO_RETURN: 0.98,
        Symptom.NOTHING_RECEIVED: 0.997,
    },
    Cause.NO_SUCH_ADDRESS: {
        Symptom.REPORTED_UNREACHABLE: 0.75,
        Symptom.NEIGHBOUR_FAILED: 0.14,
        Symptom.SILENT: 0.1,
        Symptom.OTHERS_ANSWER: 0.98,
        Symptom.NO_RETURN: 0.97,
    },
    Cause.CLIENT_ISOLATION: {
        Symptom.ROUTE_ON_LINK: 0.99,
        Symptom.NEIGHBOUR_FAILED: 0.98,
        Symptom.OTHERS_ANSWER: 0.98,
        Symptom.LINK_ANSWERS: 0.98,
    },
    Cause.HAIRPIN: {Symptom.ROUTE_BY_GATEWAY: 0.98, Symptom.WITHHELD: 0.9, Symptom.SILENT: 0.09},
}

# A symptom that leaves open which of several others it is.
_EITHER: Final[Mapping[Symptom, tuple[Symptom, ...]]] = {
    Symptom.PORTS_SILENT: (Symptom.SILENT, Symptom.ECHO_ONLY)
}

_QUESTION_OF: Mapping[Symptom, frozenset[Symptom]] = {
    symptom: question for question in QUESTIONS for symptom in question
}


@cache
def likelihood(symptom: Symptom, cause: Cause) -> float:
    """P(symptom | cause), where the question of the symptom was measured at all."""
    if symptom in _EITHER:
        return sum(likelihood(one, cause) for one in _EITHER[symptom])
    row, question = ROWS[cause], _QUESTION_OF[symptom]
    if symptom in row:
        return row[symptom]
    named = [row[other] for other in question if other in row]
    if not named:
        return USUAL.get(symptom, FLOOR)
    left = max(0.0, 1.0 - sum(named)) / len(question - row.keys() - _EITHER.keys())
    return max(left, FLOOR)
