"""Which packet asks a question: every field of it, with a source port and numbers of its own. Pure.

Randomness is handed in. How the packet looks on the wire is `codec`, what answers it is `matching`.
"""

from collections.abc import Callable
from ipaddress import ip_address

from probe.model.probing import Question, Shape
from probe.model.target import IPAddress
from probe.wire.kinds import kind_of
from probe.wire.packet import DEFAULT_TTL, Outgoing

SOURCE_PORTS = range(61_000, 65_536)  # above those that Linux gives out itself (ip_local_port_range)
NO_LINK_ADDRESS = "00:00:00:00:00:00"
_WORDS = 1 << 32  # TCP sequence numbers
_HALF_WORDS = 1 << 16  # those of an echo

Below = Callable[[int], int]  # a random number: at least 0, below the given one


class FreshPorts:
    """Source ports in random order; one that was given back is used again only after all others.

    A port that is used again too early would meet the connection tracking of the probe before.

    Args:
        below: where chance comes from.
        ports: the ports to choose from.
    """

    def __init__(self, below: Below, ports: range = SOURCE_PORTS) -> None:
        self._below = below
        self._fresh = list(ports)
        self._used: list[int] = []

    def take(self, avoid: int) -> int | None:
        """A port that is not in use and is not `avoid`; None where there is none left."""
        drawn = self._draw()
        if drawn != avoid:
            return drawn
        another = self._draw()
        self._used.append(avoid)
        return another

    def give_back(self, port: int) -> None:
        """Nothing waits at this port any more."""
        self._used.append(port)

    def _draw(self) -> int | None:
        if not self._fresh:
            self._fresh, self._used = self._used, self._fresh
        if not self._fresh:
            return None
        index = self._below(len(self._fresh))
        self._fresh[index], self._fresh[-1] = self._fresh[-1], self._fresh[index]
        return self._fresh.pop()


class Composer:
    """Makes the packets of one backend.

    Args:
        below: where chance comes from.
        ports: the source ports to choose from; an echo has its identifier from there too.
    """

    def __init__(self, below: Below, ports: range = SOURCE_PORTS) -> None:
        self._below = below
        self._ports = FreshPorts(below, ports)

    def compose(
        self, question: Question, source: IPAddress, link_source: str = NO_LINK_ADDRESS
    ) -> Outgoing | None:
        """The packet that asks a question; None where every source port is in use.

        A source port never equals the probed one: on loopback the packet would look like its own answer.

        Args:
            question: what is asked.
            source: the address of this machine that asks.
            link_source: the link-layer address that asks, for ARP.
        """
        asks_port = question.shape is not Shape.WHO_HAS
        source_port = self._ports.take(question.port.number) if asks_port else 0
        if source_port is None:
            return None
        kind = kind_of(question.shape, question.port.protocol)
        return Outgoing(
            shape=question.shape,
            protocol=question.port.protocol,
            source=_bare(source),
            destination=_bare(question.address),
            source_port=source_port,
            destination_port=question.port.number,
            sequence=self._below(_HALF_WORDS if question.shape is Shape.ECHO else _WORDS),
            acknowledgment=self._below(_WORDS) if kind.acknowledges else 0,
            ttl=DEFAULT_TTL if question.ttl is None else question.ttl,
            payload=kind.payload(question.port.number),
            link_source=link_source,
        )

    def release(self, packet: Outgoing) -> None:
        """Nobody waits for an answer to this packet any more."""
        if packet.source_port:
            self._ports.give_back(packet.source_port)


def _bare(address: IPAddress) -> IPAddress:
    """The address without the name of its interface, which is not on the wire."""
    return ip_address(address.packed)
