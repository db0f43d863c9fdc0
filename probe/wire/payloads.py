"""What to send to a UDP port, so that a service there answers.

Lives here: one small, harmless request per well-known port, written from its specification. A request asks
for something that every client asks first (a version, a time, a list of names); none changes anything.

Silence remains possible where a service is there:
- WireGuard (51820) never answers a peer it does not know (whitepaper section 5.1), RADIUS (1812) neither
  (RFC 2865 section 3), and OpenVPN does not with `tls-auth` or `tls-crypt`: no payload could help.
- TFTP answers from another port (RFC 1350 section 4), which a connected socket does not receive.
"""

import struct
from collections.abc import Mapping

# Sent to ports without a row: what text protocols take for a line, and binary ones for a runt.
OTHERWISE = b"\r\n\r\n"

_ID = 0x4250  # request id where a protocol wants one, within 16 bits
_NAME = b"bindprobe"
_COOKIE = b"bindprobe-01"  # 12 bytes: transaction and connection ids


def _dns(name: str, query_type: int, query_class: int, flags: int = 0, request_id: int = _ID) -> bytes:
    """One question (RFC 1035 section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    header = struct.pack("!6H", request_id, flags, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!2H", query_type, query_class)


def _ber(tag: int, *parts: bytes) -> bytes:
    """One BER value with the short form of length (X.690 section 8.1.3.4): up to 127 bytes."""
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def _snmp() -> bytes:
    """GetRequest for sysDescr.0, SNMPv2c, community `public` (RFC 3416 section 4.2.1, RFC 1901)."""
    integer, octets, null, oid, sequence, get_request = 2, 4, 5, 6, 0x30, 0xA0
    sys_descr = bytes([0x2B, 6, 1, 2, 1, 1, 1, 0])  # 1.3.6.1.2.1.1.1.0
    zero = _ber(integer, b"\0")
    bindings = _ber(sequence, _ber(sequence, _ber(oid, sys_descr), _ber(null)))
    pdu = _ber(get_request, _ber(integer, _ID.to_bytes(2, "big")), zero, zero, bindings)
    return _ber(sequence, _ber(integer, b"\1"), _ber(octets, b"public"), pdu)


def _sip() -> bytes:
    """OPTIONS (RFC 3261 section 11); `rport` has the answer sent to the port we asked from (RFC 3581)."""
    return (
        b"OPTIONS sip:bindprobe@probe.invalid SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP probe.invalid;branch=z9hG4bK-bindprobe;rport\r\n"
        b"Max-Forwards: 70\r\n"
        b"From: <sip:bindprobe@probe.invalid>;tag=1\r\n"
        b"To: <sip:bindprobe@probe.invalid>\r\n"
        b"Call-ID: bindprobe@probe.invalid\r\n"
        b"CSeq: 1 OPTIONS\r\n"
        b"Accept: application/sdp\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def _ssdp() -> bytes:
    """Unicast M-SEARCH (UPnP Device Architecture 2.0 section 1.3.2)."""
    return (
        b"M-SEARCH * HTTP/1.1\r\n"
        b"HOST: 239.255.255.250:1900\r\n"
        b'MAN: "ssdp:discover"\r\n'
        b"MX: 1\r\n"
        b"ST: upnp:rootdevice\r\n\r\n"
    )


def _ike() -> bytes:
    """A header of major version 3, answered with INVALID_MAJOR_VERSION (RFC 7296 section 2.5)."""
    no_next_payload, version, ike_sa_init, initiator, message_id, length = 0, 0x30, 34, 0x08, 0, 28
    header = (no_next_payload, version, ike_sa_init, initiator, message_id, length)
    return struct.pack("!8s8s4B2I", _COOKIE[:8], bytes(8), *header)


def _quic() -> bytes:
    """A long header of a reserved version, answered with Version Negotiation.

    RFC 9000 sections 6.1, 14.1 (a server ignores less than 1200 bytes) and 15 (versions 0x?a?a?a?a).
    """
    destination, source = _COOKIE[:8], _COOKIE[4:]
    header = struct.pack("!BI", 0xC0, 0x1A2A3A4A)
    ids = bytes([len(destination)]) + destination + bytes([len(source)]) + source
    return (header + ids).ljust(1200, b"\0")


def _netbios_name(name: bytes) -> bytes:
    """First-level encoding, padded with zeros as for the wildcard name `*` (RFC 1001 section 14.1)."""
    return bytes(ord("A") + nibble for byte in name.ljust(16, b"\0") for nibble in (byte >> 4, byte & 15))


_IKE_NON_ESP_MARKER = bytes(4)  # RFC 3948 section 2.2

_PAYLOADS: Mapping[int, bytes] = {
    # DNS: a name that servers answer themselves (RFC 6761 section 6.3), recursion not asked for
    53: _dns("localhost", query_type=1, query_class=1),
    # TFTP: read request (RFC 1350 section 5)
    69: b"\0\1" + _NAME + b"\0octet\0",
    # RPC port mapper: version 2, the null procedure (RFC 5531 section 9, RFC 1833 section 3)
    111: struct.pack("!10I", _ID, 0, 2, 100000, 2, 0, 0, 0, 0, 0),
    # NTP: version 4, client; the server echoes the transmit time (RFC 5905 section 7.3)
    123: b"\x23" + bytes(39) + _COOKIE[:8],
    # NetBIOS name service: node status of any name (RFC 1002 section 4.2.17)
    137: _dns(_netbios_name(b"*").decode("ascii"), query_type=0x21, query_class=1),
    161: _snmp(),
    443: _quic(),
    500: _ike(),
    # IPMI: ASF presence ping (ASF 2.0 section 3.2.4.3)
    623: struct.pack("!4BI4B", 6, 0, 0xFF, 6, 4542, 0x80, 0, 0, 0),
    # OpenVPN: P_CONTROL_HARD_RESET_CLIENT_V2, session id, no acknowledgements, packet 0 (its network protocol
    # documentation, src/openvpn/ssl_pkt.h)
    1194: struct.pack("!B8sBI", 7 << 3, _COOKIE[:8], 0, 0),
    # SQL Server browser: CLNT_UCAST_EX, list the instances ([MS-SQLR] section 2.2.2)
    1434: b"\3",
    1900: _ssdp(),
    # STUN: binding request (RFC 8489 section 5)
    3478: struct.pack("!HHI12s", 1, 0, 0x2112A442, _COOKIE),
    4500: _IKE_NON_ESP_MARKER + _ike(),
    5060: _sip(),
    # mDNS: which services are there (RFC 6763 section 9); the top bit of the class asks for a unicast answer
    # (RFC 6762 section 5.4)
    5353: _dns("_services._dns-sd._udp.local", query_type=12, query_class=0x8001, request_id=0),
    # CoAP: an empty confirmable message, answered with a reset (RFC 7252 section 4.3)
    5683: struct.pack("!BBH", 0x40, 0, _ID),
    # memcached: one datagram, `version` (protocol.txt, UDP protocol)
    11211: struct.pack("!4H", _ID, 0, 1, 0) + b"version\r\n",
}


def payload_for(port: int) -> bytes:
    """The datagram to send to a UDP port."""
    return _PAYLOADS.get(port, OTHERWISE)


def ports_with_payloads() -> tuple[int, ...]:
    """The ports that have a request of their own, ascending."""
    return tuple(sorted(_PAYLOADS))
