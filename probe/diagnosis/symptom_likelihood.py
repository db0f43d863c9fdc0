"""How likely each symptom is under each cause, made of the table of causes and of what is usual."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from probe.diagnosis.table import CAUSES
from probe.model.diagnosis import Cause
from probe.model.symptoms import QUESTIONS, Symptom

FLOOR: Final = 0.002  # nothing is impossible

# Shares of the symptoms where a cause does not bear on the question.
USUAL: Final[Mapping[Symptom, float]] = {
    Symptom.LINK_RUNS: 0.995,
    Symptom.NO_CARRIER: 0.003,
    Symptom.LINK_OFF: 0.002,
    Symptom.NETWORK_ROUTED: 0.5,
    Symptom.NO_LINK_HAS_IT: 0.5,
    Symptom.STAYS_INSIDE: 0.95,
    Symptom.LEAVES_FOR_INTERNET: 0.05,
    Symptom.LINK_WIRELESS: 0.4,
    Symptom.LINK_WIRED: 0.6,
    Symptom.FAR_END_PASSES_ON: 0.2,
    Symptom.FAR_END_SHOWS_NOTHING: 0.8,
    Symptom.IN_TUNNEL_NETWORK: 0.6,
    Symptom.BEHIND_TUNNEL: 0.4,
    Symptom.PEER_TUNNEL: 0.6,
    Symptom.SESSION_TUNNEL: 0.4,
    Symptom.ROUTE_EXPECTED: 0.945,
    Symptom.ROUTE_MISSES_TUNNEL: 0.0145,
    Symptom.ROUTE_MISSES_LINK: 0.0005,
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
    row, question = CAUSES[cause].looks, _QUESTION_OF[symptom]
    if symptom in row:
        return row[symptom]
    named = [row[other] for other in question if other in row]
    if not named:
        return USUAL.get(symptom, FLOOR)
    left = max(0.0, 1.0 - sum(named)) / len(question - row.keys() - _EITHER.keys())
    return max(left, FLOOR)
