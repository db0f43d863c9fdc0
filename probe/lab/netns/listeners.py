"""The services of a host: opens the sockets that a scenario lists and serves them from one event loop.

Runs inside the host's own process. Knows sockets, not namespaces.
"""

import contextlib
import resource
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import NoReturn

from probe.errors import BackendError
from probe.lab.netns.plans import HostPlan, NameServer
from probe.lab.scenario import address_of, realm_of, turned_away
from probe.lab.scenario_hosts import Listen, Serves
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.target import Protocol

# --- a userspace forwarder ---


_PATIENCE = 5.0  # seconds
_CHUNK = 65536


def forward(peer: socket.socket, port: int) -> bool:
    """Join an accepted connection with one to 127.0.0.1; False where nothing listens there.

    From then on the connection belongs to threads that end with it.
    """
    try:
        inner = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    except OSError:
        return False
    inner.settimeout(None)
    outer = peer.dup()
    outer.settimeout(None)
    for source, sink in ((outer, inner), (inner, outer)):
        threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()
    return True


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends, then end the other."""
    with contextlib.suppress(OSError):  # reset by a peer: the end as well
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with contextlib.suppress(OSError):  # the other direction has ended it already
        sink.shutdown(socket.SHUT_WR)


# --- a name server ---


_TTL_S = 5
_TYPES = {4: "A", 6: "AAAA"}


def answered(query: bytes, answers: Mapping[str, str]) -> bytes | None:
    """Answer a query from `answers`, names and their addresses. None: it is no query.

    A name that is not known does not exist; of one that is known, other types have no record.
    """
    import dns.exception  # noqa: PLC0415 - only a world with name servers needs it
    import dns.flags  # noqa: PLC0415
    import dns.message  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    try:
        asked = dns.message.from_wire(query)
        response = dns.message.make_response(asked, recursion_available=True)
        (question,) = asked.question
    except (dns.exception.DNSException, ValueError):
        return None
    address = answers.get(question.name.to_text(omit_final_dot=True).lower())
    if address is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    else:
        kind = _TYPES[ip_address(address).version]
        if question.rdtype == dns.rdatatype.from_text(kind):
            response.answer.append(dns.rrset.from_text(question.name, _TTL_S, "IN", kind, address))
    return bytes(response.to_wire())


# --- the host's services ---


_BACKLOG = 4096
_NAMES_PORT = 53
_GREETING = b"220 ready\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST (tcp(7))
_KIND = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}
_OWN_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how a wildcard is reached from inside


def serving(plan: HostPlan) -> Callable[[], NoReturn]:
    """Open everything that a host listens on; return what serves it, for ever.

    Raises:
        BackendError: a socket cannot be bound, or an accept queue cannot be filled.
    """
    services = Services()
    for listen in plan.listens:
        services.open(listen)
    for server in plan.name_servers:
        services.open_names(server)
    services.fill()
    return services.run_forever


class Services:
    """Open sockets and what each does with a peer."""

    def __init__(self) -> None:
        """Allow as many sockets as the kernel lets this process have."""
        self._selector = selectors.DefaultSelector()
        self._full: list[socket.socket] = []
        self._kept: list[socket.socket] = []
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def open(self, listen: Listen) -> None:
        """Open one listening socket.

        Raises:
            BackendError: it cannot be bound.
        """
        try:
            self._open(listen)
        except OSError as error:
            raise BackendError(f"cannot listen on {listen.bind} port {listen.port}: {error}") from None

    def fill(self) -> None:
        """Fill the accept queues that are to be full, once all sockets have got their ports.

        Raises:
            BackendError: a queue cannot be reached from inside the host.
        """
        for opened in self._full:
            try:
                self._kept.append(_filled(opened))
            except OSError as error:
                port = opened.getsockname()[1]
                raise BackendError(f"cannot fill the accept queue of port {port}: {error}") from None

    def run_forever(self) -> NoReturn:
        """Serve; never returns."""
        while True:
            for key, _ in self._selector.select():
                key.data(key.fileobj)

    def _open(self, listen: Listen) -> None:
        opened = _bound(listen)
        if listen.protocol is Protocol.UDP:
            self._watch(opened, _answer if listen.serves is Serves.ANSWER else _swallow)
        elif listen.serves is Serves.FULL:
            opened.listen(0)
            self._full.append(opened)
        elif listen.serves is Serves.ONCE:
            opened.listen(1)
            self._watch(opened, self._accept_one)
        else:
            opened.listen(_BACKLOG)
            self._watch(opened, self._acceptor(_treatment(listen)))

    def open_names(self, server: NameServer) -> None:
        """Open one name server.

        Raises:
            BackendError: it cannot be bound.
        """
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind((server.address, _NAMES_PORT))
        except OSError as error:
            raise BackendError(f"cannot serve names on {server.address}: {error}") from None
        answers = dict(server.answers)

        def answer(asked: socket.socket) -> None:
            query, peer = asked.recvfrom(65536)
            response = answered(query, answers)
            if response is not None:
                asked.sendto(response, peer)

        self._watch(opened, answer)

    def _watch(self, opened: socket.socket, react: Callable[[socket.socket], None]) -> None:
        opened.settimeout(0)
        self._selector.register(opened, selectors.EVENT_READ, react)

    def _accept_one(self, opened: socket.socket) -> None:
        """Take one peer, and listen no more."""
        self._selector.unregister(opened)
        peer, _ = opened.accept()
        opened.close()
        self._watch(peer, self._read)

    def _acceptor(self, treat: Callable[[socket.socket], bool]) -> Callable[[socket.socket], None]:
        def accept(opened: socket.socket) -> None:
            try:
                while True:
                    peer, _ = opened.accept()
                    if treat(peer):
                        self._watch(peer, self._read)
                    else:
                        peer.close()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                return  # the peer left while it waited; the next event brings the others

        return accept

    def _read(self, peer: socket.socket) -> None:
        """Read what a peer sends and throw it away; let go of it when it leaves."""
        try:
            data = peer.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # reset by the peer: gone as well
        if not data:
            self._selector.unregister(peer)
            peer.close()


def _bound(listen: Listen) -> socket.socket:
    address = address_of(listen.bind)
    family = SOCKET_FAMILIES[address.version]
    opened = socket.socket(family, _KIND[listen.protocol])
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(listen.v6only))
    if listen.device is not None:
        device = realm_of(listen.device).encode()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
    opened.bind((str(address), listen.port))
    return opened


def _filled(opened: socket.socket) -> socket.socket:
    """Connect to a socket that never accepts and has room for one: from then on it drops every SYN."""
    address, port = opened.getsockname()[:2]
    client = socket.socket(opened.family, socket.SOCK_STREAM)
    client.settimeout(2.0)
    client.connect((_OWN_ADDRESS.get(str(ip_address(address)), address), port))
    return client


def _hold(_peer: socket.socket) -> bool:
    return True


def _greet(peer: socket.socket) -> bool:
    try:
        peer.send(_GREETING)
    except OSError:
        return False  # already gone
    return True


def _close(_peer: socket.socket) -> bool:
    return False


def _forward(peer: socket.socket) -> bool:
    """Pass it on to loopback: the threads that do keep a socket of their own."""
    if not forward(peer, peer.getsockname()[1]):
        _reset(peer)
    return False


def _reset(peer: socket.socket) -> bool:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    return False


# What is done with an accepted connection, and whether it is kept.
_TREATMENTS: dict[Serves, Callable[[socket.socket], bool]] = {
    Serves.HOLD: _hold,
    Serves.GREET: _greet,
    Serves.CLOSE: _close,
    Serves.RESET: _reset,
    Serves.ANSWER: _greet,
    Serves.FORWARD: _forward,
}


def _treatment(listen: Listen) -> Callable[[socket.socket], bool]:
    """What is done with a peer; some may be closed at once."""
    treat, away = _TREATMENTS[listen.serves], turned_away(listen)

    def by_source(peer: socket.socket) -> bool:
        try:
            source = ip_address(peer.getpeername()[0])
        except OSError:
            return False  # already gone
        mapped = source.ipv4_mapped if isinstance(source, IPv6Address) else None
        return (_close if (mapped or source) in away else treat)(peer)

    return by_source if away else treat


def _swallow(opened: socket.socket) -> None:
    opened.recvfrom(65536)


def _answer(opened: socket.socket) -> None:
    data, peer = opened.recvfrom(65536)
    try:
        opened.sendto(data or _GREETING, peer)
    except PermissionError:
        return  # lost on the way out by the scenario's own loss rule
