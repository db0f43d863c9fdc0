"""What a host's own TCP and UDP answer: a table from what a socket serves to what it sends.

Stateless: a connection is opened by a SYN and served when its ACK comes, so nothing has to be remembered of
it. Source: inference measured on Linux 6.18; RFC 9293 section 3.10.7, RFC 1122 section 4.1.3.1.
"""

from collections.abc import Sequence

from probe.lab.scenario import Serves
from probe.lab.sim.packets import Frame, Packet, Tcp
from probe.lab.sim.sockets import ListeningSocket, socket_for
from probe.model.target import Protocol

SERVED: dict[Serves, Tcp] = {  # what follows the accept of a TCP connection
    Serves.GREET: Tcp.PSH | Tcp.ACK,
    Serves.CLOSE: Tcp.FIN | Tcp.ACK,
    Serves.RESET: Tcp.RST | Tcp.ACK,
}
PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}


def answers(sockets: Sequence[ListeningSocket], packet: Packet, realm: str) -> tuple[Frame, ...]:
    """What the host sends when `packet` reaches its TCP or UDP from the realm's link."""
    socket = socket_for(sockets, packet.flow.port, packet.destination, realm)
    if packet.flow.protocol is Protocol.UDP:
        return _udp(socket, packet)
    return _tcp(socket, packet)


def _udp(socket: ListeningSocket | None, packet: Packet) -> tuple[Frame, ...]:
    if socket is None:
        kind = PORT_UNREACHABLE[packet.destination.version]
        return (packet.error(kind, packet.destination),)
    return (packet.answer(),) if socket.serves is Serves.ANSWER else ()


def _tcp(socket: ListeningSocket | None, packet: Packet) -> tuple[Frame, ...]:
    if Tcp.RST in packet.flags:
        return ()
    if socket is None:
        return (packet.answer(Tcp.RST | Tcp.ACK),)
    if socket.serves is Serves.FULL:
        return ()
    if Tcp.SYN in packet.flags:
        return (packet.answer(Tcp.SYN | Tcp.ACK),)
    served = SERVED.get(socket.serves) if packet.flags == Tcp.ACK else None
    return () if served is None else (packet.answer(served),)
