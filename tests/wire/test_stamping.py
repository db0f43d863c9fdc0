"""Probes stamped from a template, against those that scapy builds whole."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_codec_build import ports, probes
from valid_replies import OURS, THEIRS, TRANSPORT_AT
from varied import replace

from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire import codec
from probe.wire.packet import Outgoing
from probe.wire.payloads import payload_for

KINDS = [
    (Shape.OPENING, Protocol.TCP),
    (Shape.OPENING, Protocol.UDP),
    (Shape.ACK, Protocol.TCP),
    (Shape.FIN, Protocol.TCP),
    (Shape.ECHO, Protocol.TCP),
]
SUM_AT = {Shape.ECHO: 2, Shape.ACK: 16, Shape.OPENING: 6}  # in the transport header; of a datagram


@pytest.mark.parametrize(("shape", "protocol"), KINDS)
@given(data=st.data())
def test_equal_to_what_scapy_builds(shape: Shape, protocol: Protocol, data: st.DataObject) -> None:
    """Byte for byte, whatever the numbers and the payload."""
    packet = data.draw(probes(shape, protocol))
    assert codec.build(packet) == codec._whole(packet)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("shape", "protocol", "written"),
    [
        (Shape.OPENING, Protocol.UDP, b"\xff\xff"),
        (Shape.ACK, Protocol.TCP, b"\0\0"),
        (Shape.ECHO, Protocol.TCP, b"\0\0"),
    ],
)
def test_checksums_of_zero(version: int, shape: Shape, protocol: Protocol, written: bytes) -> None:
    """Where the sum comes to zero, a datagram has 0xFFFF, since 0 means none (RFC 768); others have 0."""
    ours, theirs = ip_address(OURS[version]), ip_address(THEIRS[version])
    place = TRANSPORT_AT[version] + SUM_AT[shape]
    before = Outgoing(shape, protocol, ours, theirs, 0, 80)
    missing = int.from_bytes(codec.build(before)[place : place + 2])
    packet = replace(before, source_port=missing)
    assert codec.build(packet)[place : place + 2] == written
    assert codec.build(packet) == codec._whole(packet)


@given(ports, st.sampled_from([Shape.OPENING, Shape.FIN]))
def test_what_a_template_held_before_is_gone(number: int, shape: Shape) -> None:
    """The packet after another one of its kind has nothing of it."""
    ours, theirs = ip_address(OURS[4]), ip_address(THEIRS[4])
    first = Outgoing(shape, Protocol.TCP, ours, theirs, number, number, number, number, ttl=1, tos=0)
    second = Outgoing(shape, Protocol.TCP, theirs, ours)
    codec.build(first)
    assert codec.build(second) == codec._whole(second)


def test_templates_are_few() -> None:
    """However many addresses and ports are asked, there is one a kind, family and payload, within a bound."""
    codec._template.cache_clear()
    for version in (4, 6):
        for number in range(1, 3000):
            packet = Outgoing(
                Shape.OPENING,
                Protocol.UDP,
                ip_address(OURS[version]),
                ip_address(THEIRS[version]) + number,
                destination_port=number,
                payload=payload_for(number),
            )
            codec.build(packet)
    built = codec._template.cache_info()
    assert built.misses == built.currsize == 2 * len({payload_for(number) for number in range(1, 3000)})
    assert built.maxsize is not None
    assert built.currsize < built.maxsize
