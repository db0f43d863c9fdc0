"""The rounds of raw follow-ups: sockets first, then what is still in doubt, until nothing is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork
from varied import replace

from probe.app import stages
from probe.app.plan import make_plan
from probe.app.scan import scan
from probe.app.session import Backends
from probe.app.stages import collect
from probe.engine.backend import Done, NoClients
from probe.errors import NothingMeasuredError
from probe.model.binding import Binding
from probe.model.facts import LinkKind, Route
from probe.model.identity import Key, KeyKind
from probe.model.plan import FollowUp, RawPermissions, Timing
from probe.model.probing import Header, Probe, PurposeRule, Question, Reason, Reply, Role, Shape
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

LAN, VPN = ip_address("192.168.77.10"), ip_address("10.88.0.10")
WEB = Port(Protocol.TCP, 8000)
TARGET = ResolvedTarget((TargetAddress(LAN, "lan"), TargetAddress(VPN, "vpn")), (WEB,))
MAC = "52:54:00:12:34:56"
MARKED = Header(tos=0x68, window=0)
TIMING = Timing(timeout=0.2, retries=1)
KEY = Key(KeyKind.SSH, "ssh-ed25519", "SHA256:one")


@dataclass
class ScriptedMachine:
    """A prober with a LAN and a tunnel."""

    link_asked: list = field(default_factory=list)

    def route(self, destination):
        lan = destination == LAN
        return Route(
            destination,
            source=ip_address("192.168.77.2" if lan else "10.88.0.2"),
            interface="eth0" if lan else "wg0",
            kind=LinkKind.ETHERNET if lan else LinkKind.TUNNEL,
            on_link=lan,
        )

    def neighbour(self, destination):
        return None

    def link_address(self, destination):
        self.link_asked.append(destination)
        return MAC

    def tunnels(self):
        return ()

    def own_addresses(self):
        return frozenset({ip_address("192.168.77.2"), ip_address("10.88.0.2")})


class ScriptedClients(NoClients):
    """Clients that find one key everywhere, and note where they asked."""

    def __init__(self, while_asked: Callable[[], None] = lambda: None):
        self.keys_asked: list = []
        self._while_asked = while_asked

    def keys(self, wanted):
        self.keys_asked.append(wanted)
        self._while_asked()
        return Done(dict.fromkeys(wanted, (KEY,)))


def answer(probe: Probe, now: float, reason: Reason | None, header: Header | None = None) -> list[Reply]:
    if reason is None:
        return []
    return [Reply(probe.id, reason, now + 0.01, sender=probe.question.address, header=header)]


def lan_open_vpn_silent(probe: Probe, now: float) -> list[Reply]:
    """What sockets get: the port is open on the LAN and silent on the VPN, controls are refused."""
    question = probe.question
    if question.ttl is not None or question.min_ttl is not None:
        return []
    if question.port != WEB:
        return answer(probe, now, Reason.RESET)
    return answer(probe, now, Reason.SYN_ACK if question.address == LAN else None)


def dropped_on_the_vpn(probe: Probe, now: float) -> list[Reply]:
    """What raw packets get: the LAN accepts for the VPN's address; the VPN drops openings only."""
    question = probe.question
    if question.hop is not None:
        tcp = question.shape is Shape.OPENING
        return answer(probe, now, Reason.SYN_ACK if tcp else None, Header(window=65160))
    if question.shape is Shape.ACK:
        return answer(probe, now, Reason.RESET, MARKED)
    return []


@dataclass
class Scanned:
    """One survey, with all it was made with."""

    raw: ScriptedNetwork
    sockets: ScriptedNetwork
    machine: ScriptedMachine
    surveys: tuple


def survey(raw=dropped_on_the_vpn, connect=lan_open_vpn_silent, permissions=None, **machine) -> Scanned:
    """Measure the target over two scripted networks."""
    sockets, packets, host = ScriptedNetwork(connect), ScriptedNetwork(raw), ScriptedMachine(**machine)
    backends = Backends(sockets, host, packets, permissions or RawPermissions(fin=True, loopback=True))
    return Scanned(packets, sockets, host, collect(TARGET, TIMING, backends).surveys)


def questions(scanned: Scanned) -> list:
    """The raw questions, each as often as it was asked for the first time."""
    return [probe.question for _, probe in scanned.raw.sent if probe.attempt == 1]


def test_doubts_are_followed_up_in_rounds():
    """An ACK that is reset raises the question of the FIN, in the next round; nothing is asked twice."""
    scanned = survey()
    asked = questions(scanned)
    assert len(asked) == len(set(asked))
    shapes = [q.shape for q in asked if q.address == VPN and q.hop is None and q.role is Role.TESTED]
    assert shapes == [Shape.OPENING, Shape.ACK, Shape.FIN]
    traced = [trace.observation.question for one in scanned.surveys for trace in one.traces]
    assert sorted(map(str, traced)) == sorted(map(str, asked))


def test_the_surveys_keep_their_order_and_know_their_neighbours():
    """The target's own order holds, and only a neighbour is looked up in the table."""
    scanned = survey()
    assert [one.address.ip for one in scanned.surveys] == [LAN, VPN]
    assert [one.link_address for one in scanned.surveys] == [MAC, None]
    assert scanned.machine.link_asked == [LAN]


def test_frames_cross_the_link_of_the_neighbour():
    """What is for the VPN address is handed to the machine on the LAN, and decides."""
    scanned = survey()
    frames = [q for q in questions(scanned) if q.hop is not None and q.port == WEB and q.address == VPN]
    assert {(q.address, q.hop.interface, q.hop.link_address, q.ttl) for q in frames} == {
        (VPN, "eth0", MAC, 1)
    }


def test_no_raw_packets_without_the_means():
    """Sockets alone ask for no link addresses and leave no traces."""
    sockets, host = ScriptedNetwork(lan_open_vpn_silent), ScriptedMachine()
    surveys = collect(TARGET, TIMING, Backends(sockets, host)).surveys
    assert not any(one.traces for one in surveys)
    assert host.link_asked == []


@pytest.mark.parametrize(
    ("permissions", "shapes"), [(RawPermissions(), set()), (RawPermissions(fin=True), {Shape.FIN})]
)
def test_what_looks_hostile_takes_the_users_word(permissions, shapes):
    """Without the word no FIN and no frame for loopback leaves."""
    asked = questions(survey(permissions=permissions))
    assert {q.shape for q in asked} & {Shape.FIN} == shapes
    assert not any(q.address.is_loopback for q in asked)


def test_no_more_than_three_rounds(monkeypatch):
    """Where every round raises new questions the third is the last, and all three are kept."""
    calls = []

    def curious(surveys, running, permissions):
        calls.append(surveys)
        question = Question(LAN, Port(Protocol.TCP, 20000 + len(calls)))
        return {LAN: (FollowUp(question, PurposeRule.WHOSE_RESET),)}

    monkeypatch.setattr("probe.inference.follow_ups", curious)
    scanned = survey()
    assert len(calls) == 3
    assert [t.observation.question.port.number for t in scanned.surveys[0].traces] == [20001, 20002, 20003]
    assert scanned.surveys[1].traces == ()


def test_the_plan_s_deadline_bounds_the_rounds(monkeypatch):
    """Raw packets get what time the sockets left, and no more."""

    def hurried(*given, **more):
        return replace(make_plan(*given, **more), deadline=0.3)

    monkeypatch.setattr(stages, "make_plan", hurried)
    scanned = survey()
    assert scanned.sockets.now() + scanned.raw.now() <= 0.3 + 1e-6


def test_the_raw_scan_is_one_report():
    """Probes and time of all rounds are counted; the verdict is that of the raw evidence."""
    machine = ScriptedMachine()
    networks = ScriptedNetwork(lan_open_vpn_silent), ScriptedNetwork(dropped_on_the_vpn)
    report = scan(TARGET, TIMING, Backends(networks[0], machine, networks[1], RawPermissions()))
    assert report.engine == "raw"
    assert report.stats.sent == sum(len(network.sent) for network in networks)
    (port,) = report.ports
    assert port.binding == Binding.WILDCARD
    plain = scan(TARGET, TIMING, Backends(ScriptedNetwork(lan_open_vpn_silent), ScriptedMachine()))
    assert plain.engine == "connect"
    assert plain.ports[0].binding == Binding.UNDETERMINED


def duplicated(probe: Probe, now: float) -> list[Reply]:
    """Every answer comes twice, and a forger adds one of his own behind it."""
    answers = dropped_on_the_vpn(probe, now)
    forged = [Reply(probe.id, Reason.RESET, now + 0.02, sender=VPN, header=Header(tos=0x10))]
    return [*answers, *answers, *(forged if answers else [])]


def test_duplicates_and_forgeries_behind_an_answer_change_nothing():
    """The surveys are the same, so is what is concluded of them."""
    assert survey(duplicated).surveys == survey().surveys


class InterruptedNetwork(ScriptedNetwork):
    """A network that the user interrupts at the first answer."""

    def __init__(self, script, interrupt):
        super().__init__(script)
        self._interrupt = interrupt

    def receive(self, until):
        found = super().receive(until)
        if found:
            self._interrupt()
        return found


@pytest.mark.parametrize("kind", ["sockets", "keys"])
def test_an_interrupted_scan_sends_no_raw_packets(kind, interrupt):
    """Ctrl-C among the sockets, or while keys are asked for, ends the scan: no follow-ups."""

    def both_open(probe, now):
        tested = probe.question.role is Role.TESTED and probe.question.ttl in {None, 1}
        return answer(probe, now, Reason.SYN_ACK if tested else Reason.RESET)

    ssh = ResolvedTarget(TARGET.addresses, (Port(Protocol.TCP, 22),))
    sockets = InterruptedNetwork(both_open, interrupt) if kind == "sockets" else ScriptedNetwork(both_open)
    packets = ScriptedNetwork(dropped_on_the_vpn)
    clients = ScriptedClients(while_asked=interrupt)
    collect(ssh, TIMING, Backends(sockets, ScriptedMachine(), packets, clients=clients))
    assert bool(clients.keys_asked) is (kind == "keys")
    assert packets.sent == []


def test_an_interrupted_round_keeps_what_is_known(interrupt):
    """Ctrl-C among the raw packets ends the rounds; what sockets received is reported as it was."""
    sockets, packets = ScriptedNetwork(lan_open_vpn_silent), InterruptedNetwork(dropped_on_the_vpn, interrupt)
    surveys = collect(
        TARGET, TIMING, Backends(sockets, ScriptedMachine(), packets, RawPermissions(fin=True))
    ).surveys
    assert [one.address.ip for one in surveys] == [LAN, VPN]
    assert surveys[0].tested()[WEB].reason is Reason.SYN_ACK
    assert not any(probe.question.shape is Shape.FIN for _, probe in packets.sent)


def test_keys_are_asked_where_ports_are_open_on_both():
    """The keys that services show are part of the surveys."""

    def both_open(probe, now):
        tested = probe.question.role is Role.TESTED and probe.question.ttl in {None, 1}
        return answer(probe, now, Reason.SYN_ACK if tested else Reason.RESET)

    ssh = Port(Protocol.TCP, 22)
    backends = Backends(ScriptedNetwork(both_open), ScriptedMachine(), clients=ScriptedClients())
    surveys = collect(ResolvedTarget(TARGET.addresses, (ssh,)), TIMING, backends).surveys
    assert [one.keys for one in surveys] == [{ssh: (KEY,)}, {ssh: (KEY,)}]


def test_nothing_measured_is_an_error():
    """Where no probe could be sent there is no report."""
    backends = Backends(
        ScriptedNetwork(lambda probe, now: answer(probe, now, Reason.NO_ROUTE)), ScriptedMachine()
    )
    with pytest.raises(NothingMeasuredError, match=r"192\.168\.77\.10, 10\.88\.0\.10"):
        scan(TARGET, TIMING, backends)
