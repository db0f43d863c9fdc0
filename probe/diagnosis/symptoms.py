"""The questions that the diagnosis asks of an address: each has a handful of possible symptoms.

A question that was not measured has no symptom, and counts neither for nor against a cause.
"""

from probe.model.symptoms import Symptom

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
