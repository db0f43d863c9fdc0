"""Destination NAT: which ports a box forwards, and the way back into the probed address's name.

Every packet of a forwarded flow that leaves the box towards the client is un-NATed: resets and SYN/ACKs,
and also ICMP errors, whoever sent them (`nf_nat_icmp_reply_translation`, net/netfilter/nf_nat_proto.c). A
time-exceeded of the NAT box itself therefore comes from the probed address.

What connection tracking finds invalid is not translated, and meets the box itself: a FIN of no connection,
and where it is not loose (net.netfilter.nf_conntrack_tcp_loose=0) also an ACK of none (`tcp_conntracks`,
net/netfilter/nf_conntrack_proto_tcp.c).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from probe.lab.sim.packets import Flow, Frame, IcmpError, Packet, Tcp
from probe.model.target import IPAddress, Port


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One forwarded port: packets to it on one of `outer` go to `inner`.

    With `loopback` those to 127.0.0.0/8 too: NAT comes before such packets are dropped.
    """

    port: Port
    outer: frozenset[IPAddress]
    inner: IPAddress
    loopback: bool = False

    def matches(self, packet: Packet) -> bool:
        """Whether a packet is forwarded."""
        destination = packet.destination
        loopback = self.loopback and destination.is_loopback and destination.version == self.inner.version
        return packet.flow.port == self.port and (loopback or destination in self.outer)


@dataclass(frozen=True, slots=True)
class Guard:
    """A forward chain that lets pass what is for these ports of `inner`, and what comes from it."""

    inner: IPAddress
    ports: frozenset[Port]

    def passes(self, packet: Packet) -> bool:
        """Whether a packet may be forwarded."""
        welcome = packet.destination == self.inner and packet.flow.port in self.ports
        return welcome or packet.source == self.inner


class Nat:
    """The forwardings of one box, and the flows that they translated."""

    def __init__(self, forwardings: Sequence[Forwarding] = (), *, loose: bool = True) -> None:
        self._forwardings = tuple(forwardings)
        self._invalid = Tcp.FIN if loose else Tcp.FIN | Tcp.ACK  # in what begins a flow
        self._probed: dict[Flow, IPAddress] = {}  # translated flow -> address that the client asked for

    def inwards(self, packet: Packet) -> Packet:
        """Packet as the box sees it after prerouting: translated where a forwarding matches."""
        for forwarding in self._forwardings:
            if forwarding.matches(packet):
                flow = replace(packet.flow, destination=forwarding.inner)
                if packet.flags & self._invalid and flow not in self._probed:
                    return packet
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
