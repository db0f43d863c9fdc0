"""Raw packets in the world in memory, behind the engine's seam: beside its sockets.

An answer belongs to a probe by its ports, whoever sent it: a wildcard UDP server may answer from another
address of its host, and a broken NAT hairpin from the inner one. An echo reply must come from the address
that was asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from probe.lab.scenario_hosts import Action
from probe.lab.sim.box import Arrival, refusal
from probe.lab.sim.clock import Inbox
from probe.lab.sim.host import INTERFACES, LOOPBACK
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.packets import DEFAULT_TTL, NO_FLAGS, SYN_ACK, Flow, Frame, IcmpError, Packet, Tcp
from probe.lab.sim.prober import NOT_PERMITTED, Prober
from probe.model.probing import MARK_TOS, Header, Probe, Question, Reason, Reply, Shape
from probe.model.target import IPAddress, Protocol
from probe.wire.icmp import reason_of
from probe.wire.packet import MARK_FLOW_LABEL

CAPACITY = 4000  # probes at once
REALMS = {name: realm for realm, (name, _, _) in INTERFACES.items()}
FLAGS: Mapping[tuple[Shape, Protocol], Tcp] = {
    (Shape.OPENING, Protocol.TCP): Tcp.SYN,
    (Shape.ACK, Protocol.TCP): Tcp.ACK,
    (Shape.FIN, Protocol.TCP): Tcp.FIN,
}
IPV4, IPV6 = 4, 6

_Key = tuple[Protocol | None, int, int]  # protocol, the probe's own port, the probed one


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a packet leaves. `link_address`: of the neighbour that it is handed to, past the routes."""

    source: IPAddress
    realm: str  # empty: there is no such link, and the packet is lost
    link_address: str | None = None


class SimRawBackend:
    """A Backend that sends raw packets over a Network. Waiting costs no real time."""

    def __init__(self, network: SimNetwork, prober: Prober) -> None:
        self._network = network
        self._prober = prober
        self._inbox = Inbox(network.clock)
        self._waiting: dict[_Key, Probe] = {}
        self._keys: dict[int, _Key] = {}
        self._asking: set[int] = set()  # ARP requests without an answer
        prober.listen(self._hear)

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
        elif way.source.version != probe.question.address.version:
            self._refuse(probe, Reason.NOT_SENT)
        elif probe.question.shape is Shape.WHO_HAS:
            self._ask_link(probe, way)
        else:
            self._launch(probe, way)
        return self.now()

    def receive(self, until: float) -> Sequence[Reply]:
        """Let the world go on until replies are there, at the latest until `until` (seconds)."""
        return self._inbox.receive(until)

    def interrupted(self) -> bool:
        """No: nobody waits for a world in memory."""
        return False

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes; unknown ids are ignored."""
        for probe_id in probe_ids:
            self._asking.discard(probe_id)
            key = self._keys.pop(probe_id, None)
            if key is not None:
                del self._waiting[key]

    def close(self) -> None:
        """End the world: nothing is held that would have to be freed."""

    def _way(self, question: Question) -> _Way | None:
        if question.hop is not None:
            realm = REALMS.get(question.hop.interface, "")
            return _Way(question.hop.source, realm, question.hop.link_address)
        way = self._network.way(self._prober, question.address)
        return None if way is None else _Way(way.source, self._prober.addresses[way.source])

    def _refuse(self, probe: Probe, reason: Reason, sender: IPAddress | None = None) -> None:
        self._inbox.put(Reply(probe.id, reason, self.now(), sender))

    def _ask_link(self, probe: Probe, way: _Way) -> None:
        """Ask a link for an address; IPv6 has no ARP."""
        address = probe.question.address
        if address.version != IPV4:
            self._refuse(probe, Reason.NOT_SENT)
            return
        self._asking.add(probe.id)
        self._network.who_has(self._prober, way.realm, address, partial(self._claimed, probe, way.realm))

    def _claimed(self, probe: Probe, realm: str, link_address: str) -> None:
        if probe.id in self._asking:
            self._asking.discard(probe.id)
            header = Header(interface=INTERFACES[realm][0], link_address=link_address)
            self._inbox.put(
                Reply(probe.id, Reason.ARP_RESPONSE, self.now(), probe.question.address, header=header)
            )

    def _launch(self, probe: Probe, way: _Way) -> None:
        packet = _compose(probe.question, way.source, self._prober.fresh_port())
        key = packet.flow.protocol, packet.flow.source_port, packet.flow.destination_port
        self._waiting[key], self._keys[probe.id] = probe, key
        if way.link_address is not None:
            self._network.hand(self._prober, way.realm, way.link_address, packet)
            return
        action = self._prober.firewall.verdict(packet, way.realm)
        if action is Action.ACCEPT:
            self._network.send(self._prober, packet)
        else:
            self._refused(probe, packet, action)

    def _refused(self, probe: Probe, packet: Packet, action: Action) -> None:
        """The prober's own filter took the packet; an ICMP error of it says more than the refusal."""
        errors = [f for f in refusal(action, packet, packet.source) if isinstance(f, IcmpError)]
        for error in errors:
            self._network.send(self._prober, error)
        if not errors:
            self.forget((probe.id,))
            self._refuse(probe, NOT_PERMITTED.reason, packet.source)

    def _hear(self, frame: Frame, arrival: Arrival) -> None:
        """Take a frame for the answer to the probe whose ports it names; the first one uses the probe up."""
        flow = frame.quoted if isinstance(frame, IcmpError) else frame.flow.back
        key = flow.protocol, flow.source_port, flow.destination_port
        probe = self._waiting.get(key)
        reason = None if probe is None else _reason(frame, probe.question)
        if probe is None or reason is None:
            return
        self.forget((probe.id,))
        icmp = frame.kind if isinstance(frame, IcmpError) else None
        header = _header(frame, arrival)
        self._inbox.put(Reply(probe.id, reason, arrival.at, frame.source, icmp, ttl=frame.ttl, header=header))


def _compose(question: Question, source: IPAddress, source_port: int) -> Packet:
    """The marked packet that asks a question."""
    protocol, number = question.port.protocol, question.port.number
    if question.shape is Shape.ECHO:
        flow = Flow(None, source, source_port, question.address, 0)
    else:
        flow = Flow(protocol, source, source_port, question.address, number)
    return Packet(
        flow,
        FLAGS.get((question.shape, protocol), NO_FLAGS),
        ttl=question.ttl or DEFAULT_TTL,
        tos=MARK_TOS,
        flow_label=MARK_FLOW_LABEL,
    )


def _reason(frame: Frame, question: Question) -> Reason | None:
    """What a frame says to a question; None where it is no answer to it."""
    if question.min_ttl is not None and frame.ttl < question.min_ttl:
        return None
    if isinstance(frame, IcmpError):
        return reason_of(frame.source.version, *frame.kind) or Reason.HOST_UNREACH
    if frame.flow.protocol is None:
        return Reason.ECHO_REPLY if frame.source == question.address else None
    if frame.flow.protocol is Protocol.UDP:
        return Reason.UDP_RESPONSE
    if Tcp.RST in frame.flags:
        return Reason.RESET
    return Reason.SYN_ACK if frame.flags == SYN_ACK else None


def _header(frame: Frame, arrival: Arrival) -> Header:
    is_tcp = isinstance(frame, Packet) and frame.flow.protocol is Protocol.TCP
    return Header(
        tos=frame.tos,
        flow_label=frame.flow_label if frame.source.version == IPV6 else None,
        window=frame.window if is_tcp and isinstance(frame, Packet) else None,
        options=frame.options if isinstance(frame, Packet) else None,
        interface=LOOPBACK if arrival.link_address is None else INTERFACES[arrival.realm][0],
        link_address=arrival.link_address,
    )
