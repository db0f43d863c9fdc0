"""What each shape of raw packet brings from each truth, in the world in memory."""

from ipaddress import ip_address

import pytest
from raw_words import FORGED, KERNEL, LAN_LINK, ROUTER_LINK, SA, SILENCE, described

from probe.lab.scenario import ROUTER_ADDRESSES, address_of
from probe.lab.sim.world import open_sim
from probe.model.probing import Probe, Question, Reason, Shape
from probe.model.target import Port, Protocol
from probe.wire.packet import MARK_TOS

TCP, UDP = Protocol.TCP, Protocol.UDP
OPENING, ACK, FIN, ECHO, WHO_HAS = Shape
PROHIBITED = {4: "3/13", 6: "1/1"}


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
    """SYN, ACK and FIN to one port distinguish what a SYN alone does not."""
    target, *expected = BATTERY[case]
    address = address_of(symbol)
    questions = [Question(address, Port(TCP, 80), shape=shape) for shape in (OPENING, ACK, FIN)]
    replies = ask_raw(scenario_of(target=target), questions)
    wanted = [word[address.version] if isinstance(word, dict) else word for word in expected]
    assert [described(reply) for reply in replies] == wanted
    assert {reply.sender for reply in replies if reply} <= {address}
    assert {reply.ttl for reply in replies if reply} <= {63 if symbol.startswith("public") else 64}


def test_what_a_syn_ack_holds(scenario_of, ask_raw) -> None:
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
    """On a link that bleaches, resets and echo replies have lost the mark; IPv6 keeps its label."""
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
    "container of Docker's, which listens on the host too": (
        {"dnat": [{"port": 80}], "dnat_by": "docker"},
        {},
        "lan",
        [(SA, 63), (KERNEL, 63), (SILENCE, None)],
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
    assert [(described(reply), reply and reply.ttl) for reply in replies] == expected


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
    """Sockets and raw packets share the time and the network, and receive their own answers only."""
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
    assert [described(reply) for reply in ask_raw(scenario_of(), questions)] == [KERNEL, SILENCE]
