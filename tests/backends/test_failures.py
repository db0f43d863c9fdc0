"""Why a socket failed: the queue's entry, else the number's meaning."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from probe.backends import socket_errors
from probe.backends.errnos import Moment, System
from probe.backends.socket_errors import ErrorOrigin, Failure, FailureReader, QueuedError
from probe.model.probing import Question, Reason
from probe.model.target import Port, Protocol

TARGET, ROUTER, LOOPBACK = IPv4Address("192.0.2.9"), IPv4Address("192.0.2.1"), IPv4Address("127.0.0.1")
TARGET6, LINK_LOCAL = IPv6Address("2001:db8::9"), IPv6Address("fe80::9%lo")
LO = socket.if_nametoindex("lo") if "lo" in dict(map(reversed, socket.if_nameindex())) else 0
ICMP, ICMP6, LOCAL = ErrorOrigin.ICMP, ErrorOrigin.ICMP6, ErrorOrigin.LOCAL
REFUSED = 111


def read(
    monkeypatch: pytest.MonkeyPatch, entry: QueuedError | None, target: str, error: int | None
) -> Failure | None:
    """Explain an error on a socket whose queue holds `entry`; no error: only ask for advice."""
    monkeypatch.setattr(socket_errors, "read_error_queue", lambda _: entry)
    reader = FailureReader(System.LINUX, Protocol.TCP, error_queue=True)
    question = Question(ip_address(target), Port(Protocol.TCP, 1))
    with socket.socket() as sock:
        if error is None:
            return reader.advice(sock, question)
        return reader.explain(sock, question, error, Moment.LATER)


CASES = [
    (None, "192.0.2.9", REFUSED, Failure(Reason.RESET, TARGET)),
    (
        QueuedError(111, ICMP, 3, 3, TARGET),
        "192.0.2.9",
        REFUSED,
        Failure(Reason.PORT_UNREACH, TARGET, (3, 3)),
    ),
    (QueuedError(113, ICMP, 3, 1, ROUTER), "192.0.2.9", None, Failure(Reason.HOST_UNREACH, ROUTER, (3, 1))),
    (QueuedError(113, ICMP, 12, 0, ROUTER), "192.0.2.9", 71, Failure(Reason.HOST_UNREACH, ROUTER, (12, 0))),
    (QueuedError(113, ICMP, 3, 1), "192.0.2.9", 113, Failure(Reason.HOST_UNREACH, None, (3, 1))),
    (QueuedError(90, LOCAL, 0, 0), "192.0.2.9", 90, Failure(Reason.FRAG_NEEDED, LOOPBACK)),
    (QueuedError(90, LOCAL, 0, 0), "192.0.2.9", None, None),
    (None, "192.0.2.9", None, None),
    (None, "192.0.2.9", 1, Failure(Reason.ADMIN_PROHIBITED, LOOPBACK)),
    (None, "192.0.2.9", 9999, Failure(Reason.NOT_SENT)),
    (
        QueuedError(13, ICMP6, 1, 1, TARGET6),
        "2001:db8::9",
        13,
        Failure(Reason.ADMIN_PROHIBITED, TARGET6, (1, 1)),
    ),
]


@pytest.mark.parametrize(("entry", "target", "error", "expected"), CASES)
def test_explain(
    monkeypatch: pytest.MonkeyPatch,
    entry: QueuedError | None,
    target: str,
    error: int | None,
    expected: Failure | None,
) -> None:
    """An ICMP error is named with its sender; a local one is ours; a bare refusal is the target's reset."""
    assert read(monkeypatch, entry, target, error) == expected


@pytest.mark.skipif(not LO, reason="the loopback interface has another name here")
@pytest.mark.parametrize("target", ["fe80::9%lo", "2001:db8::9"])
def test_link_local_offender(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """A link-local sender is named with its link, so that it equals the probed address and our own."""
    entry = QueuedError(111, ICMP6, 1, 4, IPv6Address("fe80::9"), LO)
    assert read(monkeypatch, entry, target, REFUSED) == Failure(Reason.PORT_UNREACH, LINK_LOCAL, (1, 4))


def test_without_a_queue_it_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a platform without an error queue nothing is read, and a refusal stays one."""

    def fail(_: socket.socket) -> None:
        pytest.fail("there is no queue here")

    monkeypatch.setattr(socket_errors, "read_error_queue", fail)
    reader = FailureReader(System.BSD, Protocol.TCP, error_queue=False)
    question = Question(TARGET, Port(Protocol.TCP, 1))
    with socket.socket() as sock:
        assert reader.explain(sock, question, 61, Moment.LATER) == Failure(Reason.REFUSED)
