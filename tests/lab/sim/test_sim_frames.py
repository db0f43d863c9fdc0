"""Frames handed to a neighbour whatever the routes are, and ARP, in the world in memory."""

from ipaddress import ip_address

import pytest
from raw_words import KERNEL, LAN_LINK, ROUTER_LINK, SA, SILENCE, VPN_LINK, described

from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, address_of
from probe.model.probing import NextHop, Question, Reason, Shape
from probe.model.target import Port, Protocol

TCP, UDP = Protocol.TCP, Protocol.UDP
ANY = "0.0.0.0"
OPENING, ACK, FIN, ECHO, WHO_HAS = Shape
ON_LAN = NextHop("lan", ip_address(PROBER_ADDRESSES["lan"]), LAN_LINK)
ON_LAN6 = NextHop("lan", ip_address(PROBER_ADDRESSES["lan6"]), LAN_LINK)

# bind, then the answer to a SYN for the VPN address and one for the LAN address, both handed over on the LAN
CROSS = [
    ({"bind": ANY}, SA, SA),
    ({"bind": "::"}, SA, SA),
    ({"bind": "lan"}, KERNEL, SA),
    ({"bind": "vpn"}, SA, KERNEL),
    ({"bind": "127.0.0.1"}, KERNEL, KERNEL),
    ({"bind": ANY, "device": "lan"}, SA, SA),
    ({"bind": ANY, "device": "vpn"}, KERNEL, KERNEL),
]


@pytest.mark.parametrize(("bind", "vpn", "lan"), CROSS)
def test_cross_address(bind, vpn, lan, scenario_of, ask_raw) -> None:
    """A weak host answers for its VPN address on its LAN link, with a TTL of 1 too."""
    world = scenario_of(target={"listen": [{"port": 80, **bind}]})
    port = Port(TCP, 80)
    questions = [Question(address_of(s), port, ttl=1, hop=ON_LAN) for s in ("vpn", "lan")]
    replies = ask_raw(world, questions)
    assert [described(reply) for reply in replies] == [vpn, lan]
    assert [reply.sender for reply in replies] == [address_of("vpn"), address_of("lan")]
    assert {reply.header.interface for reply in replies} == {"lan"}


def test_filters_judge_by_the_link_of_arrival(scenario_of, ask_raw) -> None:
    """A rule on the VPN does not see a frame for the VPN address that came by the LAN."""
    listen = [{"port": 80, "bind": "::"}]
    world = scenario_of(target={"listen": listen, "filter": [{"action": "drop", "on": ["vpn"]}]})
    port = Port(TCP, 80)
    hops = (None, ON_LAN)
    replies = ask_raw(world, [Question(address_of("vpn"), port, hop=hop) for hop in hops])
    assert [described(reply) for reply in replies] == [SILENCE, SA]
    (reply,) = ask_raw(world, [Question(address_of("vpn6"), port, hop=ON_LAN6, ttl=1)])
    assert described(reply) == SA


def test_udp_answers_from_the_near_address(scenario_of, ask_raw) -> None:
    """A wildcard UDP server answers from the address towards the prober, a bound one from its own."""
    listen = [
        {"port": 53, "bind": ANY, "protocol": "udp", "serves": "answer"},
        {"port": 54, "bind": "vpn", "protocol": "udp", "serves": "answer"},
    ]
    world = scenario_of(target={"listen": listen})
    questions = [Question(address_of("vpn"), Port(UDP, n), hop=ON_LAN) for n in (53, 54)]
    replies = ask_raw(world, questions)
    assert [reply.sender for reply in replies] == [address_of("lan"), address_of("vpn")]


# who gets the frame, what it has, for which address, the answer and its sender
STRANGERS = [
    ({}, ON_LAN, "vpn", SILENCE, None),  # nobody's address, and the host does not forward
    ({"dnat": [{"port": 1}]}, ON_LAN, "172.31.0.2", "11/0", address_of("lan")),
    ({"dnat": [{"port": 1}]}, ON_LAN, "192.0.2.1", "3/0", address_of("lan")),
    ({"dnat": [{"port": 1}], "dnat_by": "docker"}, ON_LAN, "172.31.0.2", "11/0", address_of("lan")),
    ({}, ON_LAN, "172.31.0.2", SILENCE, None),
    ({}, ON_LAN6, "2001:db8:5::1", SILENCE, None),
]


@pytest.mark.parametrize("case", STRANGERS)
def test_frames_for_others(case, scenario_of, ask_raw) -> None:
    """A host that forwards reports that the TTL is exceeded, or that it has no route; another keeps quiet."""
    target, hop, symbol, answer, sender = case
    world = scenario_of(target=target, dead=["vpn"])
    (reply,) = ask_raw(world, [Question(address_of(symbol), Port(TCP, 80), ttl=1, hop=hop)])
    assert (described(reply), reply and reply.sender) == (answer, sender)


@pytest.mark.parametrize(
    ("by", "port", "answer"), [("rules", 2, KERNEL), ("docker", 1, SA), ("docker", 2, SILENCE)]
)
def test_frames_for_the_container_itself(by, port, answer, scenario_of, ask_raw) -> None:
    """Docker's forward chain lets what is for a published port pass, and drops what is for another."""
    world = scenario_of(target={"dnat": [{"port": 1}], "dnat_by": by})
    (reply,) = ask_raw(world, [Question(ip_address("172.31.0.2"), Port(TCP, port), hop=ON_LAN)])
    assert described(reply) == answer


LOOPBACK_BINDS = [
    ("127.0.0.1", "127.0.0.1", SA),
    ("127.0.0.1", "127.0.0.2", KERNEL),
    ("127.0.0.2", "127.0.0.2", SA),
    (ANY, "127.0.0.1", SA),
    ("lan", "127.0.0.1", KERNEL),
    ("::1", "127.0.0.1", KERNEL),
]


@pytest.mark.parametrize("routed", [True, False])
@pytest.mark.parametrize(("bind", "address", "answer"), LOOPBACK_BINDS)
def test_loopback_from_outside(bind, address, answer, routed, scenario_of, ask_raw) -> None:
    """Where loopback is routed, a frame for it reaches what is bound to it; elsewhere it is dropped."""
    world = scenario_of(target={"listen": [{"port": 80, "bind": bind}], "route_localnet": routed})
    asked = ip_address(address)
    (reply,) = ask_raw(world, [Question(asked, Port(TCP, 80), ttl=1, hop=ON_LAN)])
    assert described(reply) == (answer if routed else SILENCE)
    assert not routed or reply.sender == asked


def test_a_published_port_of_loopback(scenario_of, ask_raw) -> None:
    """What the host forwards into a container is forwarded for loopback too: NAT comes first."""
    world = scenario_of(target={"dnat": [{"port": 80}]})
    loopback = ip_address("127.0.0.1")
    ports = (80, 81)
    replies = ask_raw(world, [Question(loopback, Port(TCP, n), hop=ON_LAN) for n in ports])
    assert [described(reply) for reply in replies] == [SA, SILENCE]
    assert (replies[0].ttl, replies[0].sender) == (63, loopback)


# address, hop, and the link-layer address that answers for it
CLAIMS = [
    ("lan", None, LAN_LINK),
    ("vpn", None, VPN_LINK),
    ("vpn", ON_LAN, LAN_LINK),
    ("172.31.0.1", ON_LAN, LAN_LINK),
    ("127.0.0.1", ON_LAN, None),
    ("192.168.77.99", None, None),
    (ROUTER_ADDRESSES["public"], None, ROUTER_LINK),
]


@pytest.mark.parametrize(("symbol", "hop", "link_address"), CLAIMS)
def test_who_has(symbol, hop, link_address, scenario_of, ask_raw) -> None:
    """A host answers ARP for each of its addresses with that of the link asked, and never for loopback."""
    address = address_of(symbol)
    (reply,) = ask_raw(scenario_of(), [Question(address, Port(TCP, 0), shape=WHO_HAS, hop=hop)])
    assert (reply and reply.header.link_address) == link_address
    if reply is not None:
        assert (reply.reason, reply.sender, reply.ttl) == (Reason.ARP_RESPONSE, address, None)


# what cannot be asked
REFUSED = [
    (Question(address_of("lan6"), Port(TCP, 0), shape=WHO_HAS), Reason.NOT_SENT),
    (Question(address_of("lan6"), Port(TCP, 80), hop=ON_LAN), Reason.NOT_SENT),
    (Question(ip_address("192.0.2.1"), Port(TCP, 80)), Reason.NO_ROUTE),
    (Question(ip_address("192.0.2.1"), Port(TCP, 0), shape=WHO_HAS), Reason.NO_ROUTE),
]


@pytest.mark.parametrize(("question", "reason"), REFUSED)
def test_what_cannot_be_asked(question, reason, scenario_of, ask_raw) -> None:
    """A packet of two families, ARP for IPv6, and an address without a route are errors at once."""
    (reply,) = ask_raw(scenario_of(), [question])
    assert (reply.reason, reply.at, reply.sender) == (reason, 0.0, None)


@pytest.mark.parametrize("shape", [OPENING, ECHO])
def test_frames_for_nobody(shape, scenario_of, ask_raw) -> None:
    """A frame for a neighbour that is not there is lost."""
    hop = NextHop("lan", ON_LAN.source, "02:00:00:00:00:99")
    question = Question(address_of("lan"), Port(TCP, 80), shape=shape, hop=hop)
    assert ask_raw(scenario_of(), [question]) == [None]


@pytest.mark.parametrize("shape", [OPENING, ECHO, WHO_HAS])
def test_a_link_that_there_is_not(shape, scenario_of, ask_raw) -> None:
    """By an interface that this machine lacks nothing leaves (ENODEV)."""
    hop = NextHop("wlan0", ON_LAN.source, LAN_LINK)
    (reply,) = ask_raw(scenario_of(), [Question(address_of("lan"), Port(TCP, 80), shape=shape, hop=hop)])
    assert reply.reason is Reason.NO_ROUTE
