"""What a box on the way does with TCP handshakes that are not for it.

A SYN proxy answers the client's SYN itself, asks the target only when the client's ACK came, and passes on
what the target then sends: a reset, if nothing listens there. Its SYN/ACK has a window of 0 until it knows
the target's (`synproxy_send_client_synack`, net/netfilter/nf_synproxy_core.c). A box that answers everything
leads every flow to a server of its own and never asks the target at all.
"""

from collections.abc import Container
from dataclasses import replace
from enum import StrEnum
from ipaddress import ip_address

from probe.lab.scenario import Serves
from probe.lab.sim.packets import DEFAULT_TTL, SYN_ACK, Flow, Frame, Packet, Tcp
from probe.lab.sim.sockets import ListeningSocket
from probe.lab.sim.stack import Stack
from probe.model.probing import TcpOptions
from probe.model.target import Port, Protocol

_OPTIONS = TcpOptions(mss=1460)  # without timestamps it has no room to remember the others
_SERVER = Port(Protocol.TCP, 40999)


class _Stage(StrEnum):
    OFFERED = "offered"  # the client has a SYN/ACK of the proxy's
    ASKED = "asked"  # the target has a SYN in the client's name
    JOINED = "joined"


class SynProxy:
    """The proxied flows of one box, keyed by the client's direction."""

    def __init__(self, ports: Container[Port]) -> None:
        self._ports = ports
        self._stages: dict[Flow, _Stage] = {}

    def intercept(self, packet: Packet) -> tuple[Frame, ...] | None:
        """What the proxy sends instead of forwarding `packet`; None where it lets it pass."""
        if packet.flow.port in self._ports:
            return self._from_client(packet)
        if self._stages.get(packet.flow.back) is _Stage.ASKED:
            return self._from_target(packet)
        return None

    def _from_client(self, packet: Packet) -> tuple[Frame, ...] | None:
        stage = self._stages.get(packet.flow)
        if packet.flags == Tcp.SYN:
            self._stages[packet.flow] = _Stage.OFFERED
            return (replace(packet.answer(SYN_ACK), options=_OPTIONS),)
        if stage is _Stage.OFFERED and packet.flags == Tcp.ACK:
            self._stages[packet.flow] = _Stage.ASKED
            return (Packet(packet.flow, Tcp.SYN),)
        known = stage in {_Stage.ASKED, _Stage.JOINED}
        return None if known else ()  # of no handshake that it saw: dropped

    def _from_target(self, packet: Packet) -> tuple[Frame, ...] | None:
        client = packet.flow.back
        if Tcp.RST in packet.flags:
            del self._stages[client]
            return None
        if packet.flags == SYN_ACK:
            self._stages[client] = _Stage.JOINED
            return (Packet(client, Tcp.ACK, DEFAULT_TTL),)
        return None


class Interceptor:
    """A box that completes every TCP handshake which comes from one realm, in everybody's name.

    It leads the flows to a server of its own, by NAT: a FIN of no connection is not translated (see `nat`).
    """

    def __init__(self, realm: str) -> None:
        self._realm = realm
        socket = ListeningSocket(_SERVER, ip_address("::"), None, v6only=False, serves=Serves.HOLD)
        self._stack = Stack((socket,))

    def intercept(self, packet: Packet, realm: str) -> tuple[Frame, ...] | None:
        """What the box sends in the destination's name; None: not its business."""
        if realm != self._realm or packet.flow.protocol is not Protocol.TCP or packet.flags == Tcp.FIN:
            return None
        led = replace(packet, flow=replace(packet.flow, destination_port=_SERVER.number))
        answers = self._stack.answers(led, realm, None)
        return tuple(replace(a, flow=packet.flow.back) for a in answers if isinstance(a, Packet))
