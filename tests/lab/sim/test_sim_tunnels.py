"""Tunnels in memory: what they carry and when, and what the prober's end reports of them."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.tunnel_plan import plan_tunnel
from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES, FarEnd, Vpn, VpnKind
from probe.lab.sim.clock import Clock
from probe.lab.sim.packets import Flow, Packet
from probe.lab.sim.tunnel import INITIATION, OVERHEAD, RESPONSE, Carrier, SimTunnel, open_tunnel, why_not
from probe.model.machine import Peer
from probe.model.target import Protocol

HERE, THERE = ip_address(PROBER_ADDRESSES["vpn"]), ip_address(TARGET_ADDRESSES["vpn"])
OUT = Packet(Flow(Protocol.UDP, HERE, 40000, THERE, 53))
BACK = Packet(OUT.flow.back)
DELAY = 0.0625  # a sum of powers of two, as all times here


Loses = Callable[[], bool]


class Ends:
    """A tunnel of these settings, and what has arrived at either end, with the time."""

    def __init__(
        self, *, loses: Callable[[], bool] = lambda: False, cut: bool = False, **vpn: object
    ) -> None:
        self.clock = Clock()
        plan = plan_tunnel(Vpn(kind=VpnKind.WIREGUARD, **vpn), ["vpn"])  # type: ignore[arg-type]
        assert plan is not None
        self.tunnel: SimTunnel = open_tunnel(plan, Carrier(self.clock, DELAY, loses, cut))
        self.arrived: list[tuple[Packet, float]] = []

    def carry(self, packet: Packet, *, outwards: bool = True) -> None:
        self.tunnel.carry(packet, lambda: self.arrived.append((packet, self.clock.now)), outwards=outwards)

    def until(self, moment: float) -> list[tuple[Packet, float]]:
        while self.clock.step(moment):
            pass
        self.clock.advance(moment)
        return [(packet, at) for packet, at in self.arrived]

    @property
    def peer(self) -> Peer:
        (peer,) = self.tunnel.peers() or ()
        return peer


def test_a_handshake_comes_first() -> None:
    """The first packet waits for a round trip, the next ones for nothing."""
    ends = Ends()
    assert ends.peer.handshake_age_s is None
    ends.carry(OUT)
    assert ends.until(1.0) == [(OUT, 3 * DELAY)]
    assert ends.peer.handshake_age_s == 1.0
    assert (ends.peer.sent_bytes, ends.peer.received_bytes) == (INITIATION + OUT.size + OVERHEAD, RESPONSE)
    ends.carry(OUT)
    ends.carry(BACK, outwards=False)
    assert ends.until(2.0)[1:] == [(OUT, 1.0 + DELAY), (BACK, 1.0 + DELAY)]
    assert ends.peer.received_bytes == RESPONSE + BACK.size + OVERHEAD


def test_a_lost_handshake_is_tried_again() -> None:
    """Five seconds later; what waited is carried then."""
    lost = iter([True])
    ends = Ends(loses=lambda: next(lost, False))
    ends.carry(OUT)
    assert ends.until(4.9) == []
    assert ends.until(6.0) == [(OUT, 5.0 + 3 * DELAY)]
    assert ends.peer.sent_bytes == 2 * INITIATION + OUT.size + OVERHEAD


@pytest.mark.parametrize("far_end", [FarEnd.ABSENT, FarEnd.UNKNOWN_PEER, FarEnd.UNREACHABLE])
def test_nobody_answers(far_end: FarEnd) -> None:
    """A handshake is tried for ninety seconds; then what waited is given up, and the next one tries anew."""
    ends = Ends(far_end=far_end)
    ends.carry(OUT)
    assert ends.until(200.0) == []
    assert (ends.peer.handshake_age_s, ends.peer.sent_bytes) == (None, 18 * INITIATION)
    ends.carry(OUT)
    assert ends.until(201.0) == []
    assert ends.peer.sent_bytes == 19 * INITIATION


def test_a_session_ends() -> None:
    """After three minutes another handshake is needed, and made."""
    ends = Ends(warm=True)
    ends.carry(OUT)
    ends.until(180.5)
    ends.carry(OUT)
    assert ends.until(190.0) == [(OUT, DELAY), (OUT, 180.5 + 3 * DELAY)]
    assert ends.peer.handshake_age_s == 10.0


def test_a_far_end_that_fell_silent() -> None:
    """Of a session that was there its handshake stays, and nothing arrives."""
    ends = Ends(warm=True, far_end=FarEnd.UNREACHABLE)
    ends.carry(OUT)
    assert ends.until(5.0) == []
    assert ends.peer.handshake_age_s == 5.0


def test_a_carrier_that_is_cut() -> None:
    """A target that is off answers nothing, whatever it would have."""
    ends = Ends(warm=True, cut=True)
    ends.carry(OUT)
    assert ends.until(5.0) == []


def test_whom_no_peer_may_have() -> None:
    """A packet for an address that is not allowed goes nowhere, and begins no handshake."""
    ends = Ends(allowed=("10.88.0.77/32",))
    ends.carry(OUT)
    assert ends.until(30.0) == []
    assert (ends.peer.handshake_age_s, ends.peer.sent_bytes) == (None, 0)


def test_whom_the_far_end_does_not_take() -> None:
    """It drops what comes from an address that its peer may not have, and sends nothing there."""
    ends = Ends(warm=True, accepts=("10.88.0.99/32",))
    ends.carry(OUT)
    ends.carry(BACK, outwards=False)
    assert ends.until(5.0) == []
    assert ends.peer.received_bytes == RESPONSE


def test_what_comes_back_from_elsewhere() -> None:
    """The prober's end drops what another address than the allowed ones sends; it has received it."""
    ends = Ends(warm=True)
    unrelated = Packet(Flow(Protocol.UDP, ip_address("10.88.0.55"), 53, HERE, 40000))
    ends.carry(unrelated, outwards=False)
    assert ends.until(5.0) == []
    assert ends.peer.received_bytes > RESPONSE


def test_no_more_waits_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue for a handshake is bounded."""
    monkeypatch.setattr("probe.lab.sim.tunnel.MOST_WAITING", 3)
    ends = Ends()
    for _ in range(10):
        ends.carry(OUT)
    assert len(ends.until(1.0)) == 3


def openvpn(far_end: FarEnd) -> tuple[Vpn, Clock, Callable[[], SimTunnel]]:
    """The settings of a tunnel of OpenVPN, a clock, and what opens it."""
    clock, vpn = Clock(), Vpn(kind=VpnKind.OPENVPN, far_end=far_end)
    plan = plan_tunnel(vpn, ["vpn"])
    assert plan is not None
    return vpn, clock, lambda: open_tunnel(plan, Carrier(clock, DELAY, lambda: False))


def test_openvpn_carries_what_comes() -> None:
    """It reports no peers."""
    vpn, clock, opened = openvpn(FarEnd.SERVES)
    arrived: list[float] = []
    tunnel = opened()
    tunnel.carry(OUT, lambda: arrived.append(clock.now), outwards=True)
    assert clock.step(1.0)
    assert arrived == [DELAY]
    assert tunnel.peers() is None
    assert why_not(vpn) is why_not(None) is None


@pytest.mark.parametrize("far_end", [one for one in FarEnd if one is not FarEnd.SERVES])
def test_an_openvpn_that_is_not_through_is_refused(far_end: FarEnd) -> None:
    """Memory has none, and reports it before it is tried."""
    vpn, _, opened = openvpn(far_end)
    assert why_not(vpn) is not None
    with pytest.raises(ScenarioError, match="OpenVPN"):
        opened()
