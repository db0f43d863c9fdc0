"""Tunnels read after a scan, asked again, or woken before: in virtual time, handshakes by a script."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest
from scripted_network import ScriptedNetwork, answering
from varied import replace

from probe import interruption
from probe.app.scan import scan
from probe.app.session import Backends
from probe.app.stages import collect
from probe.app.tunnels import PATIENCE_S, SECOND_HANDSHAKE_S, warm_up
from probe.errors import NothingMeasuredError
from probe.model.facts import LinkKind, Route, TunnelHealth
from probe.model.machine import Link, Peer, Tunnel, TunnelKind
from probe.model.plan import Timing
from probe.model.probing import Reason, Reply
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

LAN, VPN, SOURCE = map(ip_address, ("192.168.77.10", "10.88.0.10", "10.88.0.2"))
TARGET = ResolvedTarget(
    (TargetAddress(LAN, "lan"), TargetAddress(VPN, "vpn")),
    (Port(Protocol.TCP, 8000), Port(Protocol.TCP, 8001)),
)
TIMING = Timing(timeout=0.2, retries=1)
ENDPOINT = (ip_address("198.51.100.1"), 51820)
LINK = Link("wg0", LinkKind.TUNNEL, up=True, running=True)


@dataclass
class TunnelMachine:
    """A prober with a LAN and a tunnel whose latest handshake was at `shaken` on the network's clock."""

    network: ScriptedNetwork
    shaken: float | None = None
    endpoint: tuple | None = ENDPOINT
    sent_bytes: int = 148
    routed: bool = True
    up: bool = True
    read_at: list = field(default_factory=list)
    while_read: Callable[[], None] = lambda: None

    def route(self, destination):
        if destination == LAN:
            return Route(LAN, ip_address("192.168.77.2"), "eth0", LinkKind.ETHERNET, 1500, on_link=True)
        if not self.routed:
            return Route(VPN, reachable=False)
        return Route(VPN, SOURCE, "wg0", LinkKind.TUNNEL, 1420)

    def neighbour(self, destination):
        return None

    def own_addresses(self):
        return frozenset({SOURCE})

    def tunnels(self):
        now = self.network.now()
        self.read_at.append(now)
        self.while_read()
        interruption.check()
        age = None if self.shaken is None or self.shaken > now else now - self.shaken
        allowed = (ip_network("10.88.0.0/24"),)
        peer = Peer("key", allowed, self.endpoint, age, sent_bytes=self.sent_bytes)
        link = replace(LINK, up=self.up)
        return (Tunnel(link, TunnelKind.WIREGUARD, peers=(peer,)),)


def answers_from(opens_at: float):
    """The LAN refuses at once; the VPN does so for what is sent from a moment on."""

    def script(probe, now):
        if probe.question.ttl is not None or probe.question.min_ttl is not None:
            return ()
        if probe.question.address == VPN and now < opens_at:
            return ()
        return [Reply(probe.id, Reason.RESET, now + 0.01, probe.question.address)]

    return script


def surveyed(opens_at: float, timing: Timing = TIMING, **facts):
    """Both surveys, and the machine, which knows when it was asked."""
    network = ScriptedNetwork(answers_from(opens_at))
    machine = TunnelMachine(network, **facts)
    found = collect(TARGET, timing, Backends(network, machine)).surveys
    return found, machine


def test_where_everything_answers_no_tunnel_is_read():
    """A scan that is well pays nothing."""
    (lan, vpn), machine = surveyed(0.0, shaken=-10.0)
    assert machine.read_at == []
    assert (lan.tunnel, vpn.tunnel, vpn.tunnel_name) == (None, None, None)


def test_a_session_that_stood_before_makes_silence_count():
    """It is read once, nothing is asked again."""
    (lan, vpn), machine = surveyed(9e9, shaken=-10.0)
    assert len(machine.read_at) == 1
    assert machine.read_at[0] < 2
    assert (lan.tunnel, vpn.tunnel, vpn.tunnel_name) == (None, TunnelHealth.FRESH, "wg0")


@pytest.mark.parametrize("shaken", [0.3, 5.2])  # seconds: a long way; the first message lost
def test_silence_before_the_session_is_asked_again(shaken):
    """What comes once the session is there takes the place of the silence; the LAN is not asked twice."""
    (lan, vpn), machine = surveyed(shaken, shaken=shaken)
    assert {o.reason for o in vpn.observations} == {Reason.RESET}
    assert vpn.tunnel is TunnelHealth.FRESH
    asked = [p for _, p in machine.network.sent if p.question.address == LAN and p.question.ttl is None]
    assert len({p.question for p in asked}) == len(asked)
    assert {o.reason for o in lan.observations} == {Reason.RESET}


def test_silence_after_the_session_began_stays():
    """An address that is silent when the tunnel is warm too is silent."""
    (_, vpn), machine = surveyed(9e9, shaken=0.3)
    assert {o.reason for o in vpn.observations} == {Reason.NO_RESPONSE}
    assert vpn.tunnel is TunnelHealth.FRESH
    assert len(machine.read_at) == 1


@pytest.mark.parametrize(("shaken", "health"), [(None, TunnelHealth.NEVER), (-900.0, TunnelHealth.STALE)])
def test_a_handshake_is_waited_for_before_a_tunnel_is_called_down(shaken, health):
    """The second try at a handshake comes 5 s after the first; it is waited for once."""
    (_, vpn), machine = surveyed(9e9, shaken=shaken)
    assert vpn.tunnel is health
    assert len(machine.read_at) == 2
    assert machine.read_at[1] == pytest.approx(SECOND_HANDSHAKE_S, abs=0.1)


@pytest.mark.parametrize(
    ("timing", "facts"),
    [
        (TIMING, {"endpoint": None}),  # to whom?
        (TIMING, {"sent_bytes": 296}),  # the second try has been made
        (Timing(timeout=0.2, retries=0), {}),  # one try was asked for
        (TIMING, {"routed": False}),  # nothing goes into it
    ],
)
def test_no_handshake_is_waited_for_in_vain(timing, facts):
    """Where none can come, where the second one was lost too, or where patience was not asked for."""
    (_, vpn), machine = surveyed(9e9, timing, **facts)
    assert len(machine.read_at) == 1
    assert vpn.tunnel is TunnelHealth.NEVER


def test_an_address_without_a_known_tunnel_has_no_health():
    """No tunnel has the LAN's address, however silent it is."""
    network = ScriptedNetwork(lambda probe, now: ())
    machine = TunnelMachine(network, shaken=-10.0)
    lan, vpn = collect(TARGET, TIMING, Backends(network, machine)).surveys
    assert (lan.tunnel, lan.tunnel_name, vpn.tunnel) == (None, None, TunnelHealth.FRESH)


def test_a_target_behind_a_tunnel_that_is_off_is_not_measured():
    """One line names the tunnel to switch on."""
    network = ScriptedNetwork(lambda probe, now: [Reply(probe.id, Reason.NO_ROUTE, now)])
    machine = TunnelMachine(network, routed=False, up=False)
    alone = ResolvedTarget(TARGET.addresses[1:], TARGET.ports)
    with pytest.raises(NothingMeasuredError, match=r"sent to 10\.88\.0\.10: the tunnel wg0 is switched off"):
        scan(alone, TIMING, Backends(network, machine))


def test_ctrl_c_while_tunnels_are_read_keeps_what_was_measured(interrupt):
    """The scan ends with the answers that it has."""
    network = ScriptedNetwork(answers_from(9e9))
    machine = TunnelMachine(network, while_read=interrupt)
    report = scan(TARGET, TIMING, Backends(network, machine))
    assert not report.complete
    assert {o.reason for o in report.ports[0].observations} == {Reason.RESET, Reason.NO_RESPONSE}


def test_an_interrupted_scan_reads_no_tunnel(interrupt):
    """Ctrl-C during the probes ends the scan at once."""
    network = ScriptedNetwork(answers_from(9e9))
    machine = TunnelMachine(network)
    (_, vpn) = collect(TARGET, TIMING, Backends(network, machine), progress=interrupt).surveys
    assert machine.read_at == []
    assert vpn.tunnel is None


def test_the_report_has_the_health_beside_the_condition():
    """JSON has `tunnel` on the address's row; the table shows the condition above the answers."""
    network = ScriptedNetwork(answers_from(9e9))
    report = scan(TARGET, TIMING, Backends(network, TunnelMachine(network)))
    lan, vpn = report.addresses
    assert (lan.condition, lan.tunnel) == ("clear", None)
    assert (vpn.condition, vpn.tunnel) == ("tunnel-down", "never")
    assert {o.condition for p in report.ports for o in p.observations if o.realm == "vpn"} == {"tunnel-down"}
    assert report.ports[0].why.startswith("refused on lan; tunnel down on vpn: ")
    alone = ResolvedTarget(TARGET.addresses[:1], TARGET.ports)
    without = scan(alone, TIMING, Backends(network, TunnelMachine(network)))
    assert {p.binding for p in without.ports} == {"loopback-or-not-listening"}
    assert {p.binding for p in report.ports} == {"undetermined"}  # the VPN address alone may be bound
    for port in report.ports:
        assert any(c.bound_to == (VPN,) and c.probability > 0.1 for c in port.candidates)


FAR = ip_address("10.99.0.10")
COLD = {"vpn": TargetAddress(VPN, "vpn"), "tun1": TargetAddress(FAR, "vpn")}
UNUSED = Port(Protocol.TCP, 1006)


def never(name, address) -> bool:
    """A tunnel that does not come up."""
    return False


def test_a_warm_tunnel_costs_one_probe():
    """What answers at once is left alone."""
    network = answering(VPN, FAR)
    warm_up(COLD, UNUSED, network, never)
    assert len(network.sent) == 2
    assert network.now() < 0.1


def test_a_cold_one_is_woken():
    """Probes go on until one is answered; the tunnel that is warm already is not asked again."""
    network = answering(VPN, FAR, after=2)
    warm_up(COLD, UNUSED, network, lambda name, address: name == "tun1")
    assert [probe.question.address for _, probe in network.sent] == [VPN, FAR, VPN, VPN]
    assert network.now() < 1


def test_a_handshake_is_enough():
    """A host that drops everything is not waited for once its tunnel is up."""
    network = answering()
    looks = iter([False, False, True])
    warm_up({"vpn": COLD["vpn"]}, UNUSED, network, lambda name, address: next(looks))
    assert len(network.sent) == 3


def test_a_dead_one_is_given_up():
    """Patience ends."""
    network = answering()
    warm_up(COLD, UNUSED, network, never)
    assert PATIENCE_S <= network.now() < PATIENCE_S + 0.1


def test_an_error_ends_it_too():
    """Where this machine refuses, or a router does, waiting brings nothing."""
    network = answering(VPN, FAR, reason=Reason.HOST_UNREACH)
    warm_up(COLD, UNUSED, network, never)
    assert len(network.sent) == 2


def test_no_tunnel_no_packet():
    """Where nothing is cold, nothing is sent."""
    network = answering()
    warm_up({}, UNUSED, network, never)
    assert network.sent == []


def test_where_everything_answers_the_inference_is_not_waited_for():
    """What follows, the second asking, goes out while it is loaded."""
    code = (
        "import sys\n"
        "from ipaddress import ip_address\n"
        "from probe.app.tunnels import TunnelFacts\n"
        "from probe.engine.run import Outcome\n"
        "from probe.engine.scan import Counts\n"
        "from probe.model.facts import AddressSurvey\n"
        "from probe.model.probing import Observation, Question, Reason\n"
        "from probe.model.target import Port, Protocol, TargetAddress\n"
        "ip = ip_address('192.0.2.1')\n"
        "question = Question(ip, Port(Protocol.TCP, 8000))\n"
        "refused = Observation(question, Reason.RESET, attempts=1, answered=1, sender=ip)\n"
        "survey = AddressSurvey(TargetAddress(ip, 'lan'), (refused,))\n"
        "outcome = Outcome((survey,), Counts(), 0.0, complete=True)\n"
        "assert TunnelFacts(None, None).added(outcome, None) is outcome\n"
        "sys.exit('probe.inference' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
