"""Which checks of this machine are worth a line beside the causes of an address."""

from collections.abc import Collection, Mapping
from typing import Final

from probe.model.diagnosis import Cause
from probe.model.machine_checks import Check, CheckRule, Status

_OF_TUNNELS = frozenset(
    {
        Cause.HANDSHAKE_NEVER,
        Cause.TUNNEL_STALE,
        Cause.TUNNEL_DOWN,
        Cause.NOT_IN_ALLOWED_IPS,
        Cause.PEER_REJECTS_SOURCE,
        Cause.WRONG_ROUTE,
    }
)
_OF_NAMES = frozenset({Cause.DNS})
_OF_FILTER = frozenset({Cause.LOCAL_FIREWALL})
# The causes that a result which is not as it should be bears on.
_BEARS_ON: Final[Mapping[CheckRule, frozenset[Cause]]] = {
    CheckRule.NO_CARRIER: frozenset({Cause.LINK_DOWN}),
    CheckRule.LINK_OFF: frozenset({Cause.LINK_DOWN}),
    CheckRule.NO_ROUTES: frozenset({Cause.WRONG_ROUTE, Cause.LINK_DOWN, Cause.TUNNEL_DOWN}),
    CheckRule.NO_DEFAULT_ROUTE: frozenset({Cause.WRONG_ROUTE, Cause.OFF_NETWORK}),
    CheckRule.TUNNEL_STOPPED: _OF_TUNNELS,
    CheckRule.TUNNEL_OFF: _OF_TUNNELS,
    CheckRule.TUNNEL_UNSERVED: _OF_TUNNELS,
    CheckRule.TUNNEL_UP: _OF_TUNNELS,
    CheckRule.TUNNEL_PEERS: _OF_TUNNELS,
    CheckRule.TUNNEL_WITHOUT_PEER: _OF_TUNNELS,
    CheckRule.NETWORKS_OVERLAP: frozenset({Cause.SUBNET_OVERLAP, Cause.WRONG_ROUTE}),
    CheckRule.FILTER_BLOCKS: _OF_FILTER,
    CheckRule.REVERSE_PATH_STRICT: frozenset({Cause.REVERSE_PATH_FILTER}),
    CheckRule.NO_RESOLVER: _OF_NAMES,
    CheckRule.RESOLVERS_UNREACHABLE: _OF_NAMES,
    CheckRule.NAME_UNRESOLVED: _OF_NAMES,
}


def bears_on(check: Check, causes: Collection[Cause]) -> bool:
    """Whether a check found something that bears on one of these causes."""
    wrong = check.status in {Status.WARN, Status.FAIL}
    return wrong and not _BEARS_ON.get(check.found.rule, frozenset()).isdisjoint(causes)
