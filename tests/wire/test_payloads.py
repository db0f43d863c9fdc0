"""What is sent to UDP ports, read back by scapy and by the specifications' own fields."""

import struct
from importlib import import_module
from typing import Any

import pytest

from probe.wire.payloads import OTHERWISE, payload_for, ports_with_payloads

LARGEST = 400  # bytes; QUIC is the exception by its own specification


def test_small_and_not_empty() -> None:
    """Every request fits into one small datagram, and a port without one gets a short line."""
    sizes = {port: len(payload_for(port)) for port in ports_with_payloads()}
    assert sizes.pop(443) == 1200  # RFC 9000 section 14.1
    assert all(0 < size <= LARGEST for size in sizes.values())
    assert payload_for(51820) == payload_for(9) == OTHERWISE


def decode(layer: str, module: str, port: int) -> Any:
    """A port's request as scapy's layer."""
    return getattr(import_module(f"scapy.layers.{module}"), layer)(payload_for(port))


@pytest.mark.parametrize(
    ("port", "name", "query_type", "query_class"),
    [(53, b"localhost.", 1, 1), (5353, b"_services._dns-sd._udp.local.", 12, 0x8001)],
)
def test_dns(port: int, name: bytes, query_type: int, query_class: int) -> None:
    """One question, no answers, no recursion; mDNS asks for a unicast answer."""
    message = decode("DNS", "dns", port)
    assert (message.qr, message.opcode, message.rd, message.qdcount, message.ancount) == (0, 0, 0, 1, 0)
    question = message.qd[0]
    asked = (question.qname, question.qtype, question.qclass + (question.unicastresponse << 15))
    assert asked == (name, query_type, query_class)


def test_ntp() -> None:
    """A version 4 client packet with a transmit time that the server can echo."""
    message = decode("NTPHeader", "ntp", 123)
    assert (message.version, message.mode, len(payload_for(123))) == (4, 3, 48)
    assert message.sent != 0


def test_snmp() -> None:
    """GetRequest of sysDescr.0 with community `public`, SNMPv2c."""
    message = decode("SNMP", "snmp", 161)
    assert (message.version.val, message.community.val) == (1, b"public")
    assert type(message.PDU).__name__ == "SNMPget"
    assert [binding.oid.val for binding in message.PDU.varbindlist] == ["1.3.6.1.2.1.1.1.0"]


def test_tftp() -> None:
    """A read request in octet mode: it writes nothing."""
    message = decode("TFTP", "tftp", 69)
    assert (message.op, message.filename, message.mode) == (1, b"bindprobe", b"octet")


def test_netbios() -> None:
    """A node status request for the wildcard name."""
    message = decode("NBNSHeader", "netbios", 137)
    assert (message.OPCODE, message.RESPONSE, message.QDCOUNT) == (0, 0, 1)
    request = message.payload
    assert (request.QUESTION_NAME.rstrip(b" \0"), request.QUESTION_TYPE) == (b"*", 0x21)


def test_ike() -> None:
    """A header alone, of a version that no responder speaks; port 4500 has the non-ESP marker before it."""
    message = decode("ISAKMP", "isakmp", 500)
    assert (message.version, message.length, message.exch_type) == (0x30, 28, 34)
    assert message.init_cookie != b"\0" * 8
    assert payload_for(4500) == b"\0" * 4 + payload_for(500)


def test_rpc() -> None:
    """A call of the port mapper's null procedure with empty credentials."""
    words = struct.unpack("!10I", payload_for(111))
    assert words[1:] == (0, 2, 100000, 2, 0, 0, 0, 0, 0)


def test_stun() -> None:
    """A binding request without attributes."""
    kind, length, cookie = struct.unpack("!HHI", payload_for(3478)[:8])
    assert (kind, length, cookie, len(payload_for(3478))) == (1, 0, 0x2112A442, 20)


def test_quic() -> None:
    """A long header of a reserved version and two connection ids of 8 bytes."""
    first, version, length = struct.unpack("!BIB", payload_for(443)[:6])
    assert first & 0xC0 == 0xC0
    assert version & 0x0F0F0F0F == 0x0A0A0A0A
    assert length == payload_for(443)[14] == 8


def test_coap() -> None:
    """Version 1, confirmable, no token, code 0.00."""
    assert payload_for(5683)[:2] == b"\x40\0"
    assert len(payload_for(5683)) == 4


def test_openvpn() -> None:
    """A hard reset of key 0: opcode 7, a session id, no acknowledgements, packet 0."""
    first, session, acknowledged, packet = struct.unpack("!B8sBI", payload_for(1194))
    assert (first >> 3, first & 7, acknowledged, packet) == (7, 0, 0, 0)
    assert any(session)


def test_memcached() -> None:
    """Request id, datagram 0 of 1, reserved zero, then a command that changes nothing."""
    assert struct.unpack("!4H", payload_for(11211)[:8])[1:] == (0, 1, 0)
    assert payload_for(11211)[8:] == b"version\r\n"


@pytest.mark.parametrize("port", [1900, 5060])
def test_text(port: int) -> None:
    """A request line, header lines, an empty line; no header twice."""
    request, *headers, empty, body = payload_for(port).decode("ascii").split("\r\n")
    assert request.split()[-1] in {"HTTP/1.1", "SIP/2.0"}
    names = [header.split(":")[0].lower() for header in headers]
    assert len(names) == len(set(names))
    assert empty == body == ""


def test_ipmi() -> None:
    """RMCP, ASF class, presence ping (0x80) of enterprise 4542."""
    assert payload_for(623) == bytes.fromhex("0600ff06000011be80000000")
