"""The far end of a tunnel, and the neighbours of an address that nobody has."""

from ipaddress import ip_address, ip_network

import pytest
from surveyed import LAN, PUBLIC, VPN, seen, surveyed, tcp, udp

from probe.diagnosis.path_probes import (
    DISCARD,
    endpoint_questions,
    endpoint_reason,
    gateway_questions,
    link_alive,
)
from probe.model.facts import AddressSurvey, LinkKind, Neighbour
from probe.model.machine import Link, Machine, Peer, RouteEntry, Tunnel, TunnelKind
from probe.model.probing import Question, Reason, Role
from probe.model.target import TargetAddress

END, ELSE = ip_address("198.18.0.10"), ip_address("198.18.0.11")
LINK = Link("vpn", LinkKind.TUNNEL, up=True, running=True)
HERS = Peer("a", (ip_network("10.88.0.10/32"),), (END, 51820))
OTHERS = Peer("b", (ip_network("10.99.0.0/24"),), (ELSE, 51821))
LOST = Peer("c", (ip_network("10.88.0.10/32"),))
GATEWAY, GATEWAY6 = ip_address("192.168.77.1"), ip_address("fe80::1")


def machine(*peers: Peer, routes=(), readable: bool = True) -> Machine:
    """A machine with one tunnel."""
    tunnel = Tunnel(LINK, TunnelKind.WIREGUARD, peers=peers if readable else None)
    return Machine("linux", (LINK,), (tunnel,), routes=routes)


def to_end(ip=END, number: int = 51820) -> Question:
    """The datagram for a far end."""
    return Question(ip, udp(number), Role.CONTROL)


ENDS = [
    (machine(HERS, OTHERS), "vpn", [to_end()]),
    (machine(OTHERS), "vpn", [to_end(ELSE, 51821)]),  # the only peer, although it may not have the address
    (machine(OTHERS, OTHERS), "vpn", []),
    (machine(LOST), "vpn", []),
    (machine(readable=False), "vpn", []),
    (machine(HERS), "lan", []),
]


@pytest.mark.parametrize(("here", "by", "expected"), ENDS)
def test_far_end(here, by, expected):
    """The peer that has the address, else the only one, where its endpoint is known."""
    assert list(endpoint_questions(surveyed(VPN, by), here)) == expected


def test_no_route_no_far_end():
    """Without a route no tunnel is taken."""
    assert not endpoint_questions(AddressSurvey(TargetAddress(VPN, "vpn"), ()), machine(HERS))


ANSWERS = [
    (Reason.PORT_UNREACH, None, Reason.PORT_UNREACH),
    (Reason.NO_RESPONSE, None, Reason.NO_RESPONSE),
    (Reason.NO_RESPONSE, Neighbour.RESOLVED, Reason.NO_RESPONSE),
    (Reason.NO_RESPONSE, Neighbour.FAILED, Reason.HOST_UNREACH),
    (Reason.NOT_SENT, None, None),
    (None, None, None),
]


@pytest.mark.parametrize(("reason", "neighbour", "expected"), ANSWERS)
def test_what_the_far_end_answers(reason, neighbour, expected):
    """Silence of a neighbour that does not resolve is known for what it is before the kernel gives up."""
    question = to_end()
    answers = {} if reason is None else {question: seen(question, reason)}
    survey = surveyed(VPN, "vpn")
    assert endpoint_reason(answers, survey, machine(HERS), lambda ip: neighbour) == expected


def test_no_far_end_answers_nothing():
    """Where no endpoint is known, nothing was asked."""
    assert endpoint_reason({}, surveyed(VPN, "vpn"), machine(LOST), lambda ip: None) is None


def gateway(ip, interface: str = "lan") -> RouteEntry:
    """A default route."""
    return RouteEntry(ip_network("0.0.0.0/0" if ip.version == 4 else "::/0"), interface, ip)


ROUTES = (
    *(gateway(GATEWAY6), gateway(GATEWAY), gateway(ip_address("198.51.100.1"), "public"), gateway(LAN)),
    RouteEntry(ip_network("192.168.77.0/24"), "lan"),
)
GONE = surveyed(LAN, "lan", neighbour=Neighbour.FAILED)
BESIDE = ip_address("192.168.77.11")
ANSWER = (tcp(80), Reason.RESET)


def test_gateways_of_the_link():
    """Routers on the same link, those of the address's own family first, never the address itself."""
    asked = gateway_questions(GONE, machine(routes=ROUTES))
    assert asked == tuple(Question(ip, DISCARD, Role.CONTROL) for ip in (GATEWAY, GATEWAY6))


NOT_LOST = [
    surveyed(LAN, "lan"),
    surveyed(LAN, None, neighbour=Neighbour.FAILED),
    surveyed(LAN, "lan", neighbour=Neighbour.FAILED, on_link=False),
    surveyed(VPN, "vpn", neighbour=Neighbour.FAILED),
    AddressSurvey(TargetAddress(LAN, "lan"), (), neighbour=Neighbour.FAILED),
]


@pytest.mark.parametrize("survey", NOT_LOST)
def test_others_have_no_question(survey):
    """Only of an Ethernet neighbour that does not resolve it is asked who else is there."""
    assert not gateway_questions(survey, machine(routes=ROUTES))
    assert link_alive(survey, [], machine(routes=ROUTES), lambda ip: Neighbour.RESOLVED) is None


ALIVE = [
    ([], {GATEWAY: Neighbour.RESOLVED}, True),
    ([], {GATEWAY: Neighbour.FAILED}, False),
    ([], {GATEWAY: Neighbour.FAILED, GATEWAY6: Neighbour.RESOLVED}, True),
    ([], {}, None),
    ([surveyed(BESIDE, "lan", ANSWER)], {}, True),
    ([surveyed(BESIDE, "lan")], {}, None),
    ([surveyed(BESIDE, "lan", ANSWER, on_link=False)], {}, None),
    ([surveyed(PUBLIC, "public", ANSWER, on_link=True)], {}, None),
    ([AddressSurvey(TargetAddress(BESIDE, "lan"), surveyed(BESIDE, "lan", ANSWER).observations)], {}, None),
]


@pytest.mark.parametrize(("others", "table", "expected"), ALIVE)
def test_link_alive(others, table, expected):
    """A neighbour that answers, or a gateway that resolves, shows that the link works."""
    assert link_alive(GONE, [GONE, *others], machine(routes=ROUTES), table.get) is expected


def test_routes_unread():
    """Where the routes cannot be read, no gateway is known."""
    assert link_alive(GONE, [], machine(routes=None), lambda ip: Neighbour.RESOLVED) is None
