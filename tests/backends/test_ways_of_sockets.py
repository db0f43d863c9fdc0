"""Sockets that leave by a chosen way, between addresses of loopback."""

import contextlib
import socket
import sys
from ipaddress import ip_address

import pytest
from key_servers import serving

from probe.backends import way_out
from probe.backends.banner import read_greetings
from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.host_keys import read_keys
from probe.backends.system_host import SystemHost
from probe.backends.way_out import choose_way, require_permission
from probe.errors import PrivilegeError, UsageError
from probe.model.greeting import Approach, Call
from probe.model.probing import Probe, Question, Reason
from probe.model.target import Port, Protocol
from probe.model.way_out import USUAL_WAY, WayOut

HERE = ip_address("127.0.0.1")
FROM = WayOut(sources=(ip_address("127.0.0.7"),))
ELSEWHERE = WayOut(sources=(ip_address("192.0.2.7"),))  # no address of this machine
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="interfaces are chosen on Linux")


class Guestbook:
    """A service that notes who came, and greets."""

    def __init__(self) -> None:
        self.peers: list[str] = []

    def __call__(self, peer: socket.socket) -> None:
        self.peers.append(peer.getpeername()[0])
        peer.sendall(b"220 ready\r\n")


@pytest.mark.parametrize("way", [USUAL_WAY, FROM, WayOut("lo", FROM.sources)], ids=str)
@on_linux
def test_a_probe_comes_from_the_chosen_source(way: WayOut) -> None:
    """connect() leaves from it, and the route has it."""
    book = Guestbook()
    expected = str(way.source(4) or HERE)
    with serving(book, "127.0.0.1") as number, contextlib.closing(ConnectBackend(way=way)) as backend:
        backend.send(Probe(1, Question(HERE, Port(Protocol.TCP, number)), 1))
        until = backend.now() + 2
        replies = []
        while backend.now() < until and len(replies) < 2:
            replies += backend.receive(until)
    assert {reply.reason for reply in replies} == {Reason.SYN_ACK}
    assert book.peers == [expected]
    route = SystemHost(way=way).route(HERE)
    assert (str(route.source), route.interface) == (expected, "lo")


@on_linux
def test_many_probes_share_the_ports_of_one_source() -> None:
    """The port is chosen at connect(): two connections to different places may have the same one."""
    socks = [socket.socket() for _ in range(2)]
    with socks[0], socks[1]:
        for sock in socks:
            choose_way(sock, FROM, 4)
            assert sock.getsockname() == ("127.0.0.7", 0)


def test_a_source_that_is_gone_sends_nothing() -> None:
    """An address that this machine lost meanwhile is no silence of the target."""
    with contextlib.closing(ConnectBackend(way=ELSEWHERE)) as backend:
        backend.send(Probe(1, Question(HERE, Port(Protocol.TCP, 9)), 1))
        (reply,) = backend.receive(backend.now() + 1)
    assert reply.reason is Reason.NOT_SENT
    assert not SystemHost(way=ELSEWHERE).route(HERE).reachable


@on_linux
def test_an_interface_that_leads_nowhere_near() -> None:
    """Without the interface there is no route by it."""
    assert not SystemHost(way=WayOut("nope0")).route(HERE).reachable
    assert SystemHost(way=WayOut("nope0")).neighbour(HERE) is None


def test_greetings_leave_by_it_too() -> None:
    """So do the connections that read what services send."""
    book = Guestbook()
    with serving(book, "127.0.0.1") as number, contextlib.closing(SystemClients(FROM)) as clients:
        task = clients.greetings([Call(HERE, Port(Protocol.TCP, number), Approach.LISTEN, likely=True)])
        clients.wait([task])
        (greeting,) = task.result().values()
    assert greeting.text == "220 ready"
    assert book.peers == ["127.0.0.7"]
    assert read_greetings([Call(HERE, Port(Protocol.TCP, number), Approach.LISTEN)], way=ELSEWHERE) == {}


def test_keys_are_asked_for_by_it() -> None:
    """Host keys and certificates alike."""
    book = Guestbook()
    with serving(book, "127.0.0.1") as number:
        assert read_keys([(HERE, Port(Protocol.TCP, number))], way=FROM) == {}
    assert book.peers == ["127.0.0.7"]


@on_linux
def test_permission_is_found_out_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line where the kernel refuses, where the interface is gone, and on other systems."""
    require_permission(USUAL_WAY)
    require_permission(WayOut("lo"))
    with pytest.raises(UsageError, match="--interface nope0: No such device; give --source"):
        require_permission(WayOut("nope0"))

    def refuse(sock: socket.socket, name: str) -> None:
        raise PermissionError(1, name)

    with monkeypatch.context() as patched:
        patched.setattr(way_out, "bind_to_interface", refuse)
        with pytest.raises(PrivilegeError, match="takes CAP_NET_RAW; give --source with its address"):
            require_permission(WayOut("eth0"))
    monkeypatch.setattr(way_out, "_BIND_TO_DEVICE", None)
    with pytest.raises(UsageError, match="no socket can be bound to eth0 here; give --source"):
        require_permission(WayOut("eth0"))
