"""THE TABLE of causes: how usual each is, what it looks like, what an address has by it, what mends it.

Everything here is data: judgements about how networks fail, not measurements, but for the shapes of the
answers, which were seen with wireguard-go and OpenVPN on Linux. A row gives P(symptom | cause) for the
questions that the cause bears on; what it leaves of 1 is shared by the symptoms that it does
not name, and a question that it does not mention is answered as usual (`symptom_likelihood`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probe.diagnosis import fixes
from probe.model.binding import Condition
from probe.model.diagnosis import Cause
from probe.model.fixes import FixRule
from probe.model.symptoms import Symptom


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """All that is known of a cause but its sentence.

    Args:
        prior: how often it is the trouble with an address that somebody asks about; an estimate. None: it
            troubles single ports or packet sizes, which `ranking` weighs by tables of its own.
        looks: P(symptom | cause), for the questions that it bears on.
        condition: what the address has by it, where it is likely enough; None: what the scan concludes.
        fix: what mends it.
    """

    prior: float | None = None
    looks: Mapping[Symptom, float] = field(default_factory=dict)
    condition: Condition | None = None
    fix: fixes.Writer = fixes.nothing


_BY_TUNNEL = {Symptom.ROUTE_BY_TUNNEL: 0.99}
_NOT_BY_TUNNEL = {Symptom.ROUTE_BY_TUNNEL: 0.01, Symptom.ROUTE_ON_LINK: 0.55, Symptom.ROUTE_BY_GATEWAY: 0.44}
_THERE = {Symptom.NEIGHBOUR_ONLY: 0.0003, Symptom.OTHER_PORTS_ANSWER: 0.0003}  # of what would keep it silent
_ANSWERED = {Symptom.ANSWERS: 0.993, Symptom.ECHO_ONLY: 0.003, **_THERE}
_NO_SESSION = {Symptom.SILENT: 0.95, Symptom.REFUSED_HERE: 0.03}  # the kernel's WireGuard may refuse at once
_NEVER_BACK = {Symptom.SILENT: 0.985}
_NO_FAR_END = {Symptom.FAR_END_PASSES_ON: 0.003}  # who passes packets on has a session with this machine

CAUSES: Final[Mapping[Cause, CauseRow]] = {
    Cause.NONE: CauseRow(
        prior=0.33,
        looks={
            **_ANSWERED,
            Symptom.OWN_ADDRESS: 0.03,
            Symptom.ROUTE_EXPECTED: 0.95,
            Symptom.ROUTE_MISSES_TUNNEL: 0.005,
            Symptom.ROUTE_MISSES_LINK: 0.005,  # a route of its own may be meant
            Symptom.ROUTE_WITHOUT_TUNNEL: 0.03,  # the VPN ends on another machine of the LAN
            Symptom.NO_TUNNEL: 0.01,
            Symptom.RETURN_SAME_LINK: 0.9,
        },
    ),
    Cause.LINK_DOWN: CauseRow(
        prior=0.03,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.005,
            Symptom.ROUTE_ON_LINK: 0.8,
            Symptom.NEIGHBOUR_FAILED: 0.45,
            Symptom.SILENT: 0.4,
            Symptom.NO_ROUTE: 0.12,
            Symptom.NO_CARRIER: 0.75,
            Symptom.LINK_OFF: 0.24,
            Symptom.LINK_SILENT: 0.98,
        },
        condition=Condition.LINK_DOWN,
        fix=fixes.link_down,
    ),
    Cause.WRONG_ADDRESS: CauseRow(
        prior=0.04,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.2,
            Symptom.ROUTE_ON_LINK: 0.65,
            Symptom.SILENT: 0.3,
            Symptom.NEIGHBOUR_FAILED: 0.62,
            Symptom.REPORTED_UNREACHABLE: 0.05,
            Symptom.OTHERS_ANSWER: 0.98,
            Symptom.LINK_ANSWERS: 0.97,
            Symptom.NO_RETURN: 0.97,
            Symptom.FAR_END_PASSES_ON: 0.9,
            Symptom.IN_TUNNEL_NETWORK: 0.8,
        },
        fix=fixes.wrong_address,
    ),
    Cause.OFF_NETWORK: CauseRow(
        prior=0.03,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.01,
            Symptom.ROUTE_ON_LINK: 0.005,
            Symptom.SILENT: 0.82,
            Symptom.REPORTED_UNREACHABLE: 0.1,
            Symptom.REPORTED_PROHIBITED: 0.03,
            Symptom.ECHO_ONLY: 0.01,
            Symptom.NO_LINK_HAS_IT: 0.99,
            Symptom.LEAVES_FOR_INTERNET: 0.6,
        },
        condition=Condition.OFF_NETWORK,
        fix=fixes.of_address(FixRule.CONNECT_TO_NETWORK),
    ),
    Cause.HANDSHAKE_NEVER: CauseRow(
        prior=0.07,
        looks={
            **_BY_TUNNEL,
            **_NO_FAR_END,
            Symptom.PEER_TUNNEL: 0.97,
            **_NO_SESSION,
            Symptom.HANDSHAKE_NEVER: 0.99,
            Symptom.ENDPOINT_REFUSES: 0.3,
            Symptom.ENDPOINT_UNREACHABLE: 0.1,
            Symptom.ENDPOINT_SILENT: 0.6,
            Symptom.RETURN_SAME_LINK: 0.02,
            Symptom.RETURN_OTHER_LINK: 0.05,
        },
        condition=Condition.TUNNEL_DOWN,
        fix=fixes.handshake_never,
    ),
    Cause.TUNNEL_STALE: CauseRow(
        prior=0.06,
        looks={
            **_BY_TUNNEL,
            **_NO_FAR_END,
            Symptom.PEER_TUNNEL: 0.9,  # a session that dies takes its interface with it
            **_NO_SESSION,
            Symptom.HANDSHAKE_STALE: 0.85,
            Symptom.HANDSHAKE_RECENT: 0.14,
            Symptom.ENDPOINT_REFUSES: 0.3,
            Symptom.ENDPOINT_UNREACHABLE: 0.15,
            Symptom.ENDPOINT_SILENT: 0.55,
            Symptom.RETURN_SAME_LINK: 0.02,
            Symptom.RETURN_OTHER_LINK: 0.05,
        },
        condition=Condition.TUNNEL_DOWN,
        fix=fixes.tunnel_stale,
    ),
    Cause.TUNNEL_DOWN: CauseRow(
        prior=0.05,
        looks={
            **_NOT_BY_TUNNEL,
            **_THERE,
            Symptom.SILENT: 0.4,
            Symptom.NO_ROUTE: 0.35,
            Symptom.REPORTED_UNREACHABLE: 0.1,
            Symptom.NEIGHBOUR_FAILED: 0.13,
            Symptom.TUNNEL_OFF: 0.75,
            Symptom.NO_TUNNEL: 0.24,
        },
        condition=Condition.TUNNEL_DOWN,
        fix=fixes.tunnel_down,
    ),
    Cause.NOT_IN_ALLOWED_IPS: CauseRow(
        prior=0.06,
        looks={
            **_BY_TUNNEL,
            **_NO_FAR_END,
            Symptom.PEER_TUNNEL: 0.97,
            Symptom.SILENT: 0.9,
            Symptom.REFUSED_HERE: 0.09,  # the kernel's WireGuard reports it by an ICMP error to itself
            Symptom.NOT_ALLOWED: 0.99,
            Symptom.NOTHING_RECEIVED: 0.997,
            Symptom.RETURN_SAME_LINK: 0.02,
        },
        fix=fixes.not_in_allowed_ips,
    ),
    Cause.PEER_REJECTS_SOURCE: CauseRow(
        prior=0.06,
        looks={
            **_BY_TUNNEL,
            **_NO_FAR_END,
            Symptom.PEER_TUNNEL: 0.9,
            **_NEVER_BACK,
            Symptom.NOTHING_RECEIVED: 0.997,
            Symptom.NO_RETURN: 0.97,  # WireGuard sends nothing to an address that it would not accept
            Symptom.OTHERS_ANSWER: 0.99,
        },
        fix=fixes.peer_rejects_source,
    ),
    Cause.NO_RETURN_ROUTE: CauseRow(
        prior=0.05,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.65,
            Symptom.ROUTE_BY_GATEWAY: 0.32,
            **_NEVER_BACK,
            Symptom.FAR_END_PASSES_ON: 0.12,
            Symptom.IN_TUNNEL_NETWORK: 0.4,
            Symptom.NOTHING_RECEIVED: 0.997,
            Symptom.RETURN_SAME_LINK: 0.01,
            Symptom.RETURN_OTHER_LINK: 0.14,
            Symptom.OTHERS_ANSWER: 0.98,
        },
        fix=fixes.no_return_route,
    ),
    Cause.WRONG_ROUTE: CauseRow(
        prior=0.06,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.1,  # that does not have it
            Symptom.NOT_ALLOWED: 0.5,
            Symptom.HANDSHAKE_RECENT: 0.48,
            Symptom.SILENT: 0.4,
            Symptom.REPORTED_UNREACHABLE: 0.15,
            Symptom.NEIGHBOUR_FAILED: 0.25,
            Symptom.ANSWERS: 0.15,
            Symptom.ROUTE_MISSES_TUNNEL: 0.79,
            Symptom.ROUTE_MISSES_LINK: 0.1,
            Symptom.ROUTE_WITHOUT_TUNNEL: 0.1,
            Symptom.NETWORK_UNIQUE: 0.99,
        },
        condition=Condition.WRONG_ROUTE,
        fix=fixes.by_its_tunnel,
    ),
    Cause.SUBNET_OVERLAP: CauseRow(
        prior=0.03,
        looks={
            **_NOT_BY_TUNNEL,
            Symptom.ANSWERS: 0.5,
            Symptom.NEIGHBOUR_FAILED: 0.35,
            Symptom.SILENT: 0.1,
            Symptom.ROUTE_MISSES_TUNNEL: 0.95,
            Symptom.TUNNEL_OFF: 0.03,
            Symptom.NETWORK_OVERLAPS: 0.98,
            Symptom.OTHER_MACHINE: 0.6,
        },
        condition=Condition.WRONG_ROUTE,
        fix=fixes.overlap,
    ),
    Cause.LOCAL_FIREWALL: CauseRow(
        prior=0.03,
        looks={
            Symptom.REFUSED_HERE: 0.4,
            Symptom.WITHHELD: 0.25,
            Symptom.SILENT: 0.22,
            Symptom.ECHO_ONLY: 0.12,
            Symptom.PROBES_NOT_SENT: 0.55,
            Symptom.PACKETS_RECEIVED: 0.6,
            Symptom.LOCAL_FILTER_BLOCKS: 0.98,
            Symptom.OWN_ADDRESS: 0.03,
        },
        condition=Condition.LOCAL_FIREWALL,
        fix=fixes.local_firewall,
    ),
    Cause.REVERSE_PATH_FILTER: CauseRow(
        prior=0.03,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.7,
            Symptom.FAR_END_PASSES_ON: 0.08,
            Symptom.SILENT: 0.87,
            Symptom.WITHHELD: 0.12,
            Symptom.PACKETS_RECEIVED: 0.04,
            Symptom.REVERSE_PATH_DROPS: 0.4,  # here, and not only there
            Symptom.REVERSE_PATH_STRICT: 0.2,
            Symptom.RETURN_SAME_LINK: 0.01,
            Symptom.RETURN_OTHER_LINK: 0.84,
            Symptom.OTHERS_ANSWER: 0.98,
        },
        fix=fixes.reverse_path,
    ),
    Cause.TARGET_FIREWALL: CauseRow(
        prior=0.08,
        looks={
            Symptom.ECHO_ONLY: 0.53,
            Symptom.SILENT: 0.2,
            Symptom.NEIGHBOUR_ONLY: 0.055,
            Symptom.OTHER_PORTS_ANSWER: 0.06,
            Symptom.TARGET_PROHIBITS: 0.15,
            Symptom.RETURN_SAME_LINK: 0.7,
            Symptom.RETURN_OTHER_LINK: 0.02,
        },
        fix=fixes.target_firewall,
    ),
    Cause.PATH_FIREWALL: CauseRow(
        prior=0.05,
        looks={
            Symptom.ROUTE_BY_TUNNEL: 0.1,
            Symptom.ROUTE_BY_GATEWAY: 0.85,
            Symptom.REPORTED_PROHIBITED: 0.35,
            Symptom.SILENT: 0.46,
            Symptom.OTHER_PORTS_ANSWER: 0.04,
            Symptom.ECHO_ONLY: 0.1,
            Symptom.FAR_END_PASSES_ON: 0.4,
            Symptom.REPORTED_UNREACHABLE: 0.04,
            Symptom.RETURN_SAME_LINK: 0.7,
        },
        fix=fixes.path_firewall,
    ),
    Cause.DNS: CauseRow(
        prior=0.03,
        looks={
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
        fix=fixes.dns,
    ),
    Cause.HOST_DOWN: CauseRow(
        prior=0.08,
        looks={
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
        condition=Condition.HOST_DOWN,
        fix=fixes.of_address(FixRule.CHECK_HOST),
    ),
    Cause.NO_SUCH_ADDRESS: CauseRow(
        prior=0.03,
        looks={
            Symptom.REPORTED_UNREACHABLE: 0.97,
            Symptom.ROUTE_ON_LINK: 0.01,
            Symptom.OTHERS_ANSWER: 0.98,
            Symptom.NO_RETURN: 0.97,
            Symptom.FAR_END_PASSES_ON: 0.6,
        },
        fix=fixes.of_address(FixRule.GIVE_ADDRESS),
    ),
    Cause.CLIENT_ISOLATION: CauseRow(
        prior=0.02,
        looks={
            Symptom.ROUTE_ON_LINK: 0.99,
            Symptom.NEIGHBOUR_FAILED: 0.98,
            Symptom.OTHERS_ANSWER: 0.98,
            Symptom.LINK_ANSWERS: 0.98,
            Symptom.LINK_WIRELESS: 0.98,
        },
        fix=fixes.of_address(FixRule.STOP_ISOLATION, FixRule.CHECK_DHCP),
    ),
    Cause.HAIRPIN: CauseRow(
        prior=0.01,
        looks={
            Symptom.ROUTE_BY_GATEWAY: 0.98,
            Symptom.WITHHELD: 0.9,
            Symptom.SILENT: 0.09,
        },
        condition=Condition.HAIRPIN,
        fix=fixes.of_address(FixRule.USE_INSIDE_ADDRESS),
    ),
    Cause.MTU_BLACK_HOLE: CauseRow(condition=Condition.MTU_BLACK_HOLE, fix=fixes.mtu),
    Cause.NOT_FORWARDED: CauseRow(fix=fixes.of_ports(FixRule.FORWARD_PORTS)),
    Cause.SERVICE_REFUSES_PEER: CauseRow(condition=Condition.TURNED_AWAY, fix=fixes.access_lists),
    Cause.NOT_BOUND: CauseRow(fix=fixes.of_ports(FixRule.BIND_SERVICE)),
}

# The causes of an address itself.
PRIOR: Final[Mapping[Cause, float]] = {
    cause: row.prior for cause, row in CAUSES.items() if row.prior is not None
}
