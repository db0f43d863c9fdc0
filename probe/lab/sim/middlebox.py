"""What a box on the way does with TCP handshakes that are not for it.

A SYN proxy answers the client's SYN itself, asks the target only when the client's ACK came, and passes on
what the target then sends: a reset, if nothing listens there. A box that answers everything never asks the
target at all.
"""

from collections.abc import Container
from enum import StrEnum

from probe.lab.sim.packets import DEFAULT_TTL, Flow, Frame, Packet, Tcp
from probe.model.target import Port, Protocol


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
        if packet.flags == Tcp.SYN:
            self._stages[packet.flow] = _Stage.OFFERED
            return (packet.answer(Tcp.SYN | Tcp.ACK),)
        if packet.flags == Tcp.ACK and self._stages.get(packet.flow) is _Stage.OFFERED:
            self._stages[packet.flow] = _Stage.ASKED
            return (Packet(packet.flow, Tcp.SYN),)
        return None

    def _from_target(self, packet: Packet) -> tuple[Frame, ...] | None:
        client = packet.flow.back
        if Tcp.RST in packet.flags:
            del self._stages[client]
            return None
        if packet.flags == Tcp.SYN | Tcp.ACK:
            self._stages[client] = _Stage.JOINED
            return (Packet(client, Tcp.ACK, DEFAULT_TTL),)
        return None


def answer_for_all(packet: Packet) -> tuple[Frame, ...] | None:
    """What a box that completes every handshake sends in the target's name; None: not its business."""
    if packet.flow.protocol is not Protocol.TCP:
        return None
    return (packet.answer(Tcp.SYN | Tcp.ACK),) if packet.flags == Tcp.SYN else ()
