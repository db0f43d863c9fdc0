"""The raw backend over sockets of the test's own: refusals, ways out, order, time, the capture."""

import errno
import os
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from probe.backends.raw import RawBackend
from probe.backends.rawsockets import ReceivedFrame
from probe.model.facts import Route
from probe.model.probing import Header, NextHop, Probe, Question, Reason, Shape
from probe.model.target import IPAddress, Port, Protocol
from probe.wire import codec
from probe.wire.compose import Composer
from probe.wire.decode import ARP, IPV4, IPV6
from probe.wire.packet import Incoming, PacketKind

US, US6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
TARGET, TARGET6, ELSEWHERE = ip_address("192.0.2.9"), ip_address("2001:db8::9"), ip_address("10.0.0.9")
NOWHERE = ip_address("198.51.100.1")
MAC = "52:54:00:12:34:56"
HTTP, DNS, NONE = Port(Protocol.TCP, 80), Port(Protocol.UDP, 53), Port(Protocol.TCP, 0)
HOP = NextHop("eth1", US, MAC)


class OneInterface:
    """A machine with one interface."""

    def __init__(self) -> None:
        self.asked: list[IPAddress] = []

    def route(self, destination: IPAddress) -> Route:
        self.asked.append(destination)
        if destination == NOWHERE:
            return Route(destination, reachable=False)
        return Route(destination, US if destination.version == 4 else US6, "eth0")


class Sockets:
    """Sockets that keep what is sent, and hand out what the test lets arrive."""

    def __init__(self, refusal: int | None = None) -> None:
        self.routed: list[tuple[bytes, IPAddress, IPAddress]] = []
        self.direct: list[tuple[bytes, int, str, str]] = []
        self.coming: list[ReceivedFrame] = []
        self.waits: list[float] = []
        self.closed = 0
        self.refusal = refusal
        self.own: str | None = "02:00:00:00:00:01"

    def send_routed(self, *sent: Any) -> None:
        self._refuse()
        self.routed.append(sent)  # type: ignore[arg-type]

    def send_direct(self, *sent: Any) -> None:
        self._refuse()
        self.direct.append(sent)  # type: ignore[arg-type]

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise OSError(self.refusal, os.strerror(self.refusal))

    def own_link_address(self, interface: str) -> str | None:
        return self.own

    def wait(self, timeout: float) -> None:
        self.waits.append(timeout)
        time.sleep(min(timeout, 0.02))

    def arrived(self) -> Iterator[ReceivedFrame]:
        coming, self.coming = self.coming, []
        yield from coming

    def close(self) -> None:
        self.closed += 1


def backend_on(sockets: Sockets, routes: OneInterface | None = None, capture: Any = None) -> RawBackend:
    return RawBackend(sockets, routes or OneInterface(), capture)  # type: ignore[arg-type]


def sent(backend: RawBackend, question: Question, number: int = 1) -> Any:
    """Send one probe; the packet that waits for its answer, if any."""
    backend.send(Probe(number, question))
    flight = backend._exchange._matching._flights.get(number)
    return flight and flight.packet


REFUSALS = [
    (errno.EPERM, Reason.ADMIN_PROHIBITED, US),
    (errno.EACCES, Reason.ADMIN_PROHIBITED, US),
    (errno.ENETUNREACH, Reason.NO_ROUTE, None),
    (errno.ENETDOWN, Reason.NO_ROUTE, None),
    (errno.EHOSTUNREACH, Reason.NO_ROUTE, None),
    (errno.EAFNOSUPPORT, Reason.NO_ROUTE, None),
    (errno.ENODEV, Reason.NO_ROUTE, None),
    (errno.EINVAL, Reason.NO_ROUTE, None),
    (errno.ENOKEY, Reason.HOST_UNREACH, US),
    (errno.ENOBUFS, Reason.NOT_SENT, None),
    (errno.EAGAIN, Reason.NOT_SENT, None),
]


@pytest.mark.parametrize(("number", "reason", "sender"), REFUSALS)
@pytest.mark.parametrize("hop", [None, HOP])
def test_refusals_mean_what_they_mean_to_connect(
    number: int, reason: Reason, sender: IPAddress | None, hop: NextHop | None
) -> None:
    """What this machine refuses is a reply, once, with our own address where we refused."""
    backend = backend_on(Sockets(refusal=number))
    backend.send(Probe(1, Question(TARGET, HTTP, hop=hop)))
    (reply,) = backend.receive(backend.now())
    assert (reply.probe_id, reply.reason, reply.sender, reply.header) == (1, reason, sender, None)
    assert backend.receive(backend.now()) == []


IMPOSSIBLE = [
    (Question(NOWHERE, HTTP), Reason.NO_ROUTE),
    (Question(TARGET6, HTTP, hop=HOP), Reason.NOT_SENT),  # a source of another family
    (Question(TARGET6, NONE, shape=Shape.WHO_HAS), Reason.NOT_SENT),
]


@pytest.mark.parametrize(("question", "reason"), IMPOSSIBLE)
def test_what_cannot_be_asked_is_reported(question: Question, reason: Reason) -> None:
    """Without a route, with addresses that do not fit, or ARP for IPv6 nothing is sent."""
    sockets = Sockets()
    backend = backend_on(sockets)
    backend.send(Probe(1, question))
    assert [reply.reason for reply in backend.receive(backend.now())] == [reason]
    assert not sockets.routed
    assert not sockets.direct


def test_arp_needs_a_link_with_addresses() -> None:
    """On a tunnel there is nobody to ask."""
    sockets = Sockets()
    sockets.own = None
    backend = backend_on(sockets)
    backend.send(Probe(1, Question(TARGET, NONE, shape=Shape.WHO_HAS)))
    assert [reply.reason for reply in backend.receive(backend.now())] == [Reason.NOT_SENT]


def test_ways_out() -> None:
    """The kernel routes by our source and the scoped destination; a hop and ARP go past it."""
    sockets, routes = Sockets(), OneInterface()
    backend = backend_on(sockets, routes)
    scoped = ip_address("fe80::9%eth0")
    for number, question in enumerate(
        (
            Question(TARGET, HTTP),
            Question(scoped, HTTP),
            Question(TARGET, DNS),
            Question(TARGET, HTTP, hop=HOP),
            Question(ELSEWHERE, NONE, shape=Shape.WHO_HAS, hop=HOP),
        )
    ):
        backend.send(Probe(number, question))
    assert [way[1:] for way in sockets.routed] == [(US, TARGET), (US6, scoped), (US, TARGET)]
    assert [way[1:] for way in sockets.direct] == [
        (IPV4, "eth1", MAC),
        (ARP, "eth1", "ff:ff:ff:ff:ff:ff"),
    ]
    assert [data[0] >> 4 for data, *_ in sockets.routed] == [4, 6, 4]
    assert routes.asked == [TARGET, scoped]


def test_ports_run_out_and_come_back() -> None:
    """Beyond the last source port nothing is sent; forgotten probes make room; all are distinct."""
    sockets = Sockets()
    backend = backend_on(sockets)
    backend._exchange._composer = Composer(lambda below: 0, range(61_000, 61_003))
    ports = {sent(backend, Question(TARGET, HTTP), number).source_port for number in range(3)}
    assert ports == {61_000, 61_001, 61_002}
    assert sent(backend, Question(TARGET, HTTP), 3) is None
    assert [reply.reason for reply in backend.receive(backend.now())] == [Reason.NOT_SENT]
    backend.forget([0, 99])
    assert sent(backend, Question(TARGET, HTTP), 4).source_port in ports
    assert backend.capacity == 4_000


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, Incoming]:
    """Bytes that stand for packets."""
    meant: dict[bytes, Incoming] = {}
    monkeypatch.setattr(codec, "read", lambda data, ethertype, **about: meant.get(data))
    return meant


def arrival(data: bytes, at: float | None = None) -> ReceivedFrame:
    return ReceivedFrame(data, IPV4, time.time() if at is None else at, "eth0", MAC, vouched=True)


def datagram(packet: Any, source: IPAddress) -> Incoming:
    return Incoming(
        PacketKind.DATAGRAM, source, US, Header(), 64, packet.destination_port, packet.source_port
    )


def test_the_probed_address_comes_first(packets: dict[bytes, Incoming]) -> None:
    """Of two datagrams that arrive together, that of the probed address is the answer."""
    sockets = Sockets()
    backend = backend_on(sockets)
    packet = sent(backend, Question(TARGET, DNS))
    packets |= {b"elsewhere": datagram(packet, ELSEWHERE), b"probed": datagram(packet, TARGET)}
    sockets.coming = [arrival(b"unread"), arrival(b"elsewhere"), arrival(b"probed")]
    assert [reply.sender for reply in backend.receive(backend.now())] == [TARGET]


def test_replies_have_the_time_of_their_arrival(packets: dict[bytes, Incoming]) -> None:
    """A packet that waited to be read is as old as it is; one from the future (a clock was set) is new."""
    for late, low, high in ((0.5, 0.4, 0.6), (-100.0, -0.1, 0.1)):
        sockets = Sockets()
        backend = backend_on(sockets)
        packets[b"answer"] = datagram(sent(backend, Question(TARGET, DNS)), TARGET)
        sockets.coming = [arrival(b"answer", time.time() - late)]
        (reply,) = backend.receive(backend.now())
        assert low < backend.now() - reply.at < high


def test_waiting_ends() -> None:
    """Silence lasts until the deadline, and not much longer."""
    sockets = Sockets()
    backend = backend_on(sockets)
    until = backend.now() + 0.03
    assert backend.receive(until) == []
    assert until <= backend.now() < until + 1
    assert sockets.waits


def test_forgotten_refusals_are_not_reported() -> None:
    """Nobody waits for what this machine refused before."""
    backend = backend_on(Sockets(refusal=errno.EPERM))
    backend.send(Probe(1, Question(TARGET, HTTP)))
    backend.forget([1])
    assert backend.receive(backend.now()) == []


def test_close_frees_all() -> None:
    """Nothing waits any more and the sockets are closed."""
    sockets = Sockets()
    backend = backend_on(sockets)
    sent(backend, Question(TARGET, HTTP))
    backend.close()
    assert (backend._exchange.flying(), sockets.closed) == ((), 1)


class Notes:
    """A capture that keeps comments."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, int, bool]] = []

    def record(self, data: bytes, ethertype: int, *, outgoing: bool, comment: str, **about: Any) -> None:
        self.kept.append((comment, ethertype, outgoing))


def test_comments_name_what_each_packet_is() -> None:
    """Every shape has its words; what was refused is not in the file."""
    notes, sockets = Notes(), Sockets()
    backend = backend_on(sockets, capture=notes)
    questions = [
        Question(TARGET, HTTP),
        Question(TARGET6, DNS),
        Question(TARGET, HTTP, shape=Shape.ACK, ttl=1),
        Question(TARGET, HTTP, shape=Shape.FIN),
        Question(TARGET, NONE, shape=Shape.ECHO),
        Question(TARGET, NONE, shape=Shape.WHO_HAS),
    ]
    for number, question in enumerate(questions):
        backend.send(Probe(number, question, attempt=2))
    sockets.refusal = errno.EPERM
    backend.send(Probe(9, questions[0]))
    assert notes.kept == [
        ("SYN to 80/tcp, try 2", IPV4, True),
        ("datagram to 53/udp, try 2", IPV6, True),
        ("ACK to 80/tcp, TTL 1, try 2", IPV4, True),
        ("FIN to 80/tcp, try 2", IPV4, True),
        ("echo request, try 2", IPV4, True),
        ("who has 192.0.2.9, try 2", ARP, True),
    ]
