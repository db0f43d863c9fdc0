"""Data through connections on loopback."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from probe.backends.pmtu import KernelConnection, KernelOpener, find_reporter, try_mtu
from probe.engine.mtu_trial import SMALL, DataTransfer, PathTrial
from probe.model.exam import Transfer
from probe.model.target import Port, Protocol

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what became of data")
LOCAL, LOCAL6 = ip_address("127.0.0.1"), ip_address("::1")


@contextlib.contextmanager
def served(address=LOCAL) -> Iterator[tuple[Port, list[bytes]]]:
    """A server that reads from each peer until its end, and keeps what came."""
    got: list[bytes] = []
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.create_server((str(address), 0), family=family) as listener:

        def loop() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer:
                        data = b""
                        while more := peer.recv(65536):
                            data += more
                        got.append(data)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield Port(Protocol.TCP, listener.getsockname()[1]), got
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(2)


@pytest.mark.parametrize("address", [LOCAL, LOCAL6], ids=str)
def test_a_healthy_path(address) -> None:
    """All arrives; the end is polite, and no more is sent than one jumbo frame on such a link."""
    with served(address) as (port, got):
        trial = try_mtu({address: port})[address]
        deadline = time.monotonic() + 2
        while not got and time.monotonic() < deadline:
            time.sleep(0.01)
    assert (trial.small, trial.big, trial.learnt_mtu) == (Transfer.ARRIVED, Transfer.ARRIVED, None)
    assert trial.port == port
    assert trial.route_mtu is not None
    assert trial.route_mtu > trial.segment == 9216
    assert set(got[0]) == set(b"\r")
    assert len(got[0]) == 1 + 9216


def test_no_line_feed_is_sent() -> None:
    """Protocols of lines never see a whole one."""
    assert b"\n" not in SMALL


def test_nobody_listens() -> None:
    """A refused connection is no trial."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = Port(Protocol.TCP, gone.getsockname()[1])
    assert try_mtu({LOCAL: port}) == {}


def test_elsewhere_nothing_is_measured(monkeypatch) -> None:
    """Other systems do not report what became of data."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert try_mtu({LOCAL: Port(Protocol.TCP, 9)}) == {}


def test_an_odd_scope_is_no_error() -> None:
    """An interface that is gone makes no connection."""
    gone = ip_address("fe80::1%nosuchlink0")
    assert try_mtu({gone: Port(Protocol.TCP, 9)}) == {}


def test_a_size_that_the_kernel_refuses() -> None:
    """A segment of 3 bytes cannot be had."""
    one = DataTransfer(KernelConnection(LOCAL, Port(Protocol.TCP, 9), 3), 0.0)
    one.step(0.0)
    assert one.over
    assert one.small is None
    one.close()


def test_nobody_reports_on_loopback() -> None:
    """What fits is not complained about; that nobody listens there is no word on sizes."""
    assert find_reporter(LOCAL, 1500) is None


@pytest.fixture
def doubtful(monkeypatch) -> Iterator[PathTrial]:
    """A trial whose full segments are in doubt although they arrive, at its end."""
    monkeypatch.setattr(DataTransfer, "is_doubtful", lambda self, now: self.segment > 0)
    with served() as (port, _):
        trial = PathTrial(LOCAL, port, KernelOpener(), time.monotonic())
        end = time.monotonic() + 3
        while not (trial._smaller and all(one.over for one in trial._all())) and time.monotonic() < end:
            trial.step(time.monotonic())
            time.sleep(0.005)
        yield trial
        trial.close()


def test_smaller_sizes_are_smaller(doubtful) -> None:
    """Where full segments are in doubt, smaller ones are sent beside them, below what the route carries."""
    sent = {size: one.segment for size, one in doubtful._smaller.items()}
    assert set(sent) == {1400, 1280, 1000, 576}
    assert all(0 < segment <= size - 40 for size, segment in sent.items())
    result = doubtful.result()
    assert result is not None
    assert result.working_mtu is None  # full ones arrived


LATER = [
    (Transfer.ARRIVED, Transfer.ARRIVED, None),  # the first ones were lost by chance
    (Transfer.STALLED, Transfer.STALLED, 1400),
    (Transfer.ENDED, Transfer.STALLED, 1400),
    (None, Transfer.STALLED, 1400),
]


@pytest.mark.parametrize(("again", "big", "working"), LATER)
def test_full_ones_are_tried_twice(again, big, working, doubtful) -> None:
    """Full segments that pass in a second connection were lost by chance in the first."""
    doubtful._full.big = Transfer.STALLED
    doubtful._again.big = again
    result = doubtful.result()
    assert result is not None
    assert (result.big, result.working_mtu) == (big, working)
