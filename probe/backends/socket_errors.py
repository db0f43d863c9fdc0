"""Why a probe's socket failed: the Linux error queue's word first, then the meaning of the error number.

Lives here: a parser of the queue's control message (struct sock_extended_err and the offender's address
that follows it, linux/errqueue.h, man 7 ip under IP_RECVERR), the one call that reads it, and both put
together. What an ICMP error means for a port is `probe.wire.icmp`'s.
"""

import socket
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from probe.backends.errnos import NOT_SENT, Moment, System, meanings
from probe.backends.sockets import own_address, with_scope
from probe.model.probing import Question, Reason
from probe.model.target import IPAddress, Protocol
from probe.wire.icmp import reason_of

# (level, type) of the control message: IP_RECVERR and IPV6_RECVERR
CONTROL_MESSAGES = frozenset({(0, 11), (41, 25)})
MSG_ERRQUEUE = 0x2000  # linux/socket.h; the `socket` module has it on Linux only

_EXTENDED_ERR = struct.Struct("=IBBBxII")  # errno, origin, type, code, pad, info, data
_FAMILY = struct.Struct("=H")
_SOCKADDR_IN = struct.Struct("=HH4s")
_SOCKADDR_IN6 = struct.Struct("=HHI16sI")
_AF_INET, _AF_INET6 = 2, 10  # Linux numbers
_CONTROL_SPACE = 512  # bytes: both structures, with room for the other messages a socket asked for


class ErrorOrigin(IntEnum):
    """Where a queued error came from (SO_EE_ORIGIN_*)."""

    NONE = 0
    LOCAL = 1
    ICMP = 2
    ICMP6 = 3


_ORIGINS = frozenset(int(origin) for origin in ErrorOrigin)


class QueuedError(Struct, frozen=True):
    """One entry of the queue. `scope` is the offender's interface index, 0 where it has none."""

    errno: int
    origin: ErrorOrigin
    type: int
    code: int
    offender: IPAddress | None = None
    scope: int = 0

    @property
    def family(self) -> int | None:
        """IP version of the ICMP error; None where it is none."""
        return {ErrorOrigin.ICMP: 4, ErrorOrigin.ICMP6: 6}.get(self.origin)


def parse_queued_error(data: bytes) -> QueuedError | None:
    """Read one control message's data; None where it is cut short or of an origin that is no error."""
    if len(data) < _EXTENDED_ERR.size:
        return None
    errno, origin, icmp_type, code, _info, _data = _EXTENDED_ERR.unpack_from(data)
    if origin not in _ORIGINS:
        return None
    offender, scope = _parse_offender(data[_EXTENDED_ERR.size :])
    return QueuedError(errno, ErrorOrigin(origin), icmp_type, code, offender, scope)


def _parse_offender(data: bytes) -> tuple[IPAddress | None, int]:
    if len(data) < _FAMILY.size:
        return None, 0
    (family,) = _FAMILY.unpack_from(data)
    if family == _AF_INET and len(data) >= _SOCKADDR_IN.size:
        return IPv4Address(_SOCKADDR_IN.unpack_from(data)[2]), 0
    if family == _AF_INET6 and len(data) >= _SOCKADDR_IN6.size:
        _family, _port, _flow, packed, scope = _SOCKADDR_IN6.unpack_from(data)
        return IPv6Address(packed), scope
    return None, 0


def read_error_queue(sock: socket.socket) -> QueuedError | None:
    """Take entries off a socket's error queue until one is understood; None when it holds no more."""
    while True:
        try:
            _, control, _, _ = sock.recvmsg(1, _CONTROL_SPACE, MSG_ERRQUEUE)
        except OSError:  # EAGAIN: the queue is empty
            return None
        for level, kind, data in control:
            if (level, kind) in CONTROL_MESSAGES:
                entry = parse_queued_error(data)
                if entry is not None:
                    return entry


# --- why a probe failed ---


class Failure(Struct, frozen=True):
    """What a failed socket amounts to: the parts of a reply."""

    reason: Reason
    sender: IPAddress | None = None
    icmp: tuple[int, int] | None = None


class FailureReader:
    """Reads the failures of sockets of one protocol and family.

    Args:
        system: whose error numbers.
        protocol: TCP or UDP; only TCP is answered with resets.
        error_queue: the sockets keep ICMP errors in a queue (Linux).
    """

    def __init__(self, system: System, protocol: Protocol, *, error_queue: bool) -> None:
        self._queue = error_queue
        exact = error_queue and protocol is Protocol.TCP
        self._tables = {moment: meanings(system, moment, resets_known=exact) for moment in Moment}

    def advice(self, sock: socket.socket, question: Question) -> Failure | None:
        """An ICMP error that the kernel keeps for advice, without failing the socket; None without one."""
        entry = self._queued(sock)
        return _from_icmp(entry, question) if entry is not None else None

    def explain(self, sock: socket.socket | None, question: Question, error: int, moment: Moment) -> Failure:
        """What the error number `error` amounts to on a socket; None for one that could not be made."""
        entry = self._queued(sock)
        if entry is not None:
            from_icmp = _from_icmp(entry, question)
            if from_icmp is not None:
                return from_icmp
        meaning = self._tables[moment].get(error, NOT_SENT)
        if meaning.by_us or entry is not None:  # an entry that is no ICMP error is of this machine's making
            return Failure(meaning.reason, own_address(sock, question.address.version))
        return Failure(meaning.reason, question.address if meaning.reason is Reason.RESET else None)

    def _queued(self, sock: socket.socket | None) -> QueuedError | None:
        return read_error_queue(sock) if self._queue and sock is not None else None


def _from_icmp(entry: QueuedError, question: Question) -> Failure | None:
    """An ICMP error without a reason of its own still means: not reached. `icmp` has which it was."""
    if entry.family is None:
        return None
    reason = reason_of(entry.family, entry.type, entry.code) or Reason.HOST_UNREACH
    sender = entry.offender
    if sender is not None:
        target = question.address
        sender = target if sender.packed == target.packed else with_scope(sender, entry.scope)
    return Failure(reason, sender, (entry.type, entry.code))
