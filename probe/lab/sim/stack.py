"""What a host's own TCP, UDP and ICMP answer: tables from what a socket serves to what it sends.

Remembered is only which connections were opened: a segment of any other is refused, by a stack that serves
the port as by one that does not. A kernel's reset has the DSCP of what it refuses, and in IPv6 a flow label.
Sources: measured on Linux 6.18; RFC 9293 section 3.10.7, RFC 1122 section 4.1.3.1; net/ipv4/tcp_ipv4.c and
net/ipv6/tcp_ipv6.c (`tcp_v4_send_reset`, `tcp_v6_send_response`), net/ipv4/icmp.c (`icmp_reply`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from msgspec import structs

from probe.lab.scenario import address_of, realm_of, turned_away
from probe.lab.scenario_hosts import Listen, Serves
from probe.lab.sim.packets import ECN, RESET_ACK, SEQUENCES, SYN_ACK, Flow, Frame, IcmpError, Packet, Tcp
from probe.model.identity import Key
from probe.model.probing import TcpOptions
from probe.model.target import IPAddress, Port, Protocol

# --- listening sockets ---


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """One bound socket. A v4-mapped address (::ffff:a.b.c.d) is held as the IPv4 address that it means."""

    port: Port
    bind: IPAddress
    device: str | None
    v6only: bool
    serves: Serves
    shows: tuple[Key, ...] = ()  # to a client that sends something
    turns_away: frozenset[IPAddress] = frozenset()  # whose connections it closes at once

    def covers(self, destination: IPAddress, realm: str) -> bool:
        """Whether a packet to `destination`, arrived on the realm's link, is for this socket."""
        if self.device is not None and self.device != realm:
            return False
        if not self.bind.is_unspecified:
            return self.bind == destination
        dual = isinstance(self.bind, IPv6Address) and not self.v6only
        return dual or destination.version == self.bind.version

    @property
    def rank(self) -> tuple[bool, bool]:
        """How closely the socket is bound; the closest takes the packet."""
        return (not self.bind.is_unspecified, self.device is not None)


def read_socket(listen: Listen, shows: tuple[Key, ...] = ()) -> ListeningSocket:
    """Make a socket of a scenario's listener, which shows these keys.

    Raises:
        ScenarioError: `bind` is neither a symbol nor an address.
    """
    bind = address_of(listen.bind)
    if isinstance(bind, IPv6Address) and bind.ipv4_mapped is not None:
        bind = bind.ipv4_mapped
    port = Port(listen.protocol, listen.port)
    device = None if listen.device is None else realm_of(listen.device)
    return ListeningSocket(port, bind, device, listen.v6only, listen.serves, shows, turned_away(listen))


def socket_for(
    sockets: Iterable[ListeningSocket], port: Port, destination: IPAddress, realm: str
) -> ListeningSocket | None:
    """Socket that takes a packet to `destination` and `port`, arrived on the realm's link."""
    fitting = [s for s in sockets if s.port == port and s.covers(destination, realm)]
    return max(fitting, key=lambda s: s.rank, default=None)


# --- the stack ---


SERVED: dict[Serves, Tcp] = {  # what follows the accept of a TCP connection
    Serves.GREET: Tcp.PSH | Tcp.ACK,
    Serves.CLOSE: Tcp.FIN | Tcp.ACK,
    Serves.RESET: Tcp.RST | Tcp.ACK,
}
PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}
INTERNETWORK_CONTROL = {4: 0xC0, 6: 0}  # TOS of ICMP errors (RFC 1812 section 4.3.2.5); ICMPv6 has none
TOS_KEPT = 0x1E  # what an ICMP error takes over from the TOS that it is about (RT_TOS, net/ipv4/icmp.c)
AUTO_LABEL = 0x8BD75  # any but 0: net.ipv6.auto_flowlabels=1
WINDOW = {4: 65160, 6: 64260}  # that a Linux host opens with, over an MTU of 1500 bytes
OPTIONS = {
    4: TcpOptions(mss=1460, window_scale=7, timestamps=True, sack=True),
    6: TcpOptions(mss=1440, window_scale=7, timestamps=True, sack=True),
}
USER_SPACE_OPTIONS = {family: structs.replace(one, window_scale=5) for family, one in OPTIONS.items()}


def label(family: int) -> int:
    """Flow label of what a kernel sends by itself."""
    return AUTO_LABEL if family == 6 else 0  # noqa: PLR2004 - an IP version


def icmp_error(packet: Packet, kind: tuple[int, int], source: IPAddress) -> IcmpError:
    """Error about a packet as a kernel sends it, from `source`."""
    family = source.version
    kept = packet.tos & TOS_KEPT if family == 4 else 0  # noqa: PLR2004 - an IP version
    tos = INTERNETWORK_CONTROL[family] | kept
    return replace(packet.error(kind, source), tos=tos, flow_label=label(family))


class Stack:
    """One host's sockets, and the connections that they opened.

    `in_user_space`: a program's own stack, such as netstack of gVisor, which scales its window otherwise and
    makes its resets without a look at the packet's DSCP.
    """

    def __init__(self, sockets: Sequence[ListeningSocket] = (), *, in_user_space: bool = False) -> None:
        self.sockets = list(sockets)
        self._refuse = _plain_answer if in_user_space else _kernel_answer
        self._options = USER_SPACE_OPTIONS if in_user_space else OPTIONS
        self._expected: dict[Flow, int] = {}  # of every connection, the next byte of its client

    def answers(self, packet: Packet, realm: str, source: IPAddress | None) -> tuple[Frame, ...]:
        """What the host sends when `packet` reaches it from the realm's link.

        `source` is the host's own address towards the sender, from which a wildcard UDP socket answers.
        """
        port = packet.flow.port
        if port is None:
            return _echo(packet)
        socket = socket_for(self.sockets, port, packet.destination, realm)
        if port.protocol is Protocol.UDP:
            return _udp(socket, packet, source)
        return self._tcp(socket, packet)

    def _tcp(self, socket: ListeningSocket | None, packet: Packet) -> tuple[Frame, ...]:
        if Tcp.RST in packet.flags:
            return ()
        if Tcp.ACK in packet.flags:
            opened = socket is not None and packet.flow in self._expected
            return self._segment(socket, packet) if opened else (self._refuse(packet, Tcp.RST),)
        if socket is None:
            return (self._refuse(packet, RESET_ACK),)
        if socket.serves is Serves.FULL or Tcp.SYN not in packet.flags:
            return ()
        if socket.serves is Serves.ONCE:
            self.sockets.remove(socket)
        self._expected[packet.flow] = (packet.sequence + 1) % SEQUENCES
        return (_accepted(packet, self._options),)

    def _segment(self, socket: ListeningSocket | None, packet: Packet) -> tuple[Frame, ...]:
        """Acknowledge what comes in order, and whatever is missing once more; else serve.

        Keys are shown with what acknowledges data: a handshake of TLS, or of SSH, in two segments.
        """
        if not packet.payload:
            return _served(socket, packet)
        if packet.sequence == self._expected[packet.flow]:
            self._expected[packet.flow] = (packet.sequence + packet.payload) % SEQUENCES
        answer = replace(packet.answer(Tcp.ACK), acknowledgment=self._expected[packet.flow])
        shows = socket.shows if socket is not None else ()
        return (replace(answer, window=WINDOW[packet.source.version], shows=shows),)


def _echo(packet: Packet) -> tuple[Frame, ...]:
    """An echo reply has the whole TOS of its request. Only the prober asks: every echo here is a request."""
    answer = packet.answer()
    whole = replace(answer, tos=packet.tos, flow_label=label(packet.source.version))
    return (replace(whole, sequence=packet.sequence, payload=packet.payload),)


def _udp(socket: ListeningSocket | None, packet: Packet, source: IPAddress | None) -> tuple[Frame, ...]:
    if socket is None:
        kind = PORT_UNREACHABLE[packet.destination.version]
        return (icmp_error(packet, kind, packet.destination),)
    if socket.serves is not Serves.ANSWER:
        return ()
    answer = replace(packet.answer(), flow_label=label(packet.source.version))
    if source is not None and socket.bind.is_unspecified:
        answer = replace(answer, flow=replace(answer.flow, source=source))
    return (answer,)


def _served(socket: ListeningSocket | None, packet: Packet) -> tuple[Frame, ...]:
    """What the server does once its connection is accepted; what else the client sends it takes in."""
    if socket is None or packet.flags != Tcp.ACK:
        return ()
    served = SERVED.get(Serves.CLOSE if packet.source in socket.turns_away else socket.serves)
    return () if served is None else (replace(packet.answer(served), window=WINDOW[packet.source.version]),)


def _accepted(packet: Packet, options: Mapping[int, TcpOptions]) -> Packet:
    family = packet.source.version
    answer = packet.answer(SYN_ACK)
    return replace(answer, flow_label=label(family), window=WINDOW[family], options=options[family])


def _plain_answer(packet: Packet, flags: Tcp) -> Packet:
    """A reset of a stack that takes over nothing."""
    return packet.answer(flags)


def _kernel_answer(packet: Packet, flags: Tcp) -> Packet:
    """A reset of the kernel's own: it echoes the DSCP, which no filter's reset does."""
    return replace(packet.answer(flags), tos=packet.tos & ~ECN, flow_label=label(packet.source.version))
