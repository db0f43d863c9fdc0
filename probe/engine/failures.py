"""Why a probe's socket failed: the error queue's word first, then the meaning of the error number."""

import socket
from dataclasses import dataclass

from probe.engine.errnos import NOT_SENT, Moment, System, meanings
from probe.engine.errqueue import QueuedError, read_error_queue
from probe.engine.sockets import own_address, with_scope
from probe.model.icmp import reason_of
from probe.model.probing import Question, Reason
from probe.model.target import IPAddress, Protocol


@dataclass(frozen=True, slots=True)
class Failure:
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
        self._tables = {moment: meanings(system, moment, resets_told_apart=exact) for moment in Moment}

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
    """An ICMP error without a reason of its own still says: not reached. `icmp` tells which it was."""
    if entry.family is None:
        return None
    reason = reason_of(entry.family, entry.type, entry.code) or Reason.HOST_UNREACH
    sender = entry.offender
    if sender is not None:
        target = question.address
        sender = target if sender.packed == target.packed else with_scope(sender, entry.scope)
    return Failure(reason, sender, (entry.type, entry.code))
