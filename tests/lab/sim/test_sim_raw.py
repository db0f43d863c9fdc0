"""What each shape of raw packet brings from each truth, in the world in memory."""

from ipaddress import ip_address

import pytest

from probe.engine.packet import MARK_TOS
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, address_of
from probe.lab.sim.world import open_sim
from probe.model.probing import NextHop, Probe, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol

TCP, UDP = Protocol.TCP, Protocol.UDP
ANY = "0.0.0.0"
OPENING, ACK, FIN, ECHO, WHO_HAS = Shape
LAN_LINK, VPN_LINK = "02:00:00:00:00:02", "02:00:00:00:00:04"  # the target's
ROUTER_LINK = "02:00:00:00:00:06"
ON_LAN = NextHop("lan", ip_address(PROBER_ADDRESSES["lan"]), LAN_LINK)
ON_LAN6 = NextHop("lan", ip_address(PROBER_ADDRESSES["lan6"]), LAN_LINK)

# What came back: SA, a kernel's reset (marked), a forged one (bare), an ICMP error by its type and code.
SA, KERNEL, FORGED, SILENCE = "syn-ack", "kernel reset", "forged reset", "-"
PROHIBITED = {4: "3/13", 6: "1/1"}


def told(reply: Reply | None) -> str:
    """A reply in a table's words."""
    if reply is None:
        return SILENCE
    assert reply.header is not None, reply
    if reply.icmp is not None:
        return "{}/{}".format(*reply.icmp)
    if reply.reason is Reason.RESET:
        marks = {bool(reply.header.tos)}
        if reply.header.flow_label is not None:
            marks.add(bool(reply.header.flow_label))
        (marked,) = marks
        return KERNEL if marked else FORGED
    return str(reply.reason)


def filtered(action: str, segment: str | None = None, **more: object) -> dict[str, object]:
    """A target with one rule."""
    rule = {"action": action, **({} if segment is None else {"segment": segment})}
    return {"filter": [rule], **more}


LISTENS = [{"port": 80, "bind": "::"}]
# the target, then the answers to SYN, ACK and FIN
BATTERY = {
    "open": ({"listen": LISTENS}, SA, KERNEL, SILENCE),
    "closed": ({}, KERNEL, KERNEL, KERNEL),
    "bound to loopback": ({"listen": [{"port": 80, "bind": "::1"}]}, KERNEL, KERNEL, KERNEL),
    "full": ({"listen": [{"port": 80, "bind": "::", "serves": "full"}]}, SILENCE, KERNEL, SILENCE),
    "drop, open": (filtered("drop", listen=LISTENS), SILENCE, SILENCE, SILENCE),
    "drop, closed": (filtered("drop"), SILENCE, SILENCE, SILENCE),
    "drop of SYNs, open": (filtered("drop", "syn", listen=LISTENS), SILENCE, KERNEL, SILENCE),
    "drop of SYNs, closed": (filtered("drop", "syn"), SILENCE, KERNEL, KERNEL),
    "reset, open": (filtered("reset", listen=LISTENS), FORGED, FORGED, FORGED),
    "reset of SYNs, closed": (filtered("reset", "syn"), FORGED, KERNEL, KERNEL),
    "SYN/ACK dropped": (filtered("drop", "syn-ack", listen=LISTENS), SILENCE, KERNEL, SILENCE),
    "SYN/ACK rejected": (filtered("host-unreach", "syn-ack", listen=LISTENS), SILENCE, KERNEL, SILENCE),
    "SYN/ACK dropped, closed": (filtered("drop", "syn-ack"), KERNEL, KERNEL, KERNEL),
    "prohibited": (filtered("admin-prohibited"), PROHIBITED, PROHIBITED, PROHIBITED),
    "stealth, open": ({"never_resets": True, "listen": LISTENS}, SA, SILENCE, SILENCE),
    "stealth, closed": ({"never_resets": True}, SILENCE, SILENCE, SILENCE),
}


@pytest.mark.parametrize("symbol", ["lan", "lan6", "public", "public6"])
@pytest.mark.parametrize("case", BATTERY)
def test_battery(case, symbol, scenario_of, ask_raw) -> None:
    """SYN, ACK and FIN to one port tell apart what a SYN alone does not."""
    target, *expected = BATTERY[case]
    address = address_of(symbol)
    questions = [Question(address, Port(TCP, 80), shape=shape) for shape in (OPENING, ACK, FIN)]
    replies = ask_raw(scenario_of(target=target), questions)
    wanted = [word[address.version] if isinstance(word, dict) else word for word in expected]
    assert [told(reply) for reply in replies] == wanted
    assert {reply.sender for reply in replies if reply} <= {address}
    assert {reply.ttl for reply in replies if reply} <= {63 if symbol.startswith("public") else 64}


def test_what_a_syn_ack_says(scenario_of, ask_raw) -> None:
    """A SYN/ACK has no TOS, the host's window and options, and the link by which it came."""
    questions = [Question(address_of(symbol), Port(TCP, 80)) for symbol in ("lan", "public6")]
    near, far = ask_raw(scenario_of(target={"listen": LISTENS}), questions)
    assert (near.header.tos, near.header.window, near.header.flow_label) == (0, 65160, None)
    assert (near.header.options.mss, near.header.options.window_scale) == (1460, 7)
    assert (near.header.interface, near.header.link_address) == ("lan", LAN_LINK)
    assert (far.header.tos, far.header.window) == (0, 64260)
    assert far.header.flow_label
    assert (far.header.interface, far.header.link_address) == ("public", ROUTER_LINK)


def test_a_syn_proxy_shows_no_window(scenario_of, ask_raw) -> None:
    """A SYN proxy answers from its own hop with a window of 0; what it saw no handshake of, it drops."""
    world = scenario_of(target={"listen": LISTENS}, router={"syn_proxy": "80"})
    questions = [Question(address_of("public"), Port(TCP, 80), shape=shape) for shape in (OPENING, ACK, FIN)]
    offer, *others = ask_raw(world, questions)
    assert (offer.reason, offer.ttl, offer.header.window) == (SA, 64, 0)
    assert others == [None, None]


ECHOES = [("lan", 64), ("lan6", 64), ("public", 63), ("public6", 63)]


@pytest.mark.parametrize(("symbol", "ttl"), ECHOES)
def test_echo(symbol, ttl, scenario_of, ask_raw) -> None:
    """An echo reply has the TOS of its request, and no filter for TCP and UDP touches it."""
    world = scenario_of(target={**filtered("drop"), "never_resets": True})
    (reply,) = ask_raw(world, [Question(address_of(symbol), Port(TCP, 0), shape=ECHO)])
    assert (reply.reason, reply.sender, reply.ttl) == (Reason.ECHO_REPLY, address_of(symbol), ttl)
    assert reply.header.tos == MARK_TOS
    assert (reply.header.window, reply.header.options) == (None, None)


def test_errors_have_a_tos_of_their_own(scenario_of, ask_raw) -> None:
    """An ICMP error is marked as control traffic; in IPv6 it is not."""
    questions = [Question(address_of(symbol), Port(UDP, 9)) for symbol in ("lan", "lan6")]
    old, new = ask_raw(scenario_of(), questions)
    assert (old.icmp, old.header.tos & 0xE0) == ((3, 3), 0xC0)
    assert (new.icmp, new.header.tos) == ((1, 4), 0)


def test_bleached(scenario_of, ask_raw) -> None:
    """On a link that bleaches, a kernel's reset and an echo reply have lost the mark; IPv6 keeps its label."""
    world = scenario_of(links={"lan": {"bleaches": True}})
    questions = [
        Question(address_of("lan"), Port(TCP, 80)),
        Question(address_of("lan"), Port(TCP, 0), shape=ECHO),
        Question(address_of("lan6"), Port(TCP, 80)),
        Question(address_of("vpn"), Port(TCP, 80)),
    ]
    replies = ask_raw(world, questions)
    assert [reply.header.tos for reply in replies] == [0, 0, 0, MARK_TOS]
    assert replies[2].header.flow_label


def test_the_targets_ttl(scenario_of, ask_raw) -> None:
    """All that the target sends starts with its own TTL; what a router sends does not."""
    world = scenario_of(target={"ttl": 128, **filtered("reset", listen=LISTENS)}, router={})
    questions = [
        Question(address_of("lan"), Port(TCP, 80)),
        Question(address_of("lan"), Port(TCP, 0), shape=ECHO),
        Question(address_of("public"), Port(TCP, 80)),
        Question(address_of("public"), Port(TCP, 80), ttl=1),
    ]
    assert [reply.ttl for reply in ask_raw(world, questions)] == [128, 128, 127, 64]


# What the world has, the port, then SYN, ACK and FIN as (answer, TTL)
FORWARDED = {
    "container": ({"dnat": [{"port": 80}]}, {}, "lan", [(SA, 63), (KERNEL, 63), (KERNEL, 64)]),
    "dead container": (
        {"dnat": [{"port": 80, "alive": False}]},
        {},
        "lan",
        [(KERNEL, 63), (KERNEL, 63), (KERNEL, 64)],
    ),
    "forwarded by the router": (
        {"listen": LISTENS},
        {"nat": True, "forward": [80]},
        "public",
        [(SA, 63), (KERNEL, 63), (KERNEL, 64)],
    ),
    "the router's own service": (
        {},
        {"nat": True, "listen": [{"port": 80, "bind": "public"}]},
        "public",
        [(SA, 64), (KERNEL, 64), (SILENCE, None)],
    ),
    "a box that answers all": (
        {},
        {"answers_all": True},
        "public",
        [(SA, 64), (KERNEL, 64), (KERNEL, 63)],
    ),
}


@pytest.mark.parametrize("case", FORWARDED)
def test_forwarded(case, scenario_of, ask_raw) -> None:
    """A forwarded port answers from one hop further; a FIN of no connection is not forwarded."""
    target, router, symbol, expected = FORWARDED[case]
    questions = [Question(address_of(symbol), Port(TCP, 80), shape=shape) for shape in (OPENING, ACK, FIN)]
    replies = ask_raw(scenario_of(target=target, router=router), questions)
    assert [(told(reply), reply and reply.ttl) for reply in replies] == expected


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
    assert [told(reply) for reply in replies] == [vpn, lan]
    assert [reply.sender for reply in replies] == [address_of("vpn"), address_of("lan")]
    assert {reply.header.interface for reply in replies} == {"lan"}


def test_filters_judge_by_the_link_of_arrival(scenario_of, ask_raw) -> None:
    """A rule on the VPN does not see a frame for the VPN address that came by the LAN."""
    world = scenario_of(target={"listen": LISTENS, "filter": [{"action": "drop", "on": ["vpn"]}]})
    port = Port(TCP, 80)
    hops = (None, ON_LAN)
    replies = ask_raw(world, [Question(address_of("vpn"), port, hop=hop) for hop in hops])
    assert [told(reply) for reply in replies] == [SILENCE, SA]
    (reply,) = ask_raw(world, [Question(address_of("vpn6"), port, hop=ON_LAN6, ttl=1)])
    assert told(reply) == SA


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
    ({}, ON_LAN, "172.31.0.2", SILENCE, None),
    ({}, ON_LAN6, "2001:db8:5::1", SILENCE, None),
]


@pytest.mark.parametrize(("target", "hop", "symbol", "answer", "sender"), STRANGERS)
def test_frames_for_others(target, hop, symbol, answer, sender, scenario_of, ask_raw) -> None:
    """A host that forwards says that the TTL is exceeded, or that it has no route; another keeps quiet."""
    world = scenario_of(target=target, dead=["vpn"])
    (reply,) = ask_raw(world, [Question(address_of(symbol), Port(TCP, 80), ttl=1, hop=hop)])
    assert (told(reply), reply and reply.sender) == (answer, sender)


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
    assert told(reply) == (answer if routed else SILENCE)
    assert not routed or reply.sender == asked


def test_a_published_port_of_loopback(scenario_of, ask_raw) -> None:
    """What the host forwards into a container is forwarded for loopback too: NAT comes first."""
    world = scenario_of(target={"dnat": [{"port": 80}]})
    loopback = ip_address("127.0.0.1")
    ports = (80, 81)
    replies = ask_raw(world, [Question(loopback, Port(TCP, n), hop=ON_LAN) for n in ports])
    assert [told(reply) for reply in replies] == [SA, SILENCE]
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
    """A packet of two families, ARP for IPv6, and an address without a route are told at once."""
    (reply,) = ask_raw(scenario_of(), [question])
    assert (reply.reason, reply.at, reply.sender) == (reason, 0.0, None)


@pytest.mark.parametrize(
    "hop",
    [NextHop("wlan0", ON_LAN.source, LAN_LINK), NextHop("lan", ON_LAN.source, "02:00:00:00:00:99")],
    ids=["no such link", "no such neighbour"],
)
@pytest.mark.parametrize("shape", [OPENING, ECHO])
def test_frames_for_nobody(hop, shape, scenario_of, ask_raw) -> None:
    """A frame for a neighbour that is not there is lost."""
    assert ask_raw(scenario_of(), [Question(address_of("lan"), Port(TCP, 80), shape=shape, hop=hop)]) == [
        None
    ]


def test_link_addresses(scenario_of) -> None:
    """The neighbour table has the link-layer address of who was asked for and has answered."""
    with open_sim(scenario_of(dead=["vpn"])) as world:
        asked = [address_of(symbol) for symbol in ("lan", "vpn", "public")]
        assert [world.host.link_address(address) for address in asked] == [None, None, None]
        for number, address in enumerate(asked):
            world.raw.send(Probe(number, Question(address, Port(TCP, 80))))
        world.raw.receive(1.0)
        assert [world.host.link_address(address) for address in asked] == [LAN_LINK, None, None]
        assert world.host.link_address(ip_address(ROUTER_ADDRESSES["public"])) == ROUTER_LINK


def test_one_clock(scenario_of) -> None:
    """Sockets and raw packets share the time and the network, and hear their own answers only."""
    with open_sim(scenario_of(target={"listen": LISTENS})) as world:
        question = Question(address_of("lan"), Port(TCP, 80))
        world.backend.send(Probe(1, question))
        world.raw.send(Probe(1, question))
        (raw,) = world.raw.receive(1.0)
        assert world.backend.now() == world.raw.now() > 0.0
        (plain,) = world.backend.receive(1.0)
        assert (raw.header is None, plain.header is None) == (False, True)
        assert world.raw.capacity > 1000


def test_forgotten(scenario_of) -> None:
    """After `forget` no reply comes; of unknown probes nothing is known."""
    with open_sim(scenario_of()) as world:
        lan = address_of("lan")
        world.raw.send(Probe(1, Question(lan, Port(TCP, 80))))
        world.raw.send(Probe(2, Question(lan, Port(TCP, 0), shape=WHO_HAS)))
        world.raw.forget([1, 2, 99])
        assert world.raw.receive(5.0) == ()
        world.raw.close()


def test_a_ttl_floor(scenario_of, ask_raw) -> None:
    """What arrives with less than the floor is no answer."""
    questions = [Question(address_of("public"), Port(TCP, 80), min_ttl=floor) for floor in (63, 64)]
    assert [told(reply) for reply in ask_raw(scenario_of(), questions)] == [KERNEL, SILENCE]
