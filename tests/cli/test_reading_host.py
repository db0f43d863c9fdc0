"""A host whose tunnels another process reads: what it tells, and when a scan gets one."""

import pytest

from probe.cli import engines
from probe.cli.engines import Wish, with_reader
from probe.cli.options import Engine
from probe.host.interfaces import Interface
from probe.host.reading_host import ReadingHost
from probe.host.system import SystemHost
from probe.model.facts import LinkKind
from probe.model.machine import Link, Machine, Tunnel, TunnelKind
from probe.model.plan import Battery

TUNNEL = Tunnel(Link("wg0", LinkKind.TUNNEL, up=True, running=True), TunnelKind.WIREGUARD)
WG, LO = (
    Interface(name, kind, 1500, ()) for name, kind in (("wg0", LinkKind.TUNNEL), ("lo", LinkKind.LOOPBACK))
)


class Reader:
    """A machine with one tunnel."""

    def machine(self):
        return Machine("linux", (), (TUNNEL,))

    def tunnel(self, interface):
        return TUNNEL


def test_tunnels_are_what_the_reader_tells():
    """All else is this machine's own word."""
    host = ReadingHost(Reader())
    assert host.tunnels() == (TUNNEL,)
    assert host.own_addresses() == SystemHost().own_addresses()


@pytest.mark.parametrize(
    ("given_up", "links", "reads"),
    [(True, (LO, WG), True), (True, (LO,), False), (False, (LO, WG), False)],
)
def test_a_process_reads_where_privileges_go_and_a_tunnel_is(monkeypatch, given_up, links, reads):
    """A scan without a tunnel, or one that keeps what it has, starts no process."""
    monkeypatch.setattr(engines, "gives_up_privileges", lambda wish: given_up)
    monkeypatch.setattr("probe.host.interfaces.interfaces", lambda: links)
    host = SystemHost()
    with with_reader(Wish(Engine.AUTO, Battery()), host) as reading:
        assert isinstance(reading, ReadingHost) is reads
        assert (reading is host) is not reads
        assert isinstance(reading.tunnels(), tuple)
