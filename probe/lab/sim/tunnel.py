"""Tunnels between the prober and the target: what they carry, when, and what the prober's end reports of it.

WireGuard as its whitepaper has it: packets for an address that no peer may have go nowhere, others wait for a
handshake; one is tried again every 5 s, a session lives for 180 s, and either end takes only packets from
addresses that the other may have. OpenVPN is through, or it is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from math import floor
from typing import Protocol

from probe.errors import ScenarioError
from probe.lab.netns.tunnel_plan import PORTS, TunnelPlan, private_key
from probe.lab.scenario import CARRIER_ADDRESSES, FarEnd, Vpn, VpnKind
from probe.lab.sim.clock import Clock
from probe.lab.sim.packets import Frame
from probe.model.machine import Network, Peer, TunnelKind
from probe.model.target import IPAddress
from probe.model.tunnel_state import REJECT_AFTER_S, REKEY_TIMEOUT_S

MTU = {VpnKind.WIREGUARD: 1420, VpnKind.OPENVPN: 1500}  # bytes: of the programs themselves
INITIATION, RESPONSE, OVERHEAD = 148, 92, 32  # bytes of UDP payload (whitepaper section 5.4)
MOST_TRIES = 18  # of a handshake: for 90 s (REKEY_ATTEMPT_TIME)
MOST_WAITING = 1024  # packets that wait for one (wireguard-go, QueueStagedSize and more)


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries the tunnel's own packets. `delay`: seconds, one way. `loses`: whether the next is lost."""

    clock: Clock
    delay: float
    loses: Callable[[], bool]
    cut: bool = False  # it loses everything

    def carry(self, arrive: Callable[[], None]) -> None:
        """Bring one packet to the other end."""
        if not self.cut and not self.loses():
            self.clock.after(self.delay, arrive)


class SimTunnel(Protocol):
    """A tunnel of a world, as the wire that it is to both of its ends."""

    kind: TunnelKind
    largest_segment: int | None  # bytes, to which it cuts what a SYN/ACK announces; None: it cuts nothing

    def carry(self, frame: Frame, arrive: Callable[[], None], *, outwards: bool) -> None:
        """Take a frame from the prober (`outwards`), or from the target; `arrive` hands it over."""

    def peers(self) -> tuple[Peer, ...] | None:
        """What the prober's end reports of its peers; None: such a tunnel has none."""


def open_tunnel(plan: TunnelPlan, carrier: Carrier) -> SimTunnel:
    """Make the tunnel of a scenario, with a handshake behind it where the scenario has it warm.

    Raises:
        ScenarioError: memory has no such tunnel.
    """
    if plan.vpn.kind is VpnKind.WIREGUARD:
        return SimWireGuard(plan, carrier)
    lacking = why_not(plan.vpn)
    if lacking is not None:
        raise ScenarioError(lacking)
    return SimOpenVpn(carrier)


def why_not(vpn: Vpn | None) -> str | None:
    """Find why memory has no such tunnel; None: it has, or none is wanted."""
    if vpn is None or vpn.kind is not VpnKind.OPENVPN or vpn.far_end is FarEnd.SERVES:
        return None
    return "when an OpenVPN that does not get through gives up is known to its program, and memory has none"


class SimOpenVpn:
    """A tunnel that is through."""

    kind = TunnelKind.OPENVPN
    largest_segment: int | None = 1400  # as its program has it (openvpn(8), --mssfix), measured with 2.6

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def carry(self, frame: Frame, arrive: Callable[[], None], *, outwards: bool) -> None:
        """Carry whatever comes."""
        del frame, outwards
        self._carrier.carry(arrive)

    def peers(self) -> tuple[Peer, ...] | None:
        """None: it has none that a tool reports."""
        return None


class SimWireGuard:
    """A tunnel of WireGuard, both ends of it."""

    kind = TunnelKind.WIREGUARD
    largest_segment: int | None = None

    def __init__(self, plan: TunnelPlan, carrier: Carrier) -> None:
        self._allowed, self._accepts = _networks(plan.allowed), _networks(plan.accepts)
        self._answers = plan.vpn.far_end is FarEnd.SERVES
        self._carrier = carrier
        self._clock = carrier.clock
        self._shaken: float | None = None  # when the latest handshake was made
        self._waiting: list[tuple[Frame, Callable[[], None]]] = []
        self._tries = 0  # of the handshake under way; none is, at 0
        self._sent = self._received = 0  # bytes, at the prober's end
        if plan.vpn.warm:
            self._shaken = self._clock.now
            self._sent, self._received = INITIATION + OVERHEAD, RESPONSE

    def carry(self, frame: Frame, arrive: Callable[[], None], *, outwards: bool) -> None:
        """Send a frame into the tunnel, or have it wait for a session, or lose it."""
        if not _has(self._allowed if outwards else self._accepts, frame.destination):
            return
        if outwards and not self._is_fresh():
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((frame, arrive))
            if not self._tries:
                self._initiate()
            return
        self._send(frame, arrive, outwards=outwards)

    def peers(self) -> tuple[Peer, ...]:
        """The one peer. A handshake's time is given in whole seconds."""
        age = None if self._shaken is None else self._clock.now - floor(self._shaken)
        endpoint = ip_address(CARRIER_ADDRESSES["target"]), PORTS[VpnKind.WIREGUARD]
        key = private_key("target's public half")
        return (Peer(key, self._allowed, endpoint, age, self._sent, self._received),)

    def _is_fresh(self) -> bool:
        return self._shaken is not None and self._clock.now - self._shaken <= REJECT_AFTER_S

    def _send(self, frame: Frame, arrive: Callable[[], None], *, outwards: bool) -> None:
        if outwards:
            self._sent += frame.size + OVERHEAD
        if self._answers:
            self._carrier.carry(partial(self._arrive, frame, arrive, outwards=outwards))

    def _arrive(self, frame: Frame, arrive: Callable[[], None], *, outwards: bool) -> None:
        """Take a frame off the carrier; what comes from an address that the peer may not have is dropped."""
        if not outwards:
            self._received += frame.size + OVERHEAD
        if _has(self._accepts if outwards else self._allowed, frame.source):
            arrive()

    # --- handshakes ---

    def _initiate(self) -> None:
        """Send the first message of a handshake, and again while there is none."""
        if self._is_fresh() or self._tries >= MOST_TRIES:
            self._tries = 0
            self._waiting.clear()
            return
        self._tries += 1
        self._sent += INITIATION
        if self._answers:
            self._carrier.carry(partial(self._carrier.carry, self._shake))
        self._clock.after(REKEY_TIMEOUT_S, self._initiate)

    def _shake(self) -> None:
        """The far end's answer is here: send what has waited."""
        self._shaken = self._clock.now
        self._received += RESPONSE
        waiting, self._waiting = self._waiting, []
        for frame, arrive in waiting:
            self._send(frame, arrive, outwards=True)


def _networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


def _has(networks: Sequence[Network], address: IPAddress) -> bool:
    return any(address in network for network in networks)
