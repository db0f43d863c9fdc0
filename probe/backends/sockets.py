"""Sockets for probes: made, configured and read by tables of protocol and family.

Lives here: how a Question becomes a socket that may be connected, and what a socket reports about its own end
and about the reply it got. What that means is decided elsewhere.
"""

import contextlib
import errno
import socket
import struct
import sys
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from probe.backends.platforms import SEND_TTL, Kind, Option, Platform, Setting
from probe.backends.tcpinfo import TCP_INFO, TRANSFER_SIZE, handshake_rtt, parse_tcp_info
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.probing import Question, TcpFacts
from probe.model.target import IPAddress, Protocol

_TYPES = {Protocol.TCP: socket.SOCK_STREAM, Protocol.UDP: socket.SOCK_DGRAM}
_KINDS: tuple[Kind, ...] = tuple((protocol, version) for protocol in Protocol for version in (4, 6))
# Linux makes a socket non-blocking in the same call; elsewhere it takes another.
_NONBLOCK: int = getattr(socket, "SOCK_NONBLOCK", 0)
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
_CMSG_HEADER = struct.Struct("@Nii")  # struct cmsghdr: length, level, type
_INT = struct.Struct("@i")
_WORD = struct.calcsize("@N")
_HOP_LIMIT_MESSAGES = frozenset({8, 52})  # IPV6_2292HOPLIMIT, IPV6_HOPLIMIT
_CONTROL_SPACE = 128  # bytes
_LONGEST_DATAGRAM = 65_536  # bytes: Windows refuses to cut one short
_DRAIN_BYTES, _DRAIN_READS = 65_536, 16

SockAddr = tuple[str, int] | tuple[str, int, int, int]


class Recipe(Struct, frozen=True):
    """How sockets of one kind are made on this machine."""

    family: socket.AddressFamily
    type: int
    settings: tuple[Setting, ...]
    send_ttl: Option
    min_ttl: Option | None  # TCP: the kernel ignores replies that arrive with less
    reply_ttl: Option | None  # control message with a datagram's TTL
    error_queue: bool


def recipe_for(platform: Platform, kind: Kind) -> Recipe:
    """Work out which settings the running kernel takes, on a socket that is never connected."""
    protocol, version = kind
    family, sort = SOCKET_FAMILIES[version], _TYPES[protocol]
    settings = tuple(s for s in platform.settings.get(kind, ()) if _accepted(family, sort, s))
    return Recipe(
        family=family,
        type=sort | _NONBLOCK,
        settings=settings,
        send_ttl=SEND_TTL[version],
        min_ttl=platform.min_ttl.get(version) if protocol is Protocol.TCP else None,
        reply_ttl=platform.reply_ttl.get(version) if protocol is Protocol.UDP else None,
        error_queue=platform.recv_error.get(version) in settings,
    )


def _accepted(family: socket.AddressFamily, sort: int, setting: Setting) -> bool:
    try:
        with socket.socket(family, sort) as scratch:
            scratch.setsockopt(*setting)
    except OSError:  # no such family or no such option: the setting is left out
        return False
    return True


class SocketMaker:
    """Makes sockets for questions, and keeps what is the same for all of them."""

    def __init__(self, platform: Platform) -> None:
        self.recipes = {kind: recipe_for(platform, kind) for kind in _KINDS}
        self._hosts: dict[IPAddress, tuple[str, int]] = {}

    def recipe(self, question: Question) -> Recipe:
        """The recipe for a question's protocol and family."""
        return self.recipes[question.port.protocol, question.address.version]

    def open(self, question: Question) -> socket.socket:
        """A non-blocking socket, configured but not connected.

        Raises:
            OSError: no descriptor left, no such family, or an option that this platform does not have.
        """
        recipe = self.recipe(question)
        sock = socket.socket(recipe.family, recipe.type)
        try:
            if not _NONBLOCK:
                sock.settimeout(0)
            for setting in recipe.settings:
                sock.setsockopt(*setting)
            if question.ttl is not None:
                sock.setsockopt(*recipe.send_ttl, question.ttl)
            if question.min_ttl is not None:
                _ignore_below(sock, recipe, question.min_ttl)
        except OSError:
            sock.close()
            raise
        return sock

    def sockaddr(self, question: Question) -> SockAddr:
        """What to connect to, with the interface index of a scoped address.

        Raises:
            OSError: (ENODEV) no interface has the name of the address's scope.
        """
        known = self._hosts.get(question.address)
        if known is None:
            known = self._hosts[question.address] = host_and_scope(question.address)
        return _sockaddr(question.address.version, known, question.port.number)


def _ignore_below(sock: socket.socket, recipe: Recipe, min_ttl: int) -> None:
    if recipe.min_ttl is not None:
        sock.setsockopt(*recipe.min_ttl, min_ttl)
    elif recipe.reply_ttl is None:
        raise OSError(errno.EOPNOTSUPP, "replies cannot be separated by their TTL here")


def host_and_scope(address: IPAddress) -> tuple[str, int]:
    """An address as text, and the interface index of its scope, 0 where it has none.

    Raises:
        OSError: (ENODEV) no interface has the name of the address's scope.
    """
    if not isinstance(address, IPv6Address) or address.scope_id is None:
        return str(address), 0
    host, name = str(address).split("%", 1)
    if name.isdecimal():
        return host, int(name)
    try:
        return host, socket.if_nametoindex(name)
    except OSError:
        raise OSError(errno.ENODEV, f"no interface {name}") from None


def sockaddr_of(address: IPAddress, port: int) -> SockAddr:
    """What to connect or send to, with the interface index of a scoped address.

    Raises:
        OSError: (ENODEV) no interface has the name of the address's scope.
    """
    return _sockaddr(address.version, host_and_scope(address), port)


def _sockaddr(version: int, known: tuple[str, int], port: int) -> SockAddr:
    host, scope = known
    return (host, port) if version == 4 else (host, port, 0, scope)  # noqa: PLR2004 - IP version


def with_scope(address: IPAddress, scope: int) -> IPAddress:
    """A link-local address with the name of its interface, as `fe80::1%eth0`; others as they are."""
    if not scope or not isinstance(address, IPv6Address) or not address.is_link_local:
        return address
    try:
        name = socket.if_indextoname(scope)
    except OSError:  # the interface is gone: its index still identifies the link
        name = str(scope)
    return IPv6Address(f"{address}%{name}")


def own_address(sock: socket.socket | None, version: int) -> IPAddress:
    """The prober's end of a socket; its loopback address where the socket has no end yet."""
    if sock is not None:
        name = sock.getsockname()
        address = ip_address(name[0].split("%")[0])
        if not address.is_unspecified:
            return with_scope(address, name[3] if len(name) > 2 else 0)  # noqa: PLR2004 - IPv6 names have four
    return ip_address(_LOOPBACK[version])


def is_connected(sock: socket.socket) -> bool:
    """Whether the handshake is done."""
    try:
        sock.getpeername()
    except OSError:  # ENOTCONN
        return False
    return True


def is_self_connected(sock: socket.socket, target: SockAddr) -> bool:
    """Whether the kernel picked the probed port as our own, so that the socket talks to itself."""
    return bool(sock.getsockname()[:2] == target[:2])


class AcceptedConnection(Struct, frozen=True):
    """What the kernel knows of one. `rtt` of its handshake in seconds; None where its SYN was sent again."""

    ttl: int | None = None  # of the peer's last packet
    facts: TcpFacts | None = None
    rtt: float | None = None


def handshake(sock: socket.socket, hop_limit: Option | None, *, tcp_info: bool) -> AcceptedConnection:
    """Ask the kernel of a connection that was just accepted; nothing where the peer is gone already.

    Args:
        sock: the connection.
        hop_limit: what gives the TTL of its packets; None: nothing does.
        tcp_info: whether the kernel has TCP_INFO.
    """
    ttl, info = None, b""
    with contextlib.suppress(OSError):
        if hop_limit is not None:
            ttl = received_hop_limit(sock, hop_limit)
        if tcp_info:
            info = sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TRANSFER_SIZE)
    return AcceptedConnection(ttl, parse_tcp_info(info), handshake_rtt(info))


def received_hop_limit(sock: socket.socket, option: Option) -> int | None:
    """Hop limit with which the peer's last packet of an IPv6 TCP connection arrived (IPV6_2292PKTOPTIONS)."""
    return parse_hop_limit(sock.getsockopt(*option, _CONTROL_SPACE))


def parse_hop_limit(control: bytes) -> int | None:
    """Find the hop limit (IPV6_HOPLIMIT or its RFC 2292 form) in a buffer of control messages."""
    offset = 0
    while offset + _CMSG_HEADER.size <= len(control):
        length, level, kind = _CMSG_HEADER.unpack_from(control, offset)
        value = control[offset + _CMSG_HEADER.size : offset + length]
        if level == socket.IPPROTO_IPV6 and kind in _HOP_LIMIT_MESSAGES and len(value) == _INT.size:
            return int(_INT.unpack(value)[0])
        if length < _CMSG_HEADER.size:
            return None
        offset += -(-length // _WORD) * _WORD  # CMSG_ALIGN
    return None


def receive_datagram(sock: socket.socket, reply_ttl: Option | None) -> int | None:
    """Take one datagram off a socket; the TTL it arrived with, None where nothing shows it.

    Raises:
        OSError: nothing there (BlockingIOError), or the error that is pending on the socket.
    """
    if reply_ttl is None:
        sock.recv(_LONGEST_DATAGRAM)
        return None
    _, control, _, _ = sock.recvmsg(1, _CONTROL_SPACE)
    for level, kind, data in control:
        if (level, kind) == reply_ttl:
            return int.from_bytes(data, sys.byteorder)
    return None


_NO_LINGER = struct.pack("ii", 1, 0)  # struct linger: on, for no time (socket(7))


def close_politely(sock: socket.socket) -> None:
    """Close with FIN: bytes left unread would make the kernel send a reset (RFC 2525 section 2.17)."""
    with contextlib.suppress(OSError):  # nothing left to read, or the peer is gone already
        for _ in range(_DRAIN_READS):
            if not sock.recv(_DRAIN_BYTES):
                break
    sock.close()


def reset_at_close(sock: socket.socket) -> None:
    """Let the connection end by a reset instead of a FIN (RFC 9293 section 3.10.4)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


# --- how many there may be ---


SPARE = 64  # descriptors left to the rest of the program: files, pipes, the poller
_UNKNOWN = 512  # where the system names no limit


def allow_sockets(wanted: int) -> int:
    """Raise the soft limit of open files towards the hard one, and return how many sockets fit below it.

    Args:
        wanted: sockets that are useful; the limit is never lowered, nor raised further than they need.
    """
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return _UNKNOWN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + SPARE
    if soft != resource.RLIM_INFINITY and soft < need:
        ceiling = need if hard == resource.RLIM_INFINITY else min(need, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
        except (OSError, ValueError):  # macOS refuses more than its own maximum, whatever `hard` is
            ceiling = soft
        soft = ceiling
    return need - SPARE if soft == resource.RLIM_INFINITY else max(1, soft - SPARE)
