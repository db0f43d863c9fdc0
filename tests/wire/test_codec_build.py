"""Probes as bytes, read by a second opinion."""

import struct
import subprocess
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
import wire
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP
from valid_replies import OURS, THEIRS

from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire import codec
from probe.wire.packet import Outgoing

TOP = Path(__file__).parents[2]
MSS = {4: 1460, 6: 1440}
ECHO = {4: (wire.ICMP, 8), 6: (wire.ICMP6, 128)}

ports = st.integers(0, 0xFFFF)
numbers = st.integers(0, 0xFFFFFFFF)
pairs = st.one_of(
    st.tuples(*[st.integers(0, 2**bits - 1).map(kind)] * 2)
    for kind, bits in ((IPv4Address, 32), (IPv6Address, 128))
)


@st.composite
def probes(draw: st.DrawFn, shape: Shape, protocol: Protocol = Protocol.TCP) -> Outgoing:
    """Any probe of that shape."""
    source, destination = draw(pairs)
    return Outgoing(
        shape,
        protocol,
        source,
        destination,
        draw(ports),
        draw(ports),
        draw(numbers),
        draw(numbers),
        ttl=draw(st.integers(1, 255)),
        tos=draw(st.integers(0, 255)),
        flow_label=draw(st.integers(0, 0xFFFFF)),
        payload=draw(st.binary(max_size=40)),
    )


def segment_of(packet: Outgoing) -> bytes:
    """Build it, compare what every probe has in common, and return what the IP packet carries."""
    data = codec.build(packet)
    seen = wire.look(data)
    version = packet.source.version
    assert (seen.version, seen.source, seen.destination) == (version, packet.source, packet.destination)
    assert (seen.ttl, seen.tos) == (packet.ttl, packet.tos)
    assert seen.flow_label == (packet.flow_label if version == 6 else None)
    assert (seen.identification, seen.fragment) == (0, 0x4000 if version == 4 else 0)  # don't fragment
    assert len(seen.header + seen.payload) == len(data)
    assert wire.intact(data)
    return seen.payload


def tcp_of(packet: Outgoing) -> tuple[int, ...]:
    """Ports, sequence, acknowledgment, flags and window of what is built."""
    source, destination, sequence, acknowledgment, _offset, flags, window, _sum, urgent = struct.unpack(
        "!HHIIBBHHH", segment_of(packet)[:20]
    )
    assert urgent == 0
    return source, destination, sequence, acknowledgment, flags, window


@given(probes(Shape.OPENING))
def test_syn(packet: Outgoing) -> None:
    """A SYN is what a current Linux opens with: flags, window, and the options in their order."""
    source, destination = packet.source_port, packet.destination_port
    assert tcp_of(packet) == (source, destination, packet.sequence, 0, 0x02, 64240)
    options = wire.tcp_options(segment_of(packet))
    mss = struct.pack("!H", MSS[packet.source.version])
    assert [kind for kind, _ in options] == [2, 4, 8, 1, 3]
    assert (options[0][1], options[1][1], options[4][1]) == (mss, b"", b"\x07")
    assert len(options[2][1]) == 8


@given(probes(Shape.ACK))
def test_ack(packet: Outgoing) -> None:
    """An ACK has that flag only, and the number that it acknowledges."""
    *numbers_seen, flags, _window = tcp_of(packet)
    wanted = [packet.source_port, packet.destination_port, packet.sequence, packet.acknowledgment]
    assert (numbers_seen, flags) == (wanted, 0x10)


@given(probes(Shape.FIN))
def test_fin(packet: Outgoing) -> None:
    """A FIN has that flag only, and acknowledges nothing."""
    *numbers_seen, flags, _window = tcp_of(packet)
    assert (numbers_seen, flags) == ([packet.source_port, packet.destination_port, packet.sequence, 0], 0x01)


@given(probes(Shape.OPENING, Protocol.UDP))
def test_datagram(packet: Outgoing) -> None:
    """A datagram carries its payload, with a checksum in either family."""
    segment = segment_of(packet)
    source, destination, length, checksum = struct.unpack("!HHHH", segment[:8])
    assert (source, destination, length) == (packet.source_port, packet.destination_port, len(segment))
    assert segment[8:] == packet.payload
    assert checksum != 0


@given(probes(Shape.ECHO))
def test_echo(packet: Outgoing) -> None:
    """An echo has its identifier and number, and a payload of some bytes even where none is given."""
    kind, code, _checksum, identifier, sequence = struct.unpack("!BBHHH", segment_of(packet)[:8])
    protocol = wire.look(codec.build(packet)).protocol
    assert (protocol, kind, code) == (*ECHO[packet.source.version], 0)
    assert (identifier, sequence) == (packet.source_port, packet.sequence & 0xFFFF)
    payload = segment_of(packet)[8:]
    assert payload == packet.payload if packet.payload else len(payload) >= 8


def test_who_has() -> None:
    """An ARP request is a body of 28 bytes that asks everybody for one address (RFC 826)."""
    ours, theirs = ip_address(OURS[4]), ip_address(THEIRS[4])
    link = "02:00:00:00:00:01"
    body = codec.build(Outgoing(Shape.WHO_HAS, Protocol.TCP, ours, theirs, link_source=link))
    asked = bytes.fromhex(link.replace(":", "")) + ours.packed + bytes(6) + theirs.packed
    assert body == struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + asked
    assert ARP(body).hwsrc == link


@pytest.mark.parametrize(
    ("shape", "source", "destination"),
    [(Shape.WHO_HAS, OURS[6], THEIRS[6]), (Shape.OPENING, OURS[4], THEIRS[6])],
)
def test_no_such_packet(shape: Shape, source: str, destination: str) -> None:
    """What cannot be written is refused: ARP for IPv6, and a mix of families."""
    packet = Outgoing(shape, Protocol.TCP, ip_address(source), ip_address(destination))
    with pytest.raises(ValueError, match=r"families|IPv4"):
        codec.build(packet)


def test_scope_is_no_part_of_a_packet() -> None:
    """A link-local address with a scope is built as without one."""
    with_scope, without = (
        codec.build(
            Outgoing(Shape.OPENING, Protocol.TCP, ip_address(source), ip_address("fe80::2"), 40001, 80)
        )
        for source in ("fe80::1%eth0", "fe80::1")
    )
    assert with_scope == without


FORBIDDEN = """
import sys
from probe.wire import codec
assert not any(name.startswith("scapy") for name in sys.modules), "the codec loads scapy before it is used"
from ipaddress import ip_address
from probe.wire.packet import Outgoing
from probe.model.probing import Shape
from probe.model.target import Protocol

def forbid(event, arguments):
    if event.partition(".")[0] in {"socket", "subprocess", "open", "os", "fcntl"}:
        raise RuntimeError(f"{event} {arguments}")

codec._scapy()
from scapy.config import conf
assert not conf.route_autoload and not conf.route6_autoload
assert "scapy.all" not in sys.modules
assert "cryptography" not in sys.modules, "scapy's ciphers are for nothing"
sys.addaudithook(forbid)
for source, destination in (("203.0.113.1", "203.0.113.2"), ("2001:db8::1", "2001:db8::2")):
    ours, theirs = ip_address(source), ip_address(destination)
    for protocol in Protocol:
        for shape in Shape:
            if shape is not Shape.WHO_HAS or ours.version == 4:
                codec.build(Outgoing(shape, protocol, ours, theirs, 40001, 80))
print("built")
"""


def test_building_asks_nothing() -> None:
    """No packet is built with the help of a socket, a file or a command: no route is read, no ARP sent."""
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDEN], cwd=TOP, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("built\n", "")
