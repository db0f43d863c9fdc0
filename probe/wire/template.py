"""The numbers of a probe, written into a template of its bytes: in microseconds, not in a millisecond.

Lives here: where each number lies, and the checksums (RFC 1071). All that probes of one kind have in common
is in the template, which `codec` builds. Pure.
"""

import struct
from collections.abc import Callable, Mapping

from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire.kinds import kind_of
from probe.wire.packet import Outgoing

_PORTS = struct.Struct("!HH")  # also the two numbers of an echo
_TCP = struct.Struct("!HHII")
_WORD = struct.Struct("!I")
_SUM = struct.Struct("!H")
_TCP_TIMESTAMP = 28  # bytes from the start of a SYN: behind MSS and SACK permitted, and its own two
_ECHO_NUMBERS = 4
_ICMP, _UDP = 1, 17  # IP protocol numbers
_CHECKSUM_AT = {6: 16, _UDP: 6, _ICMP: 2, 58: 2}  # in the transport header, by IP protocol number


def stamp(template: bytes, packet: Outgoing) -> bytes:
    """Return the packet's bytes.

    Args:
        template: a packet of the same kind, family and payload, from its first IP byte.
        packet: what it is to contain.
    """
    data = bytearray(template)
    addresses = packet.source.packed + packet.destination.packed
    start, protocol = _NETWORKS[packet.destination.version](data, packet, addresses)
    (_echo if packet.shape is Shape.ECHO else _ported)(data, start, packet)
    pseudo = 0 if protocol == _ICMP else int.from_bytes(addresses) + protocol + len(data) - start
    checksum = _fill_in(data, start, start + _CHECKSUM_AT[protocol], pseudo)
    if protocol == _UDP and checksum == 0:  # which would mean that there is none (RFC 768)
        _SUM.pack_into(data, start + _CHECKSUM_AT[protocol], 0xFFFF)
    return bytes(data)


def _fill_in(data: bytearray, start: int, place: int, pseudo: int = 0) -> int:
    """Write the checksum of what begins at `start`; return it.

    The ones' complement sum of 16-bit words is the remainder by 0xFFFF of the bytes taken as one number; of
    the two zeros that it has, a sum of anything but zeros is 0xFFFF.
    """
    _SUM.pack_into(data, place, 0)
    padding = bytes((len(data) - start) % 2)
    total = int.from_bytes(data[start:] + padding) + pseudo
    checksum = -total % 0xFFFF
    _SUM.pack_into(data, place, checksum)
    return checksum


def _ipv4(data: bytearray, packet: Outgoing, addresses: bytes) -> tuple[int, int]:
    """Write the network header; return where the transport begins, and its protocol number."""
    data[1], data[8], data[12:20] = packet.tos, packet.ttl, addresses
    header = data[:20]
    _fill_in(header, 0, 10)
    data[:20] = header
    return 20, data[9]


def _ipv6(data: bytearray, packet: Outgoing, addresses: bytes) -> tuple[int, int]:
    _WORD.pack_into(data, 0, 6 << 28 | packet.tos << 20 | packet.flow_label)
    data[7], data[8:40] = packet.ttl, addresses
    return 40, data[6]


_NETWORKS: Mapping[int, Callable[[bytearray, Outgoing, bytes], tuple[int, int]]] = {4: _ipv4, 6: _ipv6}


def _ported(data: bytearray, start: int, packet: Outgoing) -> None:
    """Write the numbers of a datagram or a segment."""
    if packet.protocol is Protocol.UDP:
        _PORTS.pack_into(data, start, packet.source_port, packet.destination_port)
        return
    kind = kind_of(packet.shape, packet.protocol)
    numbers = packet.sequence, packet.acknowledgment if kind.acknowledges else 0
    _TCP.pack_into(data, start, packet.source_port, packet.destination_port, *numbers)
    if kind.options:
        _WORD.pack_into(data, start + _TCP_TIMESTAMP, packet.sequence)


def _echo(data: bytearray, start: int, packet: Outgoing) -> None:
    _PORTS.pack_into(data, start + _ECHO_NUMBERS, packet.source_port, packet.sequence & 0xFFFF)
