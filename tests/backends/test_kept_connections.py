"""Connections of the survey that keys are asked for by: one opening, whatever is asked."""

import contextlib
import threading
import time
from ipaddress import ip_address

import pytest
from key_servers import host_key, serving, ssh_server
from varied import replace

from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.host_keys import read_keys
from probe.backends.kept import IDENTIFICATION, MOST_KEPT, KeptConnection, KeptConnections
from probe.backends.platforms import PollerKind, this_platform
from probe.model.probing import Probe, Question, Role
from probe.model.target import Port, Protocol

HERE = ip_address("127.0.0.1")
WITHIN_S = 5.0


class CountedConnections:
    """A server that counts its connections, and notes what each of them sent first."""

    def __init__(self, serve):
        self.serve = serve
        self.count = 0

    def __call__(self, peer):
        self.count += 1
        self.serve(peer)


def watched(backend, port, role=Role.TESTED):
    """Open a port and watch what comes, as a survey does."""
    backend.send(Probe(1, Question(HERE, port, role)))
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        for reply in backend.receive(until):
            if reply.aftermath is not None:
                return reply
    raise AssertionError("nothing came")


def test_the_key_comes_by_the_connection_of_the_survey():
    """The server sees one connection: it is greeted on and asked for its key."""
    server, kept = CountedConnections(ssh_server(host_key(b"a"))), KeptConnections()
    with serving(server) as number, contextlib.closing(ConnectBackend(kept=kept)) as backend:
        port = Port(Protocol.TCP, number)
        assert watched(backend, port).first_bytes.startswith(b"SSH-")
        with contextlib.closing(SystemClients(kept=kept)) as clients:
            task = clients.keys([(HERE, port)])
            clients.wait([task])
            assert list(task.result()) == [(HERE, port)]
        kept.close()
    assert server.count == 1


def test_what_nobody_takes_is_ended_by_an_identification():
    """An sshd logs one line then, and two where its peer breaks off."""
    came, kept = [], KeptConnections()

    def serve(peer):
        peer.sendall(b"SSH-2.0-sample\r\n")
        came.append(peer.recv(100))

    with serving(serve) as number, contextlib.closing(ConnectBackend(kept=kept)) as backend:
        watched(backend, Port(Protocol.TCP, number))
        kept.close()
        kept.close()
    assert came == [IDENTIFICATION]


@pytest.mark.parametrize("poller", list(PollerKind))
def test_what_is_kept_is_no_news_any_more(poller):
    """The server goes on sending on a connection that its survey has ended to watch."""
    kept, sent = KeptConnections(), threading.Event()

    def serve(peer):
        peer.sendall(b"SSH-2.0-sample\r\n")
        time.sleep(0.1)
        peer.sendall(b"more")
        sent.set()
        peer.recv(100)

    platform = replace(this_platform(), poller=poller)
    with serving(serve) as number, contextlib.closing(ConnectBackend(platform, kept=kept)) as backend:
        watched(backend, Port(Protocol.TCP, number))
        assert sent.wait(WITHIN_S)
        assert backend.receive(time.monotonic() + 0.1) == []
        kept.close()


def test_what_is_no_ssh_is_not_kept():
    """Nor more than there is room for, nor a second one of a place."""
    kept, ended = KeptConnections(), threading.Event()

    def serve(peer):
        peer.sendall(b"220 ready\r\n")
        if not peer.recv(10):
            ended.set()

    with serving(serve) as number, contextlib.closing(ConnectBackend(kept=kept)) as backend:
        watched(backend, Port(Protocol.TCP, number))
        assert ended.wait(WITHIN_S)
    one = KeptConnection(None, b"SSH-2.0-x\r\n")
    places = [Port(Protocol.TCP, number) for number in range(1, MOST_KEPT + 2)]
    assert [kept.keep(HERE, port, one) for port in places] == [True] * MOST_KEPT + [False]
    assert kept.take(HERE, places[0]) is one
    assert kept.take(HERE, places[0]) is None
    assert not kept.keep(HERE, places[1], one)


def test_a_connection_that_ended_meanwhile_shows_no_key():
    """No second one is opened for it."""
    server, kept = CountedConnections(lambda peer: peer.sendall(b"SSH-2.0-x\r\n")), KeptConnections()
    with serving(server) as number, contextlib.closing(ConnectBackend(kept=kept)) as backend:
        port = Port(Protocol.TCP, number)
        watched(backend, port)
        assert read_keys([(HERE, port)], kept=kept) == {}
    assert server.count == 1
