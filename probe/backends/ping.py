"""Echo requests by ping sockets, which need no privilege where the system permits them (icmp(7)).

Lives here: a socket for each address, a few requests each, the first answer. On Linux the error queue shows
which ICMP error came and from whom; elsewhere only replies arrive. Linux puts its own identifier into a
request, so an answer is known by its sequence number and the bytes sent.
"""

import secrets
import selectors
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from probe.backends.errnos import Moment
from probe.backends.platforms import this_platform
from probe.backends.socket_errors import Failure, FailureReader
from probe.backends.sockets import sockaddr_of
from probe.model.exam import Echo
from probe.model.probing import Question, Reason, Role, Shape
from probe.model.target import NO_PORT, IPAddress, Protocol

REQUESTS = 3
_GAP_S = 0.3  # between requests
_LAST_WAIT_S = 0.4  # after the last one
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence (RFC 792, RFC 4443)
_IPV4_HEADER = 0x40  # first nibble: macOS hands over the IP header too
_LONGEST = 2048
_TOKEN_BYTES = 16
_EPERM = 1


@dataclass(frozen=True, slots=True)
class _EchoFamily:
    """What differs between the two families."""

    family: socket.AddressFamily
    protocol: int
    request: int
    reply: int


_FAMILIES: Mapping[int, _EchoFamily] = {
    4: _EchoFamily(socket.AF_INET, socket.IPPROTO_ICMP, 8, 0),
    6: _EchoFamily(socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129),
}


@dataclass(slots=True, eq=False)
class _Pinging:
    """One address that is being asked."""

    address: IPAddress
    sock: socket.socket
    sent: list[float] = field(default_factory=list)  # when; sequence numbers count from 1
    outcome: Echo | None = None


def ping(addresses: Sequence[IPAddress]) -> Mapping[IPAddress, Echo]:
    """Ask every address for an echo, all at once, within about a second.

    Left out is what was not measured: this process may open no such socket.
    """
    asked = [one for one in map(_opened, dict.fromkeys(addresses)) if one is not None]
    try:
        _ask(asked)
    finally:
        for one in asked:
            one.sock.close()
    return {one.address: one.outcome or Echo(Reason.NO_RESPONSE, len(one.sent)) for one in asked}


def _opened(address: IPAddress) -> _Pinging | None:
    """A ping socket for an address; None where the system has none for us (ping_group_range)."""
    row = _FAMILIES[address.version]
    try:
        sock = socket.socket(row.family, socket.SOCK_DGRAM, row.protocol)
    except OSError:
        return None
    sock.settimeout(0)
    setting = this_platform().recv_error.get(address.version)
    if setting is not None:
        sock.setsockopt(*setting)
    return _Pinging(address, sock)


def _ask(asked: Sequence[_Pinging]) -> None:
    """Send the requests and listen, until each address has answered or its time is over."""
    token = secrets.token_bytes(_TOKEN_BYTES)
    for number in range(1, REQUESTS + 1):
        waiting = [one for one in asked if one.outcome is None]
        for one in waiting:
            _send(one, number, token)
        _listen(waiting, token, time.monotonic() + (_GAP_S if number < REQUESTS else _LAST_WAIT_S))


def _send(one: _Pinging, number: int, token: bytes) -> None:
    one.sent.append(time.monotonic())
    try:
        if number == 1:
            one.sock.connect(sockaddr_of(one.address, 0))
        one.sock.send(request(one.address.version, number, token))
    except OSError as problem:
        failure = _failure(one, problem.errno or 0, Moment.AT_ONCE)
        one.outcome = _failed(one, failure, refused_here=problem.errno == _EPERM)


def _listen(waiting: Sequence[_Pinging], token: bytes, until: float) -> None:
    """Take in answers until all have come or the time is over."""
    with selectors.DefaultSelector() as selector:
        for one in waiting:
            if one.outcome is None:
                selector.register(one.sock, selectors.EVENT_READ, one)
        while selector.get_map() and (wait := until - time.monotonic()) > 0:
            for key, _ in selector.select(wait):
                _receive(key.data, token)
                if key.data.outcome is not None:
                    selector.unregister(key.fileobj)


def _receive(one: _Pinging, token: bytes) -> None:
    """Read one packet or one error."""
    now = time.monotonic()
    try:
        data, sender = one.sock.recvfrom(_LONGEST)
    except BlockingIOError:  # only the error queue has something: an error for advice
        data, sender = b"", None
    except OSError as problem:
        one.outcome = _failed(one, _failure(one, problem.errno or 0, Moment.LATER))
        return
    if sender is None:
        failure = _reader(one).advice(one.sock, _question(one))
        one.outcome = None if failure is None else _failed(one, failure)
        return
    number = answered(one.address.version, data, token)
    same = ip_address(sender[0].split("%")[0]).packed == one.address.packed
    if same and number is not None and 0 < number <= len(one.sent):
        rtt = max(0.0, now - one.sent[number - 1])
        one.outcome = Echo(Reason.ECHO_REPLY, len(one.sent), rtt, one.address)


def _failure(one: _Pinging, error: int, moment: Moment) -> Failure:
    return _reader(one).explain(one.sock, _question(one), error, moment)


def _failed(one: _Pinging, failure: Failure, *, refused_here: bool = False) -> Echo:
    return Echo(failure.reason, len(one.sent), sender=failure.sender, refused_here=refused_here)


def _reader(one: _Pinging) -> FailureReader:
    """Errors of ping sockets are those of UDP sockets (`ping_err`, net/ipv4/ping.c)."""
    platform = this_platform()
    queue = one.address.version in platform.recv_error
    return FailureReader(platform.system, Protocol.UDP, error_queue=queue)


def _question(one: _Pinging) -> Question:
    return Question(one.address, NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def request(version: int, number: int, token: bytes) -> bytes:
    """An echo request with its checksum; of IPv6 the kernel fills it in (RFC 3542 section 3.1)."""
    row = _FAMILIES[version]
    bare = _HEADER.pack(row.request, 0, 0, 0, number) + token
    return _HEADER.pack(row.request, 0, checksum(bare), 0, number) + token


def checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def answered(version: int, data: bytes, token: bytes) -> int | None:
    """The sequence number of an echo reply to one of our requests; None for anything else."""
    if version == 4 and data and data[0] & 0xF0 == _IPV4_HEADER:  # noqa: PLR2004 - IP version
        data = data[(data[0] & 0x0F) * 4 :]
    if len(data) < _HEADER.size or data[_HEADER.size :] != token:
        return None
    fields: tuple[int, ...] = _HEADER.unpack_from(data)
    kind, number = fields[0], fields[-1]
    return number if kind == _FAMILIES[version].reply else None
