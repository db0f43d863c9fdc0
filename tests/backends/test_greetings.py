"""Greetings of services, asked of servers on loopback, friendly and hostile."""

import contextlib
import shutil
import socket
import threading
import time
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from hostile_servers import ALL
from key_servers import never, send, serving, tls_speaker

from probe.backends import banner
from probe.backends.banner import MOST_HEAD, MOST_LINE, read_greetings
from probe.backends.stream import MOST_BYTES
from probe.backends.tls import certificate_key
from probe.model.greeting import Approach, Call, Greeting
from probe.model.target import Port, Protocol

HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
LISTEN, WEB, LISTEN_TLS, WEB_TLS = Approach
HANGS_S = 30.0  # by then even a busy machine has ended what has an end

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def call(number: int, approach: Approach, address=HERE, **more) -> Call:
    return Call(address, Port(Protocol.TCP, number), approach, **more)


def received(serve, approach: Approach, address: str = "127.0.0.1", **more) -> Greeting | None:
    """What is read from one server."""
    ip = ip_address(address)
    with serving(serve, address) as number:
        found = read_greetings([call(number, approach, ip, **more)])
        return found.get((ip, Port(Protocol.TCP, number)))


def answering(data: bytes):
    """A server that reads a request and answers; what it read is kept in `asked`."""
    asked = []

    def serve(peer: socket.socket) -> None:
        asked.append(peer.recv(4096))
        peer.sendall(data)

    serve.asked = asked
    return serve


PAGE = b"HTTP/1.1 200 OK\r\nServer: sample\r\n\r\n"
READ_PAGE = Greeting("HTTP/1.1 200 OK", 200, {"server": "sample"})


def test_who_speaks_first_is_listened_to() -> None:
    """One line is taken, and not a byte is sent."""
    sent = []

    def serve(peer: socket.socket) -> None:
        peer.sendall(b"220 ready\r\n")
        sent.append(peer.recv(100))

    assert received(serve, LISTEN) == Greeting("220 ready")
    assert sent == [b""]


def test_a_web_page_is_asked_for_by_its_head() -> None:
    """One HEAD request, the address as its host; the answer's significant headers."""
    serve = answering(PAGE)
    assert received(serve, WEB) == READ_PAGE
    (asked,) = serve.asked
    first, host, *_ = asked.decode().split("\r\n")
    assert (first, host.split(":")[:2]) == ("HEAD / HTTP/1.1", ["Host", " 127.0.0.1"])
    assert asked.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("address", "port", "encrypted", "host"),
    [
        ("192.0.2.1", 80, False, "192.0.2.1"),
        ("192.0.2.1", 443, True, "192.0.2.1"),
        ("192.0.2.1", 80, True, "192.0.2.1:80"),
        ("fe80::1%eth0", 8080, False, "[fe80::1]:8080"),
    ],
)
def test_the_host_of_a_request(address: str, port: int, encrypted: bool, host: str) -> None:  # noqa: FBT001 - a case
    """A literal without its zone, and the port where it is not the usual one."""
    asked = banner._request(call(port, WEB, ip_address(address)), encrypted=encrypted)
    assert f"\r\nHost: {host}\r\n" in asked.decode()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_over_ipv6() -> None:
    """Literals of either family."""
    assert received(answering(PAGE), WEB, "::1") == READ_PAGE


@needs_openssl
def test_tls(tmp_path: Path) -> None:
    """Pages and greetings over TLS, with the certificate; plain asking finds TLS too, and the other way."""
    web, certificate = tls_speaker(tmp_path, PAGE, waits=True)
    mail, _ = tls_speaker(tmp_path, b"* OK ready\r\n", waits=False)
    quiet, _ = tls_speaker(tmp_path, b"", waits=True)
    for serve, approach, text in (
        (web, WEB_TLS, READ_PAGE.text),
        (web, WEB, READ_PAGE.text),
        (mail, LISTEN_TLS, "* OK ready"),
        (quiet, WEB_TLS, ""),
    ):
        found = received(serve, approach)
        assert found is not None
        assert (found.text, found.tls, found.key) == (text, True, certificate_key(certificate))
    assert received(answering(PAGE), WEB_TLS) == READ_PAGE


def test_a_bad_request_is_an_answer_too() -> None:
    """Where TLS does not bring more."""
    found = received(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), WEB)
    assert found == Greeting("HTTP/1.1 400 Bad Request", 400)


@pytest.mark.parametrize("likely", [False, True])
def test_each_has_a_patience_of_its_own(monkeypatch: pytest.MonkeyPatch, *, likely: bool) -> None:
    """A silent port of no customary service is not waited for as long as any other."""
    assert (banner.UNLIKELY_S, banner.LIKELY_S) == (0.25, 0.7)
    monkeypatch.setattr(banner, "LIKELY_S" if likely else "UNLIKELY_S", 0.05)
    monkeypatch.setattr(banner, "UNLIKELY_S" if likely else "LIKELY_S", 2 * HANGS_S)

    def silent(peer: socket.socket) -> None:
        peer.settimeout(None)
        never(peer)

    with serving(silent) as number:
        before = time.monotonic()
        assert read_greetings([call(number, WEB, likely=likely)], 2 * HANGS_S) == {}
        assert time.monotonic() - before < HANGS_S


def test_all_at_once() -> None:
    """Silent ports are waited for side by side: many connections are open at the same time."""
    lock, connected, most = threading.Lock(), 0, 0

    def silent(peer: socket.socket) -> None:
        nonlocal connected, most
        with lock:
            connected += 1
            most = max(most, connected)
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                pass
        with lock:
            connected -= 1

    with ExitStack() as stack:
        ports = [stack.enter_context(serving(silent)) for _ in range(40)]
        assert read_greetings([call(port, WEB, likely=False) for port in ports]) == {}
    assert most > 1
    assert connected == 0


@pytest.mark.parametrize("approach", Approach)
def test_hostile_servers(approach: Approach) -> None:
    """Whatever they send or do not send: short printable texts or nothing, no error, all within the time."""
    with ExitStack() as stack:
        ports = [stack.enter_context(serving(serve)) for serve in ALL.values()]
        before = time.monotonic()
        found = read_greetings([call(port, approach) for port in ports])
        assert time.monotonic() - before < HANGS_S
    for greeting in found.values():
        assert all(text.isprintable() for text in (greeting.text, *greeting.headers.values()))
        assert greeting.key is None


@pytest.mark.parametrize("most", [MOST_LINE, MOST_HEAD])
def test_bytes_are_bounded(most: int) -> None:
    """No more is kept of an answer than was allowed, however fast it comes."""
    asked = []

    class Flood:
        def until(self, end: float) -> None: ...

        def receive(self) -> bytes:
            asked.append(4096)
            return b"x" * 4096

    assert len(banner._collected(Flood(), most, lambda data: False)) == most
    assert sum(asked) <= most + 4096 <= MOST_BYTES


def test_reading_ends_with_the_bytes_that_were_granted() -> None:
    """TLS that never gets to a handshake's end is read to the end of its bytes only."""
    sent = []

    def serve(peer: socket.socket) -> None:
        while True:
            sent.append(peer.send(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 500))

    before = time.monotonic()
    assert received(serve, LISTEN_TLS) is None
    assert time.monotonic() - before < HANGS_S


def test_after_the_deadline_nobody_is_asked() -> None:
    """No time, no connection."""
    serve = answering(PAGE)
    with serving(serve) as number:
        assert read_greetings([call(number, WEB)], within=0.0) == {}
    assert serve.asked == []


def test_nobody_there() -> None:
    """A closed port sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    assert read_greetings([call(number, approach) for approach in Approach]) == {}
    assert read_greetings([]) == {}


def test_two_addresses() -> None:
    """Each address has its own greeting."""
    with serving(send(b"one\n")) as number, serving(send(b"two\n"), str(THERE), number):
        found = read_greetings([call(number, LISTEN), call(number, LISTEN, THERE)])
    assert {str(ip): one.text for (ip, _), one in found.items()} == {"127.0.0.1": "one", "127.0.0.2": "two"}
