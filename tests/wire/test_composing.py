"""The packet of each question: every field set, ports and numbers fresh."""

from ipaddress import ip_address
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.model.probing import Question, Shape
from probe.model.target import Port, Protocol
from probe.wire.compose import SOURCE_PORTS, Composer, FreshPorts
from probe.wire.packet import DEFAULT_TTL, MARK_TOS
from probe.wire.payloads import payload_for

TCP, UDP = Protocol.TCP, Protocol.UDP
US, TARGET = ip_address("192.0.2.1"), ip_address("192.0.2.9")


def highest(below: int) -> int:
    return below - 1


CASES: list[tuple[Shape, Port, int | None, dict[str, Any]]] = [
    (Shape.OPENING, Port(TCP, 80), None, {"sequence": 2**32 - 1, "acknowledgment": 0, "payload": b""}),
    (Shape.OPENING, Port(UDP, 53), None, {"payload": payload_for(53)}),
    (Shape.OPENING, Port(TCP, 53), 3, {"payload": b"", "ttl": 3}),
    (Shape.ACK, Port(TCP, 80), 1, {"acknowledgment": 2**32 - 1, "ttl": 1}),
    (Shape.FIN, Port(TCP, 80), None, {"acknowledgment": 0, "ttl": DEFAULT_TTL}),
    (Shape.ECHO, Port(TCP, 0), None, {"sequence": 2**16 - 1, "source_port": 65535}),
    (Shape.ECHO, Port(UDP, 0), None, {"payload": b""}),
    (Shape.WHO_HAS, Port(TCP, 0), None, {"source_port": 0, "link_source": "52:54:00:00:00:01"}),
]


@pytest.mark.parametrize(("shape", "port", "ttl", "fields"), CASES)
def test_each_question_has_its_packet(
    shape: Shape, port: Port, ttl: int | None, fields: dict[str, Any]
) -> None:
    """Shape, addresses, ports, numbers, TTL and payload are those that the question takes."""
    asked = Question(TARGET, port, shape=shape, ttl=ttl)
    packet = Composer(highest).compose(asked, US, "52:54:00:00:00:01")
    assert packet is not None
    always = {"shape": shape, "source": US, "destination": TARGET, "tos": MARK_TOS}
    expected = {**always, "destination_port": port.number, **fields}
    assert {name: getattr(packet, name) for name in expected} == expected


def test_scopes_are_not_on_the_wire() -> None:
    """A link-local address travels without the name of its interface."""
    asked = Question(ip_address("fe80::9%eth0"), Port(TCP, 80))
    packet = Composer(highest).compose(asked, ip_address("fe80::1%eth0"))
    assert packet is not None
    assert (str(packet.source), str(packet.destination)) == ("fe80::1", "fe80::9")


@given(st.randoms(use_true_random=False), st.integers(61_000, 61_009))
def test_ports_are_fresh(chance: Random, avoid: int) -> None:
    """No port is given twice before it comes back, none is the avoided one, and the end is reported."""
    ports = FreshPorts(chance.randrange, range(61_000, 61_010))
    taken = [ports.take(avoid) for _ in range(9)]
    assert sorted(port for port in taken if port) == [port for port in range(61_000, 61_010) if port != avoid]
    assert ports.take(avoid) is None
    assert ports.take(80) == avoid


def test_an_avoided_port_is_kept_for_later() -> None:
    """Drawn first, it is passed over once, and is the last to be given."""
    ports = FreshPorts(highest, range(61_000, 61_003))
    assert [ports.take(61_002), ports.take(80), ports.take(80)] == [61_001, 61_000, 61_002]


def test_ports_come_back_last() -> None:
    """A port that was given back is used again only after all others."""
    ports = FreshPorts(highest, range(61_000, 61_003))
    for expected in (61_002, 61_001, 61_000, 61_000, 61_001, 61_002):
        taken = ports.take(80)
        assert taken == expected
        ports.give_back(expected)


def test_a_composer_ends_with_its_ports() -> None:
    """Without a free port there is no packet; a released one makes room, and ARP needs none."""
    composer = Composer(highest, range(61_000, 61_001))
    asked = Question(TARGET, Port(TCP, 80))
    first = composer.compose(asked, US)
    assert first is not None
    assert composer.compose(asked, US) is None
    who_has = composer.compose(Question(TARGET, Port(TCP, 0), shape=Shape.WHO_HAS), US)
    assert who_has is not None
    composer.release(who_has)
    assert composer.compose(asked, US) is None
    composer.release(first)
    assert composer.compose(asked, US) == first


def test_the_range_is_above_the_kernels_own() -> None:
    """Linux gives out 32768-60999 by itself (net.ipv4.ip_local_port_range)."""
    assert SOURCE_PORTS[0] == 61_000
    assert SOURCE_PORTS[-1] == 65_535
