"""THE TABLE of causes: what each looks like, and how usual it is.

Everything here is data: judgements about how networks fail, not measurements, but for the shapes of the
answers, which were seen with wireguard-go and OpenVPN on Linux. A row gives P(sign | cause) for the questions
that the cause has something to say of; what it leaves of 1 is shared by the signs that it does not name, and
a question that it does not mention is answered as usual (`USUAL`).
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from probe.diagnose.signs import QUESTIONS, Sign
from probe.model.diagnosis import Cause

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

# Shares of the signs where a cause says nothing of the question.
USUAL: Final[Mapping[Sign, float]] = {
    Sign.KEYED: 0.6,
    Sign.SESSION: 0.4,
    Sign.AS_MEANT: 0.945,
    Sign.PAST_TUNNEL: 0.015,
    Sign.BESIDE_TUNNEL: 0.015,
    Sign.TUNNEL_OFF: 0.01,
    Sign.NO_TUNNEL: 0.015,
    Sign.VIA_TUNNEL: 0.4,
    Sign.VIA_LINK: 0.4,
    Sign.VIA_GATEWAY: 0.2,
    Sign.NOT_ALLOWED: 0.005,
    Sign.NEVER_SHOOK: 0.005,
    Sign.STALE_SHAKE: 0.02,
    Sign.FRESH_SHAKE: 0.97,
    Sign.END_REFUSES: 0.005,
    Sign.END_GONE: 0.005,
    Sign.END_SILENT: 0.99,
    Sign.SENT: 0.997,
    Sign.KEPT: 0.003,
    Sign.CAME: 0.008,
    Sign.NOTHING_CAME: 0.992,
    Sign.BACK_SAME: 0.5,
    Sign.BACK_OTHER: 0.05,
    Sign.BACK_NOWHERE: 0.45,
    Sign.OTHERS_ALIVE: 0.94,
    Sign.OTHERS_SILENT: 0.06,
    Sign.LINK_ALIVE: 0.9,
    Sign.LINK_DEAD: 0.1,
    Sign.FILTER_BLOCKS: 0.35,  # a desktop that drops what it did not ask for
    Sign.FILTER_CLEAR: 0.65,
    Sign.PATH_STRICT: 0.2,
    Sign.PATH_LOOSE: 0.798,
    Sign.PATH_DROPS: 0.002,
    Sign.TWO_CLAIM: 0.02,
    Sign.ONE_CLAIMS: 0.98,
    Sign.STRANGER: 0.01,
    Sign.NO_NAME: 0.5,
    Sign.NAME_FITS: 0.485,
    Sign.NAME_ELSEWHERE: 0.01,
    Sign.NAMES_DISAGREE: 0.005,
}

_BY_TUNNEL = {Sign.VIA_TUNNEL: 0.99}
_NOT_BY_TUNNEL = {Sign.VIA_TUNNEL: 0.01, Sign.VIA_LINK: 0.55, Sign.VIA_GATEWAY: 0.44}
_HEARD = {Sign.ANSWERS: 0.993, Sign.ECHO_ONLY: 0.003}
_UNHEARD_OF = {Sign.SILENT: 0.95, Sign.REFUSED_HERE: 0.03}  # the kernel's WireGuard may refuse at once
_NEVER_BACK = {Sign.SILENT: 0.985}

ROWS: Final[Mapping[Cause, Mapping[Sign, float]]] = {
    Cause.NONE: {
        **_HEARD,
        Sign.AS_MEANT: 0.95,
        Sign.PAST_TUNNEL: 0.005,
        Sign.BESIDE_TUNNEL: 0.03,  # the VPN ends on another machine of the LAN
        Sign.NO_TUNNEL: 0.01,
        Sign.BACK_SAME: 0.9,
    },
    Cause.HANDSHAKE_NEVER: {
        **_BY_TUNNEL,
        Sign.KEYED: 0.97,
        **_UNHEARD_OF,
        Sign.NEVER_SHOOK: 0.99,
        Sign.END_REFUSES: 0.3,
        Sign.END_GONE: 0.1,
        Sign.END_SILENT: 0.6,
        Sign.BACK_SAME: 0.02,
        Sign.BACK_OTHER: 0.05,
    },
    Cause.TUNNEL_STALE: {
        **_BY_TUNNEL,
        Sign.KEYED: 0.9,  # a session that dies takes its interface with it
        **_UNHEARD_OF,
        Sign.STALE_SHAKE: 0.85,
        Sign.FRESH_SHAKE: 0.14,
        Sign.END_REFUSES: 0.3,
        Sign.END_GONE: 0.15,
        Sign.END_SILENT: 0.55,
        Sign.BACK_SAME: 0.02,
        Sign.BACK_OTHER: 0.05,
    },
    Cause.TUNNEL_DOWN: {
        **_NOT_BY_TUNNEL,
        Sign.SILENT: 0.4,
        Sign.UNSENDABLE: 0.35,
        Sign.TOLD_GONE: 0.1,
        Sign.NEIGHBOUR_FAILED: 0.13,
        Sign.TUNNEL_OFF: 0.75,
        Sign.NO_TUNNEL: 0.24,
    },
    Cause.NOT_IN_ALLOWED_IPS: {
        **_BY_TUNNEL,
        Sign.KEYED: 0.97,
        Sign.SILENT: 0.9,
        Sign.REFUSED_HERE: 0.09,  # the kernel's WireGuard says so by an ICMP error to itself
        Sign.NOT_ALLOWED: 0.99,
        Sign.NOTHING_CAME: 0.997,
        Sign.BACK_SAME: 0.02,
    },
    Cause.PEER_REJECTS_SOURCE: {
        **_BY_TUNNEL,
        Sign.KEYED: 0.9,
        **_NEVER_BACK,
        Sign.NOTHING_CAME: 0.997,
        Sign.BACK_NOWHERE: 0.97,  # WireGuard sends nothing to an address that it would not hear
        Sign.OTHERS_ALIVE: 0.99,
    },
    Cause.NO_RETURN_ROUTE: {
        Sign.VIA_TUNNEL: 0.65,
        Sign.VIA_GATEWAY: 0.32,
        **_NEVER_BACK,
        Sign.NOTHING_CAME: 0.997,
        Sign.BACK_SAME: 0.01,
        Sign.BACK_OTHER: 0.14,
        Sign.OTHERS_ALIVE: 0.98,
    },
    Cause.WRONG_ROUTE: {
        **_NOT_BY_TUNNEL,
        Sign.SILENT: 0.4,
        Sign.TOLD_GONE: 0.15,
        Sign.NEIGHBOUR_FAILED: 0.25,
        Sign.ANSWERS: 0.15,
        Sign.PAST_TUNNEL: 0.88,
        Sign.BESIDE_TUNNEL: 0.11,
        Sign.ONE_CLAIMS: 0.99,
    },
    Cause.SUBNET_OVERLAP: {
        **_NOT_BY_TUNNEL,
        Sign.ANSWERS: 0.5,
        Sign.NEIGHBOUR_FAILED: 0.35,
        Sign.SILENT: 0.1,
        Sign.PAST_TUNNEL: 0.95,
        Sign.TUNNEL_OFF: 0.03,
        Sign.TWO_CLAIM: 0.98,
        Sign.STRANGER: 0.6,
    },
    Cause.LOCAL_FIREWALL: {
        Sign.REFUSED_HERE: 0.4,
        Sign.UNHEARD: 0.25,
        Sign.SILENT: 0.22,
        Sign.ECHO_ONLY: 0.12,
        Sign.KEPT: 0.55,
        Sign.CAME: 0.6,
        Sign.FILTER_BLOCKS: 0.98,
    },
    Cause.REVERSE_PATH_FILTER: {
        Sign.VIA_TUNNEL: 0.7,
        Sign.SILENT: 0.87,
        Sign.UNHEARD: 0.12,
        Sign.CAME: 0.04,
        Sign.PATH_DROPS: 0.4,  # here, and not only there
        Sign.PATH_STRICT: 0.2,
        Sign.BACK_SAME: 0.01,
        Sign.BACK_OTHER: 0.84,
        Sign.OTHERS_ALIVE: 0.98,
    },
    Cause.TARGET_FIREWALL: {
        Sign.ECHO_ONLY: 0.62,
        Sign.SILENT: 0.22,
        Sign.TARGET_PROHIBITS: 0.15,
        Sign.BACK_SAME: 0.7,
        Sign.BACK_OTHER: 0.02,
    },
    Cause.PATH_FIREWALL: {
        Sign.VIA_TUNNEL: 0.1,
        Sign.VIA_GATEWAY: 0.85,
        Sign.TOLD_PROHIBITED: 0.35,
        Sign.SILENT: 0.5,
        Sign.ECHO_ONLY: 0.1,
        Sign.TOLD_GONE: 0.04,
        Sign.BACK_SAME: 0.7,
    },
    Cause.DNS: {
        **_NOT_BY_TUNNEL,
        Sign.SILENT: 0.3,
        Sign.ANSWERS: 0.4,
        Sign.TOLD_GONE: 0.1,
        Sign.NEIGHBOUR_FAILED: 0.1,
        Sign.NO_TUNNEL: 0.1,
        Sign.BESIDE_TUNNEL: 0.5,
        Sign.AS_MEANT: 0.35,
        Sign.NAME_ELSEWHERE: 0.6,
        Sign.NAMES_DISAGREE: 0.38,
        Sign.NO_NAME: 0.0001,
    },
    Cause.HOST_DOWN: {
        Sign.SILENT: 0.5,
        Sign.NEIGHBOUR_FAILED: 0.44,
        Sign.TOLD_GONE: 0.05,
        Sign.FRESH_SHAKE: 0.4,
        Sign.STALE_SHAKE: 0.35,
        Sign.NEVER_SHOOK: 0.24,
        Sign.END_GONE: 0.4,
        Sign.END_SILENT: 0.59,
        Sign.OTHERS_SILENT: 0.98,
        Sign.BACK_NOWHERE: 0.98,
        Sign.NOTHING_CAME: 0.997,
    },
    Cause.NO_SUCH_ADDRESS: {
        Sign.TOLD_GONE: 0.75,
        Sign.NEIGHBOUR_FAILED: 0.14,
        Sign.SILENT: 0.1,
        Sign.OTHERS_ALIVE: 0.98,
        Sign.BACK_NOWHERE: 0.97,
    },
    Cause.CLIENT_ISOLATION: {
        Sign.VIA_LINK: 0.99,
        Sign.NEIGHBOUR_FAILED: 0.98,
        Sign.OTHERS_ALIVE: 0.98,
        Sign.LINK_ALIVE: 0.98,
    },
    Cause.HAIRPIN: {Sign.VIA_GATEWAY: 0.98, Sign.UNHEARD: 0.9, Sign.SILENT: 0.09},
}

# A sign that leaves open which of several others it is.
_EITHER: Final[Mapping[Sign, tuple[Sign, ...]]] = {Sign.PORTS_SILENT: (Sign.SILENT, Sign.ECHO_ONLY)}

_QUESTION_OF: Mapping[Sign, frozenset[Sign]] = {sign: question for question in QUESTIONS for sign in question}


@cache
def likelihood(sign: Sign, cause: Cause) -> float:
    """P(sign | cause), where the question of the sign was measured at all."""
    if sign in _EITHER:
        return sum(likelihood(one, cause) for one in _EITHER[sign])
    row, question = ROWS[cause], _QUESTION_OF[sign]
    if sign in row:
        return row[sign]
    named = [row[other] for other in question if other in row]
    if not named:
        return USUAL.get(sign, FLOOR)
    left = max(0.0, 1.0 - sum(named)) / len(question - row.keys() - _EITHER.keys())
    return max(left, FLOOR)
