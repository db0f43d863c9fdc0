"""Destination NAT: which ports a box forwards, and the way back into the probed address's name.

Every packet of a forwarded flow that leaves the box towards the client is un-NATed: resets and SYN/ACKs,
and also ICMP errors, whoever sent them (`nf_nat_icmp_reply_translation`, net/netfilter/nf_nat_proto.c). A
time-exceeded of the NAT box itself therefore comes from the probed address.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from probe.lab.sim.packets import Flow, Frame, IcmpError, Packet
from probe.model.target import IPAddress, Port


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One forwarded port: packets to it on one of `outer`, arrived on these realms' links, go to `inner`."""

    port: Port
    outer: frozenset[IPAddress]
    inner: IPAddress
    on: frozenset[str] = frozenset()  # none: all

    def matches(self, packet: Packet, realm: str) -> bool:
        """Whether a packet that arrived on the realm's link is forwarded."""
        if packet.flow.port != self.port or packet.destination not in self.outer:
            return False
        return not self.on or realm in self.on


class Nat:
    """The forwardings of one box, and the flows that they translated."""

    def __init__(self, forwardings: Sequence[Forwarding] = ()) -> None:
        self._forwardings = tuple(forwardings)
        self._probed: dict[Flow, IPAddress] = {}  # translated flow -> address that the client asked for

    def inwards(self, packet: Packet, realm: str) -> Packet:
        """Packet as the box sees it after prerouting: translated where a forwarding matches."""
        for forwarding in self._forwardings:
            if forwarding.matches(packet, realm):
                flow = replace(packet.flow, destination=forwarding.inner)
                self._probed[flow] = packet.destination
                return replace(packet, flow=flow)
        return packet

    def outwards(self, frame: Frame) -> Frame:
        """Frame as it leaves the box: un-NATed where it belongs to a translated flow."""
        if isinstance(frame, IcmpError):
            probed = self._probed.get(frame.quoted)
            if probed is None:
                return frame
            return replace(frame, source=probed, quoted=replace(frame.quoted, destination=probed))
        probed = self._probed.get(frame.flow.back)
        return frame if probed is None else replace(frame, flow=replace(frame.flow, source=probed))
