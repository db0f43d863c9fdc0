"""Raw probes under way, from question to packet and from packet to reply. Pure: no bytes, clock or sockets.

Lives here: which packet a probe becomes, which of the packets that arrive answers it, and what this machine's
own refusals count for beside them. Whoever carries packets, real or simulated, does it through this.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from probe.model.probing import Probe, Question, Reason, Reply, Shape
from probe.model.target import IPAddress
from probe.wire.compose import Below, Composer
from probe.wire.kinds import is_kind
from probe.wire.match import Flight, Matching
from probe.wire.packet import Incoming, Outgoing

_IPV4 = 4


@dataclass(frozen=True, slots=True)
class Match:
    """A packet that answers a probe: what it means for that, and what the probe's reply is."""

    flight: Flight
    arrived: Reply
    reply: Reply


class Exchange:
    """The raw probes of one backend.

    Args:
        below: where chance comes from: a random number, at least 0 and below the given one.
    """

    def __init__(self, below: Below) -> None:
        self._composer = Composer(below)
        self._matching = Matching()
        self._refused: dict[int, Reply] = {}  # by probe id, not reported yet

    # --- out ---

    def compose(
        self, question: Question, source: IPAddress, link_source: str | None = None
    ) -> Outgoing | None:
        """The packet that asks a question; None where no source port is free, or it cannot be asked there.

        Args:
            question: what is asked.
            source: the address of this machine that asks.
            link_source: link-layer address of the interface, for ARP; None: it has none.
        """
        known = is_kind(question.shape, question.port.protocol)
        if source.version != question.address.version or not known:
            return None
        if question.shape is not Shape.WHO_HAS:
            return self._composer.compose(question, source)
        if link_source is None or question.address.version != _IPV4:  # IPv6 has no ARP
            return None
        return self._composer.compose(question, source, link_source)

    def remember(self, probe: Probe, packet: Outgoing, interface: str | None = None) -> None:
        """A probe's packet is sent: its answers are welcome from now on. `interface`: of an ARP request."""
        self._matching.remember(Flight(probe, packet, interface))

    def refuse(self, probe: Probe, reason: Reason, at: float, sender: IPAddress | None = None) -> None:
        """This machine did not send a probe; that is its reply, unless it reports more itself by then."""
        self._refused[probe.id] = Reply(probe.id, reason, at, sender)

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes and free what they hold; unknown ids are ignored."""
        ids = tuple(probe_ids)
        for flight in self._matching.forget(ids):
            self._composer.release(flight.packet)
        for probe_id in ids:
            self._refused.pop(probe_id, None)

    def flying(self) -> tuple[int, ...]:
        """Ids of the probes that were not forgotten yet."""
        return self._matching.flying()

    # --- in ---

    def is_elsewhere(self, packet: Incoming) -> bool:
        """Whether a packet comes from another address than the one that was probed: to be taken last."""
        return self._matching.is_elsewhere(packet)

    def take(self, packet: Incoming, at: float) -> Match | None:
        """The probe that a packet answers, which is used up by it; None where it answers none.

        Our own firewall may answer what it refuses: with an ICMP error, which shows more than the refusal, or
        with a reset in the target's name, which shows less.
        """
        found = self._matching.take(packet, at)
        if found is None:
            return None
        flight, arrived = found
        refusal = self._refused.pop(flight.probe.id, None)
        return Match(flight, arrived, arrived if refusal is None or arrived.icmp is not None else refusal)

    def refusals(self) -> list[Reply]:
        """The refusals that nothing has answered, each reported once."""
        refused = list(self._refused.values())
        self._refused.clear()
        return refused
