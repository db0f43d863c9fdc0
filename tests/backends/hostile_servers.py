"""Services on loopback that misbehave when they are asked for a greeting, a page, a key or a certificate.

Each is a name and what it does to a connection; there is one table a protocol, and `ALL` has every one.
"""

import gzip
import socket
import struct
import time

from key_servers import HOSTILE, TLS_RECORD, Serve, drip, flood, never, send

PAGE = b"HTTP/1.1 200 OK\r\nServer: sample\r\n"
VERSION = b"SSH-2.0-sample\r\n"
METADATA = b"http://169.254.169.254/latest/meta-data/"  # where clouds keep what nobody else should read


def reset(peer: socket.socket) -> None:
    """Break off with a reset once something was sent."""
    peer.sendall(b"220 rea")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_closed(peer: socket.socket) -> None:
    """End the sending side, and keep the connection."""
    peer.sendall(b"220 half")
    peer.shutdown(socket.SHUT_WR)
    never(peer)


def echo(peer: socket.socket) -> None:
    """Send back what was sent."""
    while data := peer.recv(4096):
        peer.sendall(data)


def answers_late(peer: socket.socket) -> None:
    """Answer when nobody waits any more."""
    peer.recv(4096)
    time.sleep(2.0)
    peer.sendall(PAGE + b"\r\n")


def answered(data: bytes) -> Serve:
    """Answer whatever is asked, and close."""

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(data)

    return serve


def header(line: bytes) -> Serve:
    """A page with one more header."""
    return answered(PAGE + line + b"\r\n\r\n")


def record(kind: int, body: bytes, version: bytes = b"\x03\x03") -> bytes:
    """A TLS record (RFC 8446 section 5.1)."""
    return bytes([kind]) + version + struct.pack(">H", len(body)) + body


def handshake(kind: int, body: bytes) -> bytes:
    """A handshake message of TLS in one record (RFC 8446 section 4)."""
    return record(22, bytes([kind]) + struct.pack(">I", len(body))[1:] + body)


def server_hello(version: bytes = b"\x03\x03", session: bytes = b"", random: bytes = bytes(32)) -> bytes:
    """ServerHello of TLS 1.2 with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5246 section 7.4.1.3)."""
    return handshake(2, version + random + bytes([len(session)]) + session + b"\xc0\x2b\x00")


def certificates(*ders: bytes) -> bytes:
    """A Certificate message (RFC 5246 section 7.4.2)."""
    chain = b"".join(struct.pack(">I", len(der))[1:] + der for der in ders)
    return handshake(11, struct.pack(">I", len(chain))[1:] + chain)


def ssh_packet(payload: bytes, padding: int = 8) -> bytes:
    """A packet without encryption; the length may be wrong (RFC 4253 section 6)."""
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def name_lists(*lists: bytes) -> bytes:
    """KEXINIT with these lists (RFC 4253 section 7.1)."""
    packed = b"".join(struct.pack(">I", len(one)) + one for one in lists)
    return ssh_packet(b"\x14" + bytes(16) + packed + bytes(5))


# HelloRetryRequest is a ServerHello with this random value (RFC 8446 section 4.1.3).
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

LINES: dict[str, Serve] = {
    "one byte and silence": lambda peer: (peer.sendall(b"2"), never(peer))[1],
    "an empty line": send(b"\r\n"),
    "CR alone": send(b"\r\r\r\r"),
    "reset in the middle": reset,
    "half closed": half_closed,
    "echo": echo,
    "UTF-16": send("﻿220 ready\r\n".encode("utf-16")),
    "overlong UTF-8": send(b"220 \xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf\r\n"),
    "text from right to left": send("220 \u202e\u2066evil\u2069\r\n".encode()),
    "a thousand accents on a letter": send(("220 a" + "\u0301" * 1000 + "\r\n").encode()),
    "invisible letters": send(("220 " + "\u200b\u2060\ufeff" * 200 + "\r\n").encode()),
    "line separators of Unicode": send("220 a\u2028220 b\u2029220 c\x85\r\n".encode()),
    "a link of the terminal": send(b"220 \x1b]8;;http://x/\x07here\x1b]8;;\x07\r\n"),
    "a string for the terminal": send(b"220 \x1bP+q544e\x1b\\\x1b_G\x1b\\\x1b[6n\r\n"),
    "controls of eight bits": send(b"220 " + bytes(range(0x80, 0xA0)) + b"\r\n"),
    "a new row of a Markdown table": send(b"220 | 8000 | wildcard |\r\n"),
    "HTML": send(b"220 <script>alert(1)</script><img src=x onerror=y>\r\n"),
    "a formula": send(b'=HYPERLINK("http://x";"y")\r\n'),
    "the end of a JSON object": send(b'220 "}],"binding":"loopback"\r\n'),
    "markup of rich": send(b"220 [bold red]x[/] [link=http://x]y[/link]\r\n"),
    "fields of a format": send(b"220 {0} {x.__class__} %s %n $(id) `id`\r\n"),
    "a million digits": flood(b"220 ", b"9" * 65_536),
    "a greeting of many lines without an end": flood(b"220-one\r\n", b"220-more\r\n" * 1000),
    "telnet's options without an end": flood(b"", b"\xff\xfd\x18\xff\xfb\x01" * 1000),
    "another protocol's greeting": send(b"HTTP/1.1 200 OK\r\nSSH-2.0-x\r\n220 x\r\n"),
    "one that names another address": send(b"220 10.88.0.10 is bound to 0.0.0.0:8000\r\n"),
}
SSH: dict[str, Serve] = {
    "protocol 1.5": send(b"SSH-1.5-old\r\n"),
    "a version without an end": flood(b"SSH-2.0-", b"v" * 65_536),
    "a version of 255 bytes": send(b"SSH-2.0-" + b"v" * 245 + b"\r\n"),
    "a version with escapes": send(b"SSH-2.0-\x1b[2J\x07 \r\n"),
    "a packet of no length": send(VERSION + bytes(16)),
    "padding beyond the packet": send(VERSION + struct.pack(">IB", 8, 255) + bytes(64)),
    "lists of nothing": send(VERSION + name_lists(*[b""] * 10)),
    "a list of half a megabyte": send(VERSION + name_lists(b"a," * 262_144)),
    "a list longer than its packet": send(VERSION + ssh_packet(b"\x14" + bytes(16) + b"\xff" * 4)),
    "a disconnect": send(VERSION + ssh_packet(b"\x01\0\0\0\x02\0\0\0\x04gone\0\0\0\0")),
    "debug messages without an end": flood(VERSION, ssh_packet(b"\x04\x01\0\0\0\x01x\0\0\0\0")),
    "ignore messages without an end": flood(VERSION, ssh_packet(b"\x02\0\0\0\x01x")),
    "a key before it was agreed on": send(VERSION + ssh_packet(b"\x1f\0\0\0\x04evil")),
}
TLS: dict[str, Serve] = {
    "a session of 255 bytes": send(server_hello(session=bytes(255))),
    "a version nobody has": send(server_hello(version=b"\x05\x05")),
    "another try without an end": flood(b"", server_hello(random=RETRY)),
    "no certificate": send(server_hello() + certificates()),
    "a certificate of nothing": send(server_hello() + certificates(b"")),
    "certificates that are none": send(server_hello() + certificates(*[b"\x30\x82\xff\xff" * 8] * 40)),
    "a certificate of 16 MB": flood(server_hello() + handshake(11, b"\xff\xff\xff" * 5), b"\0" * 65_536),
    "records of a byte": send(b"".join(record(22, bytes([one])) for one in server_hello()[5:])),
    "a fatal alert": answered(record(21, b"\x02\x28")),
    "a close alert": answered(record(21, b"\x01\x00")),
    "data before the handshake": send(record(23, b"secret" * 99)),
    "a heartbeat": send(record(24, b"\x01\x40\x00")),
    "SSL 2": send(b"\x80\x2e\x04\x00\x00\x02" + bytes(44)),
    "a plain page on the port of TLS": answered(
        b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP to an HTTPS port"
    ),
    "TLS in TLS": send(record(22, record(22, server_hello()))),
}
HTTP: dict[str, Serve] = {
    "answers late": answers_late,
    "100 without an end": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a status beyond all": answered(b"HTTP/1.1 999 \xff\r\n\r\n"),
    "a status below zero": answered(b"HTTP/9.9 -1 OK\r\n\r\n"),
    "a status of many digits": answered(b"HTTP/1.1 " + b"2" * 3000 + b" OK\r\n\r\n"),
    "no status": answered(b"HTTP/1.1\r\n\r\n"),
    "a redirect to itself": answered(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"),
    "a redirect to elsewhere": answered(b"HTTP/1.1 307 T\r\nLocation: " + METADATA + b"\r\n\r\n"),
    "a redirect to a file": answered(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/shadow\r\n\r\n"),
    "a length below zero": header(b"Content-Length: -1"),
    "two lengths": header(b"Content-Length: 5\r\nContent-Length: 99999999999999999999"),
    "chunks without an end": flood(PAGE + b"Transfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 65_535),
    "ten thousand headers": answered(PAGE + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n"),
    "a header without a colon": header(b"no colon here"),
    "a header without a name": header(b": empty"),
    "a header that goes on": header(b"Server: one\r\n two\r\n\tthree"),
    "a header in the header": header(b"Server: x\rSet-Cookie: y=z"),
    "the same header many times": header(b"Server: x\r\n" * 300 + b"Server: y"),
    "a server with escapes": header(b"Server: \x1b]52;c;YQ==\x07\x9b2J"),
    "a realm with escapes": header(b'WWW-Authenticate: Basic realm="\x1b[31m|\xe2\x80\xae"'),
    "a bomb of gzip": header(
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10_000_000), compresslevel=9)[:60_000]
    ),
    "HTTP/2": answered(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18)),
    "lines that end in LF": answered(b"HTTP/1.0 200 OK\nServer: x\n\n"),
    "NUL in a page": header(b"Server: a\0b"),
    "an upgrade nobody asked for": answered(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\xff"),
    "the request again": lambda peer: peer.sendall(peer.recv(4096) * 3),
}
FLOODS: dict[str, Serve] = {
    "a header bomb": flood(PAGE, b"X-Bomb: " + b"b" * 4000 + b"\r\n"),
    "one header without end": flood(PAGE + b"Location: ", b"l" * 65_536),
    "a dripping head": drip(PAGE),
    "a dripping line": drip(b"220 "),
    "escapes": send(b"\x1b]0;owned\x07\x1b[2J\x9b31m\xe2\x80\xae\r\n"),
    "a page of escapes": send(b"HTTP/1.1 200 \x1b[2J\r\nServer: \x9b\x1b]52;c;YQ==\x07\r\n\r\n"),
    "a huge record": flood(TLS_RECORD + b"\xff\xff", b"\0" * 65_536),
    "no ServerHello": send(b"\x16\x03\x03\x00\x05\x02\xff\xff\xff\xff" * 9),
    "an alert": send(b"\x15\x03\x03\x00\x02\x02\x28"),
    "NUL bytes": flood(b"", b"\0" * 65_536),
    "spaces without end": flood(b"", b" \r\n" * 9999),
}
ALL = {
    f"{protocol}: {name}": serve
    for protocol, table in {
        "any": HOSTILE,
        "line": LINES,
        "SSH": SSH,
        "TLS": TLS,
        "HTTP": HTTP,
        "flood": FLOODS,
    }.items()
    for name, serve in table.items()
}
