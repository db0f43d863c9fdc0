"""What to do about a verdict, what rivals it has, and what would decide: values, made into sentences last."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from probe.model.binding import Binding


class Severity(StrEnum):
    """How much a piece of advice matters."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class AdviceRule(StrEnum):
    """What to do about a port, or about the path to an address."""

    # Of a port.
    PRIVATE_ON_PUBLIC = "private-on-public"  # a service that should stay inside
    PRIVATE_PUBLISHED = "private-published"  # the same, by a forward
    PRIVATE_EVERYWHERE = "private-everywhere"
    PRIVATE_REACHABLE = "private-reachable"  # on some address, whatever it is bound to
    PUBLISHED_PAST_FIREWALL = "published-past-firewall"
    FORWARDED_TO_NOTHING = "forwarded-to-nothing"
    FORWARDED_UNANSWERED = "forwarded-unanswered"
    ALLOW_REJECTED = "allow-rejected"
    OPEN_FIREWALL = "open-firewall"
    OPEN_FIREWALL_AND_PUBLISH = "open-firewall-and-publish"
    BIND_WIDER = "bind-wider"
    PUBLISH_WIDER = "publish-wider"
    FORWARDED_BY_ROUTER = "forwarded-by-router"  # on its address, and refused at the host's own
    BOUND_TO_LOOPBACK = "bound-to-loopback"
    PERHAPS_BOUND_TO_LOOPBACK = "perhaps-bound-to-loopback"
    FORWARD_PORT = "forward-port"
    TURNED_AWAY = "turned-away"  # by the program itself
    KEPT_FROM_PUBLIC = "kept-from-public"
    # Of an address.
    TUNNEL_DOWN = "tunnel-down"
    WRONG_ROUTE = "wrong-route"
    WRONG_HOST = "wrong-host"
    HOST_DOWN = "host-down"
    LINK_DOWN = "link-down"
    OFF_NETWORK = "off-network"
    NO_ROUTE = "no-route"
    LOCAL_FIREWALL = "local-firewall"
    INTERCEPTED = "intercepted"
    NOTHING_CAME_BACK = "nothing-came-back"
    LOOK_FOR_THE_CAUSE = "look-for-the-cause"  # the same through a tunnel: the doctor finds more
    HAIRPIN = "hairpin"
    PROBE_FROM_ELSEWHERE = "probe-from-elsewhere"  # it is this machine's own address


# The most important first; what has the same number keeps its order.
IMPORTANCE: Mapping[AdviceRule, int] = {
    AdviceRule.PRIVATE_ON_PUBLIC: 90,
    AdviceRule.PRIVATE_PUBLISHED: 90,
    AdviceRule.TUNNEL_DOWN: 85,
    AdviceRule.WRONG_ROUTE: 85,
    AdviceRule.WRONG_HOST: 85,
    AdviceRule.HOST_DOWN: 80,
    AdviceRule.LINK_DOWN: 85,
    AdviceRule.OFF_NETWORK: 80,
    AdviceRule.NO_ROUTE: 80,
    AdviceRule.LOCAL_FIREWALL: 80,
    AdviceRule.PROBE_FROM_ELSEWHERE: 75,
    AdviceRule.PRIVATE_EVERYWHERE: 70,
    AdviceRule.PRIVATE_REACHABLE: 68,
    AdviceRule.INTERCEPTED: 65,
    AdviceRule.PUBLISHED_PAST_FIREWALL: 60,
    AdviceRule.FORWARDED_TO_NOTHING: 55,
    AdviceRule.NOTHING_CAME_BACK: 55,
    AdviceRule.LOOK_FOR_THE_CAUSE: 55,
    AdviceRule.FORWARDED_UNANSWERED: 50,
    AdviceRule.ALLOW_REJECTED: 50,
    AdviceRule.OPEN_FIREWALL: 50,
    AdviceRule.OPEN_FIREWALL_AND_PUBLISH: 50,
    AdviceRule.TURNED_AWAY: 45,
    AdviceRule.BIND_WIDER: 40,
    AdviceRule.PUBLISH_WIDER: 40,
    AdviceRule.FORWARDED_BY_ROUTER: 40,
    AdviceRule.HAIRPIN: 40,
    AdviceRule.BOUND_TO_LOOPBACK: 20,
    AdviceRule.PERHAPS_BOUND_TO_LOOPBACK: 20,
    AdviceRule.FORWARD_PORT: 15,
    AdviceRule.KEPT_FROM_PUBLIC: 10,
}
_AT_LEAST = ((80, Severity.HIGH), (50, Severity.MEDIUM), (20, Severity.LOW), (0, Severity.INFO))


def severity_of(rule: AdviceRule) -> Severity:
    """How much the advice of a rule matters."""
    return next(severity for least, severity in _AT_LEAST if IMPORTANCE[rule] >= least)


class Advice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to do. The port that it is about is the one whose verdict has it.

    `command`, where there is one that mends it or looks for the cause, and `exposed_on` come with `text`.
    """

    rule: AdviceRule
    severity: Severity
    addresses: tuple[str, ...] = ()
    bound_to: tuple[str, ...] = ()
    sender: str | None = None
    exposed_on: tuple[str, ...] = ()
    command: str | None = None
    text: str = ""


class RivalRule(StrEnum):
    """What was not excluded."""

    CANDIDATE = "candidate"  # another binding
    THROUGH_VPN_PROGRAM = "through-vpn-program"  # loopback, reached by a program that hands connections on
    FULL_ACCEPT_QUEUE = "full-accept-queue"  # no filter, but a service that hangs


class Rival(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An explanation beside the one that the verdict names."""

    rule: RivalRule
    probability: float
    binding: Binding | None = None
    bound_to: tuple[str, ...] = ()
    text: str = ""


class NextTestRule(StrEnum):
    """What would decide between the candidates that are left."""

    LIST_SOCKETS = "list-sockets"
    LOGIN_TO_LOOPBACK = "login-to-loopback"
    ANOTHER_ADDRESS = "another-address"


class NextTest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One test that would decide; `command` comes with `text`."""

    rule: NextTestRule
    command: str | None = None
    text: str = ""
