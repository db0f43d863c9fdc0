"""Raw packets in the world in memory, behind the engine's seam: beside its sockets.

Which packet asks, and which one answers, is decided as for real ones (`probe.wire.exchange`). Lives here: how
the records of `probe.wire.packet` are packets of this world, and packets of this world such records.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from probe.lab.scenario_hosts import Action
from probe.lab.sim.clock import Inbox
from probe.lab.sim.host import KINDS, LOOPBACK
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.node import Arrival
from probe.lab.sim.packets import NO_FLAGS, RESET_ACK, SYN_ACK, Flow, Frame, IcmpError, Packet, Tcp
from probe.lab.sim.prober import NOT_PERMITTED, Prober
from probe.model.probing import Header, Probe, Question, Reason, Reply, Shape
from probe.model.target import IPAddress, Protocol
from probe.wire.exchange import Exchange
from probe.wire.kinds import kind_of
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

CAPACITY = 4000  # probes at once
FLAGS: Mapping[str, Tcp] = {"S": Tcp.SYN, "A": Tcp.ACK, "F": Tcp.FIN, "R": Tcp.RST, "P": Tcp.PSH}
KINDS_OF: Mapping[Tcp, PacketKind] = {
    SYN_ACK: PacketKind.SYN_ACK,
    Tcp.RST: PacketKind.RESET,
    RESET_ACK: PacketKind.RESET,
}
IPV6 = 6


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a packet leaves. `link_address`: of the neighbour that it is handed to, past the routes."""

    source: IPAddress
    realm: str  # of the link
    link_address: str | None = None


class SimRawBackend:
    """A Backend that sends raw packets over a Network. Waiting costs no real time.

    Args:
        network: what they go through.
        prober: who sends them.
        below: where chance comes from: a random number, at least 0 and below the given one.
    """

    def __init__(self, network: SimNetwork, prober: Prober, below: Callable[[int], int]) -> None:
        self._network = network
        self._prober = prober
        self._inbox = Inbox(network.clock)
        self._exchange = Exchange(below)
        prober.listen(self._receive)

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""
        return CAPACITY

    def now(self) -> float:
        """Virtual seconds since the world began."""
        return self._network.clock.now

    def send(self, probe: Probe) -> float:
        """Send one probe, at once; what goes wrong locally comes back as its reply."""
        way = self._way(probe.question)
        if way is None:
            self._refuse(probe, Reason.NO_ROUTE)
            return self.now()
        link_source = self._network.own_link_address(self._prober, way.realm)
        packet = self._exchange.compose(probe.question, way.source, link_source)
        if packet is None:
            self._refuse(probe, Reason.NOT_SENT)
            return self.now()
        self._exchange.remember(probe, packet, way.realm)
        if probe.question.shape is Shape.WHO_HAS:
            claimed = partial(self._claimed, way.realm, probe.question.address)
            self._network.who_has(self._prober, way.realm, probe.question.address, claimed)
        else:
            self._launch(probe, packet, way)
        return self.now()

    def receive(self, until: float) -> Sequence[Reply]:
        """Let the world go on until replies are there, at the latest until `until` (seconds)."""
        return self._inbox.receive(until)

    def interrupted(self) -> bool:
        """No: nobody waits for a world in memory."""
        return False

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes; unknown ids are ignored."""
        self._exchange.forget(probe_ids)

    def close(self) -> None:
        """End the world: nothing is held that would have to be freed."""

    # --- out ---

    def _way(self, question: Question) -> _Way | None:
        if question.hop is not None:
            if question.hop.interface not in KINDS:  # ENODEV
                return None
            return _Way(question.hop.source, question.hop.interface, question.hop.link_address)
        way = self._network.way(self._prober, question.address)
        return None if way is None else _Way(way.source, self._prober.addresses[way.source])

    def _refuse(self, probe: Probe, reason: Reason, sender: IPAddress | None = None) -> None:
        self._exchange.refuse(probe, reason, self.now(), sender)
        self._report_refusals()

    def _report_refusals(self) -> None:
        for reply in self._exchange.refusals():
            self._inbox.put(reply)

    def _launch(self, probe: Probe, outgoing: Outgoing, way: _Way) -> None:
        packet = sent_as(outgoing)
        if way.link_address is not None:
            self._network.hand(self._prober, way.realm, way.link_address, packet)
            return
        action, reported = self._prober.sends(packet)
        if action is Action.ACCEPT:
            self._network.send(self._prober, packet)
            return
        self._exchange.refuse(probe, NOT_PERMITTED.reason, self.now(), packet.source)
        for frame in reported:
            self._network.send(self._prober, frame)
        self._report_refusals()

    # --- in ---

    def _receive(self, frame: Frame, arrival: Arrival) -> None:
        packet = read_from(frame, arrival)
        if packet is not None:
            self._take(packet, arrival.at)

    def _claimed(self, realm: str, address: IPAddress, link_address: str) -> None:
        header = Header(interface=realm, link_address=link_address)
        own = next(ip for ip, at in self._prober.addresses.items() if at == realm)
        self._take(Incoming(PacketKind.ARP_REPLY, address, own, header), self.now())

    def _take(self, packet: Incoming, at: float) -> None:
        match = self._exchange.take(packet, at)
        if match is not None:
            self._inbox.put(match.reply)


# --- records and packets ---


def sent_as(outgoing: Outgoing) -> Packet:
    """A record of what is to be sent, as a packet of this world. An echo has no port but its identifier."""
    is_echo = outgoing.shape is Shape.ECHO
    protocol = None if is_echo else outgoing.protocol
    flow = Flow(
        protocol, outgoing.source, outgoing.source_port, outgoing.destination, outgoing.destination_port
    )
    return Packet(
        flow,
        reduce(or_, (FLAGS[one] for one in kind_of(outgoing.shape, outgoing.protocol).flags), NO_FLAGS),
        ttl=outgoing.ttl,
        tos=outgoing.tos,
        flow_label=outgoing.flow_label,
        sequence=outgoing.sequence,
        acknowledgment=outgoing.acknowledgment,
        payload=len(outgoing.payload),
    )


def read_from(frame: Frame, arrival: Arrival) -> Incoming | None:
    """A frame that arrived, as a record; None for what cannot be a reply to a probe."""
    if isinstance(frame, IcmpError):
        flow = frame.quoted
        quoted = Quoted(
            flow.source,
            flow.destination,
            flow.protocol,
            flow.source_port,
            flow.destination_port,
            frame.quoted_sequence,
        )
        header = _header(frame, arrival)
        return Incoming(
            PacketKind.ICMP_ERROR,
            frame.source,
            frame.destination,
            header,
            frame.ttl,
            icmp=frame.kind,
            quoted=quoted,
        )
    kind = _kind(frame)
    if kind is None:
        return None
    return Incoming(
        kind,
        frame.source,
        frame.destination,
        _header(frame, arrival),
        frame.ttl,
        source_port=frame.flow.source_port,
        destination_port=frame.flow.destination_port,
        sequence=frame.sequence,
        acknowledgment=frame.acknowledgment if Tcp.ACK in frame.flags else None,
    )


def _kind(packet: Packet) -> PacketKind | None:
    if packet.flow.protocol is None:
        return PacketKind.ECHO_REPLY
    return PacketKind.DATAGRAM if packet.flow.protocol is Protocol.UDP else KINDS_OF.get(packet.flags)


def _header(frame: Frame, arrival: Arrival) -> Header:
    is_tcp = isinstance(frame, Packet) and frame.flow.protocol is Protocol.TCP
    return Header(
        tos=frame.tos,
        flow_label=frame.flow_label if frame.source.version == IPV6 else None,
        window=frame.window if is_tcp and isinstance(frame, Packet) else None,
        options=frame.options if isinstance(frame, Packet) else None,
        interface=LOOPBACK if arrival.link_address is None else arrival.realm,
        link_address=arrival.link_address or None,
    )
