"""An examination in memory: what is measured of whom, and when, with instruments that tests can read."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from varied import replace

from probe import interruption
from probe.app import examination
from probe.app.examination import examine, look
from probe.app.session import Backends
from probe.engine.backend import Done, NoClients
from probe.engine.rows import unfold_exam
from probe.lab.scenario import parse_scenario
from probe.lab.sim.world import open_sim
from probe.model.diagnosis import Cause, Diagnosis
from probe.model.exam import AddressExam, Echo, InterfaceCounters, MtuTrial, NameAnswer, Transfer
from probe.model.facts import HERE, LinkKind
from probe.model.machine import Link, Machine, Peer, Resolvers, Surroundings, Tunnel, TunnelKind
from probe.model.machine import Traffic as Counted
from probe.model.plan import Timing
from probe.model.probing import Reason
from probe.model.target import IPAddress, Port, Protocol, ResolvedTarget

LAN, VPN, PUBLIC = map(ip_address, ("192.168.77.10", "10.88.0.10", "203.0.113.10"))
WEB = Port(Protocol.TCP, 8000)
SERVER = ip_address("192.0.2.53")
PEER = Peer("key", (ip_network("10.88.0.10/32"),), (ip_address("198.51.100.1"), 51820), 5.0)
LISTENS = {"listen": [{"port": 8000, "bind": "0.0.0.0"}]}
DROPS = {"filter": [{"action": "drop", "on": ["vpn"]}]}


@dataclass
class CountingReader:
    """A machine with one tunnel, whose every look counts another packet out."""

    peers: tuple[Peer, ...] | None = (PEER,)
    up: bool = True
    looks: int = 0
    machines: int = 0
    shakes_after: int | None = None  # looks until a handshake is made

    def machine(self) -> Machine:
        self.machines += 1
        link = Link(
            "public", LinkKind.ETHERNET, up=True, running=True, traffic=Counted(self.machines, 0, 0, 0)
        )
        now = self.tunnel("vpn")
        links = (link,) if now is None else (link, now.link)
        resolvers = Resolvers((SERVER,))
        return Machine("linux", links, () if now is None else (now,), resolvers=resolvers)

    def tunnel(self, interface: str) -> Tunnel | None:
        if interface != "vpn":
            return None
        self.looks += 1
        address = (ip_interface("10.88.0.2/24"),)
        counted = Counted(10 * self.looks, self.looks // 100, 0, 0)
        link = Link("vpn", LinkKind.TUNNEL, up=self.up, running=self.up, addresses=address, traffic=counted)
        peers = self.peers
        if peers and self.shakes_after is not None and self.looks > self.shakes_after:
            peers = (replace(peers[0], handshake_age_s=0.1),)
        return Tunnel(link, TunnelKind.WIREGUARD, peers=peers)

    def reverse_path_drops(self) -> int | None:
        return self.looks


@dataclass
class Script(NoClients):
    """Clients that answer by a table and remember what they were asked."""

    reader: CountingReader = field(default_factory=CountingReader)
    pinged: list = field(default_factory=list)
    tried: dict = field(default_factory=dict)
    named: list = field(default_factory=list)

    def ping(self, addresses):
        self.pinged = list(addresses)
        return Done({LAN: Echo(Reason.ECHO_REPLY, 1, 0.01, LAN)} if LAN in addresses else {})

    def try_mtu(self, ports):
        self.tried = dict(ports)
        return Done(
            {ip: MtuTrial(port, Transfer.ARRIVED, Transfer.ARRIVED, 1448, 1500) for ip, port in ports.items()}
        )

    def ask_name_servers(self, names, resolvers):
        self.named = list(names)
        return Done({name: [NameAnswer(server, (VPN,)) for server in resolvers.servers] for name in names})


def world(**parts):
    """A world in memory: LAN and VPN of one target, unless more is given."""
    base = {"about": "a test", "addresses": ["lan", "vpn"], "scan": {"ports": "8000"}, "expect": {}}
    return open_sim(parse_scenario("test", {**base, "target": LISTENS, **parts}))


def run(given, script: Script, *, raw: bool = False, target: ResolvedTarget | None = None):
    """Examine the target of a world."""
    backends = Backends(given.backend, given.host, given.raw if raw else None, clients=script)
    target = target or given.target
    return examine(target, Timing(), backends, script.reader, named=frozenset({WEB}))


def exam_of(found: Diagnosis, ip: IPAddress) -> AddressExam:
    """What was measured on an address, as it is saved."""
    assert found.measurement is not None
    (one,) = (one for one in found.measurement.addresses if one.address.ip == ip)
    return unfold_exam(one, HERE)


def surroundings_of(found: Diagnosis) -> Surroundings:
    """This machine as the diagnosis has it."""
    assert found.measurement is not None
    assert found.measurement.machine is not None
    return found.measurement.machine


def test_all_is_well():
    """Open everywhere: echoes and data are tried, nothing more is asked, and no cause is found."""
    script = Script()
    with world() as given:
        found = run(given, script)
    assert found.well
    assert found.complete
    assert [one.causes[0].cause for one in found.addresses] == [Cause.NONE, Cause.NONE]
    assert script.pinged == [LAN, VPN]
    assert script.tried == {LAN: WEB, VPN: WEB}
    lan, vpn = exam_of(found, LAN), exam_of(found, VPN)
    assert lan.echo == Echo(Reason.ECHO_REPLY, 1, 0.01, LAN)
    assert vpn.echo is None
    assert vpn.mtu is not None
    assert (vpn.hops, vpn.passage, vpn.endpoint, vpn.comes_back, vpn.link_alive) == (None,) * 5
    assert found.elapsed < 1


def test_silent_behind_a_tunnel():
    """A silent address is looked into from all sides; the tunnel's counters show what went out."""
    with world(target={**LISTENS, **DROPS}) as given:
        found = run(given, Script())
    assert not found.well
    vpn = exam_of(found, VPN)
    assert [hop.ttl for hop in vpn.hops or ()] == [1]
    assert vpn.endpoint is not None
    assert vpn.passage == InterfaceCounters(4, 10, 0, 0, 0, reverse_path_drops=1)
    assert vpn.comes_back is None  # without raw packets
    assert exam_of(found, LAN).passage is None


def test_raw_packets_show_more():
    """Echo where no socket may ask, and an opening handed over by the LAN that is answered by the VPN."""
    with world(target={**LISTENS, **DROPS}) as given:
        found = run(given, Script(), raw=True)
    vpn = exam_of(found, VPN)
    assert vpn.echo is not None
    assert vpn.comes_back is not None
    assert vpn.comes_back.reason is Reason.SYN_ACK
    assert vpn.comes_back.header is not None
    assert vpn.comes_back.header.interface == "vpn"
    assert exam_of(found, LAN).echo == Echo(Reason.ECHO_REPLY, 1, 0.01, LAN)  # the socket's word stays


def test_everything_is_silent():
    """Nobody is there: each interface counts for itself, and it ends in time."""
    with world(addresses=["lan", "vpn", "public"], dead=["lan", "vpn", "public"]) as given:
        found = run(given, Script())
    assert found.elapsed < 10
    for neighbour in (LAN, VPN):  # nothing leaves for one that nobody is
        assert exam_of(found, neighbour).passage is None
        assert exam_of(found, neighbour).hops is None
    assert exam_of(found, PUBLIC).passage == InterfaceCounters(4, 1, 0, reverse_path_drops=1)
    assert [(h.ttl, h.sender is None) for h in exam_of(found, PUBLIC).hops or ()] == [
        (1, False),
        (2, True),
    ]


@pytest.fixture
def warmed(monkeypatch):
    """When the tunnels were warm, on the backend's clock, and the survey began."""
    seen: dict[str, float] = {}

    def note(cold, control, backend, is_warm):
        real(cold, control, backend, is_warm)
        seen["at"] = backend.now()

    real = examination.warm_up
    monkeypatch.setattr(examination, "warm_up", note)
    return seen


def test_a_cold_tunnel_is_woken_first(warmed):
    """Before the survey begins, probes go into a tunnel without a session until it has one."""
    cold = replace(PEER, handshake_age_s=None)
    reader = CountingReader(peers=(cold,), shakes_after=3)
    with world(target={**LISTENS, **DROPS}) as given:
        found = run(given, Script(reader))
    assert 0.5 <= warmed["at"] <= 1.0  # the third look found a handshake
    assert surroundings_of(found).tunnels[0].peers[0].handshake_age_s == 0.1  # as it is after the probes


UNWAKEABLE = [CountingReader(), CountingReader(up=False), CountingReader(peers=())]


@pytest.mark.parametrize("reader", UNWAKEABLE, ids=["warm", "off", "no peer"])
def test_no_time_is_lost_on_others(reader, warmed):
    """A tunnel with a session, or one that cannot get one, is not waited for."""
    with world(target={**LISTENS, **DROPS}) as given:
        run(given, Script(reader))
    assert warmed["at"] == 0


def test_a_tunnel_that_vanishes():
    """Its facts stay those of the first look."""

    class Vanishing(CountingReader):
        def tunnel(self, interface):
            return super().tunnel(interface) if self.looks < 1 else None

    with world(target={**LISTENS, **DROPS}) as given:
        found = run(given, Script(Vanishing(peers=None)))
    assert [tunnel.link.name for tunnel in surroundings_of(found).tunnels] == ["vpn"]
    assert exam_of(found, VPN).passage is None


def test_names_are_asked_of_every_server():
    """An address that came from a name carries what the system and the servers have for it."""
    script = Script()
    with world() as given:
        first, second = given.target.addresses
        named = replace(given.target, addresses=(first, replace(second, name="box.test")))
        found = run(given, script, target=named)
    assert script.named == ["box.test"]
    assert exam_of(found, LAN).names == ()
    assert exam_of(found, VPN).names == (NameAnswer(None, (VPN,)), NameAnswer(SERVER, (VPN,)))


def breaking(after: int, interrupt) -> CountingReader:
    """A machine with a cold tunnel: Ctrl-C arrives when it is looked at once more."""

    class Breaking(CountingReader):
        def tunnel(self, interface):
            if self.looks >= after:
                interrupt()
            interruption.check()
            return super().tunnel(interface)

    return Breaking(peers=(replace(PEER, handshake_age_s=None),))


@pytest.mark.parametrize(("looks", "surveyed"), [(1, False), (5, True)])
def test_ctrl_c(looks, surveyed, interrupt, monkeypatch):
    """What was measured before is judged: nothing during the warm-up, the surveys after them."""
    script = Script(breaking(looks, interrupt))
    with world(target={**LISTENS, **DROPS}) as given:
        monkeypatch.setattr(given.backend, "interrupted", interruption.requested)
        found = run(given, script)
    assert not found.complete
    assert len(found.addresses) == (2 if surveyed else 0)


def test_ctrl_c_in_the_survey(interrupt, monkeypatch):
    """A survey that was interrupted is judged as far as it came."""
    with world() as given:
        receive, calls = given.backend.receive, []

        def broken(until):
            calls.append(until)
            if len(calls) == 2:
                interrupt()
            return receive(until)

        monkeypatch.setattr(given.backend, "receive", broken)
        monkeypatch.setattr(given.backend, "interrupted", interruption.requested)
        script = Script()
        found = run(given, script)
    assert not found.complete
    assert len(found.addresses) == 2
    assert script.tried == {}


def test_this_machine_alone():
    """A look sends nothing and checks everything."""
    reader = CountingReader()
    found = look(reader)
    assert found.addresses == ()
    assert found.machine
    assert reader.machines == 1
