"""The connect backend on loopback: what is open, closed, spoken, and what each connection does next."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest
from varied import replace

from probe.backends.connect import LONGEST_WATCH, SHORTEST_WATCH, ConnectBackend
from probe.backends.platforms import LINUX, Platform, PollerKind, this_platform
from probe.model.probing import Aftermath, Probe, Question, Reason, Reply
from probe.model.target import Port, Protocol

ADDRESSES = ("127.0.0.1", "::1")
# Linux as a platform without epoll, error queue, TTL or TCP_INFO would see it.
PLAIN = Platform(system=LINUX.system, poller=PollerKind.SELECTORS, capacity=100)
on_linux = pytest.mark.skipif(this_platform() is not LINUX, reason="needs the Linux error queue")


@pytest.fixture(params=[this_platform(), PLAIN], ids=["native", "plain"])
def backend(request: pytest.FixtureRequest) -> Iterator[ConnectBackend]:
    """A backend of this platform, and one with nothing but sockets."""
    with contextlib.closing(ConnectBackend(request.param)) as opened:
        yield opened


def question(
    address: str,
    port: int,
    protocol: Protocol = Protocol.TCP,
    ttl: int | None = None,
    min_ttl: int | None = None,
) -> Question:
    return Question(ip_address(address), Port(protocol, port), ttl=ttl, min_ttl=min_ttl)


def ask(backend: ConnectBackend, *questions: Question, wait: float = 1.0, replies: int = 1) -> list[Reply]:
    """Send probes 0, 1, ... and wait for so many replies."""
    for number, asked in enumerate(questions):
        backend.send(Probe(number, asked))
    received: list[Reply] = []
    until = backend.now() + wait
    while len(received) < replies and backend.now() < until:
        received += backend.receive(until)
    return received


@contextlib.contextmanager
def serving(address: str, treat: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP listener that treats each peer in one way; yields its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener, contextlib.ExitStack() as peers:

        def loop() -> None:
            with contextlib.suppress(OSError):  # the listener is closed at the end
                while True:
                    peer, _ = listener.accept()
                    peers.enter_context(peer)
                    treat(peer)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def closed_port(address: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


TREATMENTS: dict[Aftermath, Callable[[socket.socket], None]] = {
    Aftermath.HELD: lambda peer: None,
    Aftermath.SPOKE: lambda peer: peer.sendall(b"hello\r\n"),
    Aftermath.CLOSED: socket.socket.close,
    Aftermath.RESET: reset,
}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("aftermath", list(Aftermath))
def test_open_port_and_its_aftermath(backend: ConnectBackend, address: str, aftermath: Aftermath) -> None:
    """An open port answers syn-ack at once, and a second reply shows what the connection did."""
    with serving(address, TREATMENTS[aftermath]) as port:
        first, second = ask(backend, question(address, port), replies=2)
    assert (first.reason, first.aftermath) == (Reason.SYN_ACK, None)
    assert (second.reason, second.aftermath) == (Reason.SYN_ACK, aftermath)
    assert first.sender == second.sender == ip_address(address)
    assert first.at <= second.at


def test_held_takes_the_watch(backend: ConnectBackend) -> None:
    """A silent connection is watched for the shortest time on a fast path, never beyond the longest."""
    with serving("127.0.0.1", TREATMENTS[Aftermath.HELD]) as port:
        first, second = ask(backend, question("127.0.0.1", port), replies=2)
    assert SHORTEST_WATCH <= second.at - first.at < LONGEST_WATCH


def test_closes_politely() -> None:
    """Bytes left unread and a forgotten connection end with FIN: the peer reads an end, not a reset."""
    ends: list[bytes | str] = []
    ended = threading.Event()

    def greet(peer: socket.socket) -> None:
        peer.sendall(b"x" * 100_000)
        try:
            ends.append(peer.recv(1))
        except OSError as error:
            ends.append(repr(error))
        ended.set()

    with serving("127.0.0.1", greet) as port, contextlib.closing(ConnectBackend()) as backend:
        ask(backend, question("127.0.0.1", port))
        backend.forget([0])
        assert ended.wait(2)
    assert ends == [b""]


@on_linux
@pytest.mark.parametrize("address", ADDRESSES)
def test_closed_port(address: str) -> None:
    """A closed port resets, in its own name."""
    with contextlib.closing(ConnectBackend()) as backend:
        (reply,) = ask(backend, question(address, closed_port(address)))
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.RESET, ip_address(address), None)


@on_linux
@pytest.mark.parametrize("address", ADDRESSES)
def test_closed_udp_port(address: str) -> None:
    """A closed UDP port answers port-unreachable, with type, code and sender."""
    with contextlib.closing(ConnectBackend()) as backend:
        (reply,) = ask(backend, question(address, closed_port(address, socket.SOCK_DGRAM), Protocol.UDP))
    icmp = (1, 4) if ":" in address else (3, 3)
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.PORT_UNREACH, ip_address(address), icmp)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_refused_where_nothing_shows_more(protocol: Protocol) -> None:
    """Without an error queue a refusal is `refused`: a reset or an ICMP error, from nobody we know."""
    kind = socket.SOCK_STREAM if protocol is Protocol.TCP else socket.SOCK_DGRAM
    with contextlib.closing(ConnectBackend(PLAIN)) as backend:
        (reply,) = ask(backend, question("127.0.0.1", closed_port("127.0.0.1", kind), protocol))
    assert (reply.reason, reply.sender, reply.icmp) == (Reason.REFUSED, None, None)


@pytest.mark.parametrize("address", ADDRESSES)
def test_udp_answer(backend: ConnectBackend, address: str) -> None:
    """A datagram back is `udp-response`; on Linux with the TTL it arrived with."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))
        backend.send(Probe(0, question(address, server.getsockname()[1], Protocol.UDP)))
        data, peer = server.recvfrom(100)
        server.sendto(b"", peer)
        (reply,) = backend.receive(backend.now() + 1)
    assert data == b"\r\n\r\n"
    assert (reply.reason, reply.sender) == (Reason.UDP_RESPONSE, ip_address(address))
    assert reply.ttl == (64 if backend._platform is LINUX else None)


@on_linux
def test_tcp_facts_and_hop_limit() -> None:
    """The kernel's view of the connection comes with the syn-ack; its hop limit over IPv6."""
    with serving("::1", TREATMENTS[Aftermath.HELD]) as port, contextlib.closing(ConnectBackend()) as backend:
        reply = ask(backend, question("::1", port))[0]
    assert reply.ttl == 64
    assert reply.tcp is not None
    assert reply.tcp.mss > 1000


def test_forget_is_silence(backend: ConnectBackend) -> None:
    """A forgotten probe brings no reply; unknown ids do no harm; its socket is free again."""
    backend.send(Probe(1, question("127.0.0.1", closed_port("127.0.0.1"))))
    backend.forget([1, 2, 1])
    assert backend.receive(backend.now() + 0.05) == []
    assert not backend._flights
    assert not backend._by_descriptor


def test_receive_keeps_its_time(backend: ConnectBackend) -> None:
    """With nothing under way `receive` returns when its time is over, and at once when it is already."""
    start = backend.now()
    assert backend.receive(start + 0.05) == []
    assert 0.05 <= backend.now() - start < 0.5
    assert backend.receive(start) == []


@on_linux
def test_nothing_is_left(backend: ConnectBackend) -> None:
    """After `close` no socket is open, whatever state its probe was in."""
    with serving("127.0.0.1", TREATMENTS[Aftermath.HELD]) as port:
        ask(backend, question("127.0.0.1", port), question("127.0.0.1", closed_port("127.0.0.1")), replies=2)
        socks = [flight.sock for flight in backend._flights.values()]
        backend.close()
    assert socks
    assert all(sock is not None and sock.fileno() == -1 for sock in socks)


@on_linux
def test_self_connection_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that got the probed port as its own talks to itself: the probe is tried once more."""
    port = closed_port("127.0.0.1")
    with contextlib.closing(ConnectBackend()) as backend:
        maker = backend._maker
        opened = maker.open
        met: list[int] = []

        def bound_to_the_target(asked: Question) -> socket.socket:
            sock = opened(asked)
            if not met:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", port))
            met.append(sock.fileno())
            return sock

        monkeypatch.setattr(maker, "open", bound_to_the_target)
        (reply,) = ask(backend, question("127.0.0.1", port))
    assert len(met) == 2
    assert reply.reason is Reason.RESET


@on_linux
def test_always_self_connected_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the second try meets itself too, nothing was measured."""
    port = closed_port("127.0.0.1", socket.SOCK_DGRAM)
    with contextlib.closing(ConnectBackend()) as backend:
        opened = backend._maker.open

        def bound_to_the_target(asked: Question) -> socket.socket:
            sock = opened(asked)
            sock.bind(("127.0.0.1", port))
            return sock

        monkeypatch.setattr(backend._maker, "open", bound_to_the_target)
        (reply,) = ask(backend, question("127.0.0.1", port, Protocol.UDP))
    assert (reply.reason, reply.sender) == (Reason.NOT_SENT, None)


def test_options_that_a_platform_lacks() -> None:
    """A TTL floor without an option for it, and a TTL out of range, cannot be measured."""
    asked = [
        question("127.0.0.1", 1, min_ttl=10),
        question("127.0.0.1", 1, Protocol.UDP, min_ttl=10),
        question("127.0.0.1", 1, ttl=300),
    ]
    with contextlib.closing(ConnectBackend(PLAIN)) as backend:
        assert [r.reason for r in ask(backend, *asked, replies=3)] == [Reason.NOT_SENT] * 3


def test_capacity_is_the_smallest_limit() -> None:
    """Capacity follows the platform, the caller and the limit of open files, whichever is lowest."""
    for platform, wanted, expected in ((PLAIN, None, 100), (PLAIN, 7, 7), (PLAIN, 1000, 100)):
        with contextlib.closing(ConnectBackend(platform, capacity=wanted)) as backend:
            assert backend.capacity == expected


def test_watches_make_room() -> None:
    """With every socket taken, a new probe ends the oldest watch: its syn-ack is reported already."""
    tiny = replace(this_platform(), capacity=2)
    with serving("127.0.0.1", TREATMENTS[Aftermath.HELD]) as port:
        backend = ConnectBackend(tiny)
        with contextlib.closing(backend):
            backend._most_sockets = 2
            asked = [question("127.0.0.1", port)] * 2
            assert len(ask(backend, *asked, replies=2)) == 2
            backend.send(Probe(9, question("127.0.0.1", port)))
            replies = [r for _ in range(3) for r in backend.receive(backend.now() + 0.2)]
    held = sorted(r.probe_id for r in replies if r.aftermath)
    assert len(held) == 2
    assert 9 in held
