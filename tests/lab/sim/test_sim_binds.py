"""What every kind of bind answers on each address, as measured on Linux (a host without a filter)."""

import pytest

from probe.lab.scenario import address_of
from probe.model.probing import Question, Reason
from probe.model.target import Port, Protocol

ANY = "0.0.0.0"
ADDRESSES = ("lan", "vpn", "lan6", "vpn6")
SA, RST, NONE = Reason.SYN_ACK, Reason.RESET, None

# bind, options, then the answer on each of ADDRESSES
TCP = [
    (ANY, {}, (SA, SA, RST, RST)),
    ("::", {}, (SA, SA, SA, SA)),
    ("::", {"v6only": True}, (RST, RST, SA, SA)),
    ("lan", {}, (SA, RST, RST, RST)),
    ("vpn6", {}, (RST, RST, RST, SA)),
    ("::ffff:192.168.77.10", {}, (SA, RST, RST, RST)),
    ("127.0.0.1", {}, (RST, RST, RST, RST)),
    ("127.0.0.2", {}, (RST, RST, RST, RST)),
    ("::1", {}, (RST, RST, RST, RST)),
    ("::ffff:127.0.0.1", {}, (RST, RST, RST, RST)),
    (ANY, {"device": "vpn"}, (RST, SA, RST, RST)),
    ("::", {"device": "vpn"}, (RST, SA, RST, SA)),
    ("::", {"device": "lan6"}, (SA, RST, SA, RST)),
    ("lan", {"device": "vpn"}, (RST, RST, RST, RST)),
    (ANY, {"serves": "full"}, (NONE, NONE, RST, RST)),
]
UDP = [
    (ANY, {"serves": "answer"}, (Reason.UDP_RESPONSE, Reason.UDP_RESPONSE)),
    ("vpn", {"serves": "answer"}, (Reason.PORT_UNREACH, Reason.UDP_RESPONSE)),
    (ANY, {}, (NONE, NONE)),
    ("127.0.0.1", {"serves": "answer"}, (Reason.PORT_UNREACH, Reason.PORT_UNREACH)),
]
SERVED = [
    ("hold", "held"),
    ("greet", "spoke"),
    ("close", "closed"),
    ("reset", "reset"),
]


@pytest.mark.parametrize(("bind", "options", "expected"), TCP)
def test_tcp_bind(bind, options, expected, scenario_of, ask) -> None:
    """A SYN to each address is answered as the kernel's socket lookup has it."""
    world = scenario_of(target={"listen": [{"port": 80, "bind": bind, **options}]})
    port = Port(Protocol.TCP, 80)
    replies = ask(world, [Question(address_of(symbol), port) for symbol in ADDRESSES])
    assert tuple(r[0].reason if r else None for r in replies) == expected


@pytest.mark.parametrize(("bind", "options", "expected"), UDP)
def test_udp_bind(bind, options, expected, scenario_of, ask) -> None:
    """A datagram to each address is answered, swallowed or refused by the host itself."""
    world = scenario_of(target={"listen": [{"port": 53, "bind": bind, "protocol": "udp", **options}]})
    port = Port(Protocol.UDP, 53)
    replies = ask(world, [Question(address_of(symbol), port) for symbol in ("lan", "vpn")])
    assert tuple(r[0].reason if r else None for r in replies) == expected
    assert all(r[0].ttl == (None if r[0].icmp else 64) for r in replies if r)


@pytest.mark.parametrize(("serves", "aftermath"), SERVED)
@pytest.mark.parametrize("symbol", ["lan", "lan6"])
def test_what_follows_the_accept(serves, aftermath, symbol, scenario_of, ask) -> None:
    """After the syn-ack comes one more reply, which shows what the connection did."""
    world = scenario_of(target={"listen": [{"port": 80, "bind": "::", "serves": serves}]})
    (replies,) = ask(world, [Question(address_of(symbol), Port(Protocol.TCP, 80))])
    assert [r.reason for r in replies] == [Reason.SYN_ACK, Reason.SYN_ACK]
    assert [r.aftermath for r in replies] == [None, aftermath]
    assert {r.sender for r in replies} == {address_of(symbol)}
    assert replies[0].tcp is not None


def test_the_closest_socket_takes_the_packet(scenario_of, ask) -> None:
    """Of a wildcard and a specific socket on one port, the specific one serves its address."""
    listen = [
        {"port": 80, "bind": ANY, "serves": "close"},
        {"port": 80, "bind": "lan", "serves": "greet"},
    ]
    world = scenario_of(target={"listen": listen})
    port = Port(Protocol.TCP, 80)
    lan, vpn = ask(world, [Question(address_of("lan"), port), Question(address_of("vpn"), port)])
    assert (lan[1].aftermath, vpn[1].aftermath) == ("spoke", "closed")


@pytest.mark.parametrize(
    ("delay_ms", "watch"), [(0, 0.03), (10, 0.04), (100, 0.3)], ids=["at least", "two round trips", "at most"]
)
def test_how_long_a_connection_is_watched(delay_ms, watch, scenario_of, ask) -> None:
    """The watch lasts two round trips, within bounds."""
    world = scenario_of(
        target={"listen": [{"port": 80, "bind": "lan"}]}, links={"lan": {"delay_ms": delay_ms}}
    )
    (replies,) = ask(world, [Question(address_of("lan"), Port(Protocol.TCP, 80))])
    assert replies[1].at - replies[0].at == pytest.approx(watch, abs=1e-3)
