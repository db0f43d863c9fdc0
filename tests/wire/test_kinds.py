"""Kinds of probes are rows: one that a test adds is built, sent, answered and named with nothing else."""

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

import pytest

from probe.lab.sim.packets import Tcp
from probe.lab.sim.raw import sent_as
from probe.model.probing import Header, Probe, Question, Reason, Shape
from probe.model.target import Port, Protocol
from probe.wire import codec, kinds
from probe.wire.decode import IPV4
from probe.wire.exchange import Exchange
from probe.wire.kinds import KINDS, ProbeKind, acknowledges, is_kind, kind_of
from probe.wire.packet import Incoming, PacketKind

US, TARGET = ip_address("198.51.100.2"), ip_address("192.0.2.9")
WEB = Port(Protocol.TCP, 80)
DATA = b"GET / HTTP/1.0\r\n\r\n"


class Another(StrEnum):
    """A shape that the program does not have."""

    PUSH = "push"


@pytest.fixture
def pushing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """One row more: a segment with data of no connection."""
    row = ProbeKind(
        "data segment",
        flags="PA",
        payload=lambda _: DATA,
        acknowledges=True,
        answers={PacketKind.RESET: acknowledges},
    )
    monkeypatch.setattr(kinds, "KINDS", {**KINDS, (Another.PUSH, Protocol.TCP): row})
    yield Another.PUSH
    codec._template.cache_clear()


@pytest.mark.parametrize("shape", Shape)
def test_every_shape_has_its_row(shape: Shape) -> None:
    """For the protocols that it has; the titles are distinct."""
    assert any(is_kind(shape, protocol) for protocol in Protocol)
    titles = [kind.title for kind in KINDS.values()]
    assert len(titles) == len(set(titles))


def test_what_is_no_probe() -> None:
    """Datagrams have no flags."""
    assert not is_kind(Shape.ACK, Protocol.UDP)
    assert kind_of(Shape.ECHO, Protocol.UDP) is kind_of(Shape.ECHO, Protocol.TCP)


def test_a_row_more_is_a_probe_more(pushing: Any) -> None:
    """A TCP probe with data takes one row: its packet, its bytes and its answer follow from that."""
    exchange = Exchange(lambda below: below // 3)
    question = Question(TARGET, WEB, shape=pushing)
    packet = exchange.compose(question, US)
    assert packet is not None
    assert packet.payload == DATA
    data = codec.build(packet)
    assert data.endswith(DATA)
    assert data[33] == 0x18  # PSH, ACK
    assert int.from_bytes(data[28:32]) == packet.acknowledgment > 0
    assert codec.read(data, IPV4) is None  # its checksums are right, and it is no answer
    in_memory = sent_as(packet)
    assert (in_memory.flags, in_memory.payload) == (Tcp.PSH | Tcp.ACK, len(DATA))
    exchange.remember(Probe(1, question), packet)
    answers = [
        Incoming(
            PacketKind.RESET,
            TARGET,
            US,
            Header(),
            64,
            source_port=80,
            destination_port=packet.source_port,
            acknowledgment=packet.sequence + taken,
        )
        for taken in (0, len(DATA))
    ]
    assert exchange.take(answers[0], 1.0) is None
    match = exchange.take(answers[1], 1.0)
    assert match is not None
    assert match.reply.reason is Reason.RESET
