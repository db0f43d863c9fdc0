"""Surveys by hand, for the readings of paths: one address, its route, and what its ports answered."""

from ipaddress import ip_address

from probe.model.facts import AddressSurvey, LinkKind, Neighbour, Route
from probe.model.probing import Observation, Question, Reason
from probe.model.target import Port, Protocol, TargetAddress

LAN, VPN, PUBLIC = map(ip_address, ("192.168.77.10", "10.88.0.10", "203.0.113.10"))
VPN6 = ip_address("fd88::10")
SOURCES = {"lan": "192.168.77.2", "vpn": "10.88.0.2", "public": "198.51.100.2"}
KINDS = {
    "lan": LinkKind.ETHERNET,
    "vpn": LinkKind.TUNNEL,
    "public": LinkKind.ETHERNET,
    "lo": LinkKind.LOOPBACK,
}
ROUTER = ip_address("198.51.100.1")
OWN = frozenset(ip_address(text) for text in SOURCES.values())
MAC = "52:54:00:12:34:56"


def tcp(number: int) -> Port:
    """A TCP port."""
    return Port(Protocol.TCP, number)


def udp(number: int) -> Port:
    """A UDP port."""
    return Port(Protocol.UDP, number)


def seen(question: Question, reason: Reason, **facts) -> Observation:
    """What one question brought."""
    return Observation(question, reason, attempts=2, **facts)


def route(ip, interface: str | None, *, on_link: bool | None = None, source=None) -> Route:
    """The route by an interface; None: there is none."""
    if interface is None:
        return Route(ip, reachable=False)
    near = interface in {"lan", "vpn"} if on_link is None else on_link
    own = ip_address(source or SOURCES.get(interface, "127.0.0.1"))
    return Route(ip, own, interface, KINDS[interface], 1500, near)


def surveyed(
    ip,
    by: str | None,
    *answers: tuple[Port, Reason] | Observation,
    neighbour: Neighbour | None = None,
    mac: str | None = None,
    on_link: bool | None = None,
) -> AddressSurvey:
    """An address that was surveyed by an interface; answers are of tested ports."""
    observations = tuple(
        one if isinstance(one, Observation) else seen(Question(ip, one[0]), one[1], sender=ip)
        for one in answers
    )
    return AddressSurvey(
        TargetAddress(ip, by or "lan"),
        observations,
        route=route(ip, by, on_link=on_link),
        neighbour=neighbour,
        own_addresses=OWN,
        link_address=mac,
    )
