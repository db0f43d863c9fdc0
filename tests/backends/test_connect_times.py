"""The connect backend's clock: each answer has its own time, however late it is read."""

import contextlib
import socket
import time
from ipaddress import ip_address

import pytest

from probe.backends.connect import ConnectBackend
from probe.backends.platforms import LINUX, this_platform
from probe.model.probing import Probe, Question, Reply
from probe.model.target import Port, Protocol

PAUSE = 0.05  # seconds


@pytest.mark.skipif(this_platform() is not LINUX, reason="needs TCP_INFO")
def test_an_answer_has_its_own_time() -> None:
    """The probes after it and the pauses between them are not charged to it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket() as closed,
        contextlib.closing(ConnectBackend()) as backend,
    ):
        closed.bind(("127.0.0.1", 0))  # and never listens
        left = []
        for number, port in enumerate((listener.getsockname()[1], closed.getsockname()[1]) * 3):
            question = Question(ip_address("127.0.0.1"), Port(Protocol.TCP, port))
            left.append(backend.send(Probe(number, question)))
            time.sleep(PAUSE)
        first: dict[int, Reply] = {}
        while len(first) < len(left):
            for reply in backend.receive(backend.now() + 1):
                first.setdefault(reply.probe_id, reply)
    assert all(0 <= first[number].at - at < PAUSE for number, at in enumerate(left))
