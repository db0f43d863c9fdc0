"""Data through connections that a test scripts: what is sent when, and what it amounts to."""

from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from varied import replace

from probe.engine.mtu_trial import (
    BIG_S,
    CONNECT_S,
    DOUBT_S,
    SMALL_S,
    DataTransfer,
    PathTrial,
    TransferInfo,
    results_of,
)
from probe.model.exam import Transfer
from probe.model.target import Port, Protocol

PEER, ROUTER, WEB = ip_address("192.0.2.9"), ip_address("198.51.100.1"), Port(Protocol.TCP, 80)
OPEN = TransferInfo(
    open=True, mss=1448, unacked=0, retransmits=0, total_retransmits=0, pmtu=1500, rtt=0.01, acked=1
)


@dataclass
class Scripted:
    """A connection that is what the test makes it."""

    now: TransferInfo | None = OPEN
    refused: bool = False
    accepted: bool = True
    carries: int | None = 1500
    sent: list[int] = field(default_factory=list)
    closed: bool = False

    def info(self):
        return self.now

    def failed(self):
        return self.refused

    def established(self):
        return self.accepted

    def send(self, data):
        self.sent.append(len(data))
        return len(data)

    def mtu(self):
        return self.carries

    def close(self):
        self.closed = True

    def acknowledge(self, number: int, **more) -> None:
        self.now = replace(OPEN, acked=1 + number, **more)


def begun(**facts) -> tuple[Scripted, DataTransfer]:
    """A connection that was accepted, with its small piece under way."""
    connection = Scripted(**facts)
    transfer = DataTransfer(connection, 0.0)
    transfer.step(0.01)
    return connection, transfer


def filled(**facts) -> tuple[Scripted, DataTransfer]:
    """One whose small piece has arrived, with full segments under way."""
    connection, transfer = begun(**facts)
    connection.acknowledge(1)
    transfer.step(0.02)
    return connection, transfer


def test_all_arrives() -> None:
    """A byte first, then full segments, each by itself."""
    connection, transfer = begun()
    assert (connection.sent, transfer.route_mtu) == ([1], 1500)
    connection.acknowledge(1)
    transfer.step(0.02)
    assert (transfer.small, transfer.big, connection.sent) == (Transfer.ARRIVED, None, [1, 1448, 1448])
    transfer.step(0.03)
    assert not transfer.over
    connection.acknowledge(1 + 2 * 1448)
    transfer.step(0.04)
    assert (transfer.big, transfer.segment, transfer.over) == (Transfer.ARRIVED, 1448, True)
    transfer.step(0.05)
    assert transfer.over


@pytest.mark.parametrize(
    ("facts", "moment"),
    [({"refused": True}, 0.0), ({"accepted": False}, CONNECT_S + 0.1), ({"now": None}, 0.0)],
    ids=["refused", "never accepted", "not begun"],
)
def test_no_connection(facts, moment) -> None:
    """Nothing is known of either piece."""
    transfer = DataTransfer(Scripted(**facts), 0.0)
    transfer.step(moment)
    assert (transfer.over, transfer.small, transfer.big) == (True, None, None)


def test_a_slow_connection_is_waited_for() -> None:
    """It has a second."""
    waiting = DataTransfer(Scripted(accepted=False), 0.0)
    waiting.step(CONNECT_S / 2)
    assert not waiting.over


def test_the_small_piece_stalls_or_ends() -> None:
    """Not acknowledged in time, or cut off: the big one shows nothing then."""
    connection, transfer = begun()
    transfer.step(SMALL_S / 2)
    assert not transfer.over
    transfer.step(SMALL_S + 0.1)
    assert (transfer.small, transfer.big) == (Transfer.STALLED, Transfer.ENDED)
    connection, transfer = begun()
    connection.now = replace(OPEN, open=False)
    transfer.step(0.1)
    assert (transfer.small, transfer.big) == (Transfer.ENDED, Transfer.ENDED)


@pytest.mark.parametrize(
    ("facts", "moment", "big"),
    [
        ({"retransmits": 3}, 0.5, Transfer.STALLED),
        ({}, 0.02 + BIG_S + 0.1, Transfer.STALLED),
        ({"open": False}, 0.1, Transfer.ENDED),
    ],
)
def test_the_big_piece(facts, moment, big) -> None:
    """Sent again too often, or never acknowledged: it stalls. A peer that ends it shows nothing."""
    connection, transfer = filled()
    connection.acknowledge(1, **facts)
    transfer.step(moment)
    assert (transfer.small, transfer.big) == (Transfer.ARRIVED, big)


def test_a_peer_that_hung_up_after_a_full_segment() -> None:
    """One full segment acknowledged is enough."""
    connection, transfer = filled()
    connection.acknowledge(1 + 1448, open=False)
    transfer.step(0.1)
    assert transfer.big is Transfer.ARRIVED


def test_doubt() -> None:
    """Full segments that were sent again are in doubt a while after they were sent, and not before."""
    assert not begun()[1].is_doubtful(5.0)
    connection, transfer = filled()
    connection.acknowledge(1, total_retransmits=1)
    assert not transfer.is_doubtful(0.1)
    assert transfer.is_doubtful(0.02 + DOUBT_S + 0.01)
    connection.now = None
    assert not transfer.is_doubtful(0.02 + DOUBT_S + 0.01)


def test_a_segment_of_no_size_sends_nothing() -> None:
    """A kernel that knows no segment yet is given nothing to send."""
    connection, transfer = begun()
    connection.acknowledge(1, mss=0)
    transfer.step(0.02)
    assert connection.sent == [1]


# --- trials ---


@dataclass
class Openings:
    """Connections of one peer: those that a test has made, in the order of asking."""

    ready: list[Scripted]
    asked: list[int | None] = field(default_factory=list)

    def connect(self, address, port, segment):
        assert (address, port) == (PEER, WEB)
        self.asked.append(segment)
        return self.ready.pop(0)

    def find_reporter(self, address, mtu):
        return ROUTER if mtu == 1500 else None


def test_smaller_ones_follow_where_full_ones_are_in_doubt() -> None:
    """Below what the route carries, in segments without the headers; the largest that passes is reported."""
    full, again, *smaller = (Scripted() for _ in range(6))
    opener = Openings([full, again, *smaller])
    trial = PathTrial(PEER, WEB, opener, 0.0)
    trial.step(0.01)
    full.acknowledge(1)
    trial.step(0.02)
    full.acknowledge(1, total_retransmits=1)
    trial.step(0.5)
    assert opener.asked == [None, None, 1360, 1240, 960, 536]
    full.acknowledge(1, retransmits=3)
    trial.step(0.6)
    assert not trial.over
    for moment in (0.7, 0.8):
        for one in (again, *smaller):
            one.acknowledge(1)
        trial.step(moment)
    lost, passed = (again, smaller[0]), smaller[1:]
    for one in lost:
        one.acknowledge(1, retransmits=3)
    for one in passed:
        one.acknowledge(1 + 2 * 1448)
    trial.step(0.9)
    result = trial.result()
    assert trial.over
    assert result is not None
    assert (result.big, result.working_mtu, result.learnt_mtu) == (Transfer.STALLED, 1280, None)
    trial.close()
    assert all(one.closed for one in (full, again, *smaller))


def test_who_reported_a_smaller_size() -> None:
    """Where the route carries less than before, somebody reported it."""
    full = Scripted()
    trial = PathTrial(PEER, WEB, Openings([full]), 0.0)
    trial.step(0.01)
    full.acknowledge(1)
    trial.step(0.02)
    full.acknowledge(1 + 2 * 1448)
    full.carries = 1280
    trial.step(0.03)
    result = trial.result()
    assert result is not None
    assert (result.big, result.learnt_mtu, result.reporter) == (Transfer.ARRIVED, 1280, ROUTER)


def test_results_leave_out_what_was_not_measured() -> None:
    """A connection that was never made is no result."""
    trial = PathTrial(PEER, WEB, Openings([Scripted(refused=True)]), 0.0)
    trial.step(0.01)
    assert trial.over
    assert results_of([trial]) == {}
