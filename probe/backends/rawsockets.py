"""The sockets of raw packets: two ways out and one way in. Linux only.

Lives here: sending whole IP packets through the kernel's own routing, handing them to a neighbour past it,
and reading what arrives (raw(7), packet(7), ipv6(7)). What the bytes mean is not known here. Once open, the
sockets need no privilege.

Packets are read as they arrive at each interface: before the input rules, the reverse path filter, and the
translation of addresses. What this machine sends is not among them; only loopback hands it back.
"""

import contextlib
import ctypes
import errno
import fcntl
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from probe.backends.sockets import host_and_scope
from probe.backends.way_out import bind_to_interface
from probe.interruption import GLANCE_S
from probe.machine.address_families import SOCKET_FAMILIES
from probe.model.target import IPAddress
from probe.wire import bpf

_SO_ATTACH_FILTER, _SO_TIMESTAMPNS = 26, 35  # asm-generic/socket.h
_SOL_PACKET, _PACKET_AUXDATA = 263, 8  # linux/socket.h, linux/if_packet.h
_IP_PKTINFO, _IPV6_PKTINFO = 8, 50  # linux/in.h, linux/in6.h
_SIOCGIFHWADDR = 0x8927  # linux/sockios.h
_IFREQ_HWADDR = struct.Struct("=16xH6s")  # struct ifreq: name, then hardware type and address
_ETHERNET = 1  # ARPHRD_ETHER: other links have no addresses, or nothing but zeros
_STATUS = struct.Struct("=I")  # struct tpacket_auxdata begins with it
_VOUCHED = 0x08 | 0x80  # TP_STATUS_CSUMNOTREADY, TP_STATUS_CSUM_VALID
_TIMESPEC = struct.Struct("ll")  # seconds, nanoseconds
_OTHERHOST, _OUTGOING = 3, 4  # PACKET_*: for somebody else; sent by this machine
_BUFFER = 4 << 20  # bytes; the kernel gives as much of it as net.core.rmem_max allows
_LONGEST = 65_536  # bytes of one packet
_CONTROL_SPACE = 256  # bytes
_BATCH = 256  # packets taken off one socket at once


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """One packet as it arrived. `at` is in seconds of the epoch.

    `vouched`: the kernel has checked its checksums, or has not filled them in yet (veth, loopback).
    """

    data: bytes
    ethertype: int
    at: float
    interface: str
    link_address: str | None
    vouched: bool


class RawSockets:
    """All sockets of one backend, in the network namespace of the thread that opens them.

    Args:
        ports: where answers come to; what goes to other ports is never read.
        interface: what is routed leaves by it; None: as the routing table has it.

    Raises:
        OSError: not permitted (EPERM), or this kernel has no such sockets.
    """

    def __init__(self, ports: range, interface: str | None = None) -> None:
        with ExitStack() as stack:
            self._routed = _routed_senders(stack, interface)
            self._direct = stack.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0))
            self._direct.settimeout(0)
            self._readers: dict[int, socket.socket] = {}
            self._poll = select.poll()
            for ethertype, program in bpf.programs(ports).items():
                reader = stack.enter_context(_reader(ethertype, program))
                self._readers[ethertype] = reader
                self._poll.register(reader, select.POLLIN)
            self._stack = stack.pop_all()
        self._space = bytearray(_LONGEST)

    def close(self) -> None:
        """Close all of them."""
        self._stack.close()

    # --- out ---

    def send_routed(self, data: bytes, source: IPAddress, destination: IPAddress) -> None:
        """Send an IP packet as the kernel routes it for this source.

        Args:
            data: from the first byte of the IP header.
            source: the packet's own: policy routing goes by it.
            destination: the packet's own, with its scope.

        Raises:
            OSError: this machine refused: no route, its own firewall (EPERM), no such family.
        """
        version = destination.version
        sender = self._routed.get(version)
        if sender is None:
            raise OSError(errno.EAFNOSUPPORT, f"this kernel has no IPv{version}")
        host, scope = host_and_scope(destination)
        if version == 4:  # noqa: PLR2004 - IP version
            information = struct.pack("=i4s4x", 0, source.packed)
            sender.sendmsg([data], [(socket.IPPROTO_IP, _IP_PKTINFO, information)], 0, (host, 0))
        else:
            information = struct.pack("=16si", source.packed, scope)
            note = (socket.IPPROTO_IPV6, _IPV6_PKTINFO, information)
            sender.sendmsg([data], [note], 0, (host, 0, 0, scope))

    def send_direct(self, data: bytes, ethertype: int, interface: str, link_address: str) -> None:
        """Hand a packet to a neighbour, past routes and output rules.

        Raises:
            OSError: no such interface, or it is down.
        """
        neighbour = bytes.fromhex(link_address.replace(":", ""))
        self._direct.sendto(data, (interface, ethertype, 0, 0, neighbour))

    def own_link_address(self, interface: str) -> str | None:
        """The link-layer address of an interface; None where its kind has none.

        Raises:
            OSError: (ENODEV) no such interface.
        """
        request = struct.pack("=16s24x", interface.encode())
        kind, address = _IFREQ_HWADDR.unpack_from(fcntl.ioctl(self._direct, _SIOCGIFHWADDR, request))
        return address.hex(":") if kind == _ETHERNET else None

    # --- in ---

    def wait(self, timeout: float) -> None:
        """Wait for an arrival, at most `timeout` seconds, and no longer than a signal may wait."""
        self._poll.poll(min(max(timeout, 0.0), GLANCE_S) * 1000)

    def arrived(self) -> Iterator[ReceivedFrame]:
        """Take what has arrived, as much as is read at one go."""
        for ethertype, reader in self._readers.items():
            for _ in range(_BATCH):
                try:
                    length, notes, _, address = reader.recvmsg_into([self._space], _CONTROL_SPACE)
                except BlockingIOError:
                    break
                if address[2] not in {_OTHERHOST, _OUTGOING}:
                    yield _arrival(bytes(self._space[:length]), ethertype, notes, address)


def _routed_senders(stack: ExitStack, interface: str | None) -> dict[int, socket.socket]:
    """One sender a family; both take the IP header from us (IP_HDRINCL, which IPPROTO_RAW implies)."""
    senders = {}
    for version, family in SOCKET_FAMILIES.items():
        try:
            sender = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        except OSError as problem:
            if problem.errno != errno.EAFNOSUPPORT:  # a kernel without IPv6 still has IPv4
                raise
            continue
        senders[version] = stack.enter_context(sender)
        sender.settimeout(0)
        if interface is not None:
            bind_to_interface(sender, interface)
    return senders


def _reader(ethertype: int, program: bytes) -> socket.socket:
    """A socket that receives one ethertype on every interface."""
    reader = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ethertype))
    try:
        reader.settimeout(0)
        attach_filter(reader, program)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        reader.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        reader.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        _drain(reader)
    except OSError:
        reader.close()
        raise
    return reader


def _drain(reader: socket.socket) -> None:
    """Throw away what came before the filter was in place."""
    with contextlib.suppress(BlockingIOError):  # nothing is left
        while True:
            reader.recv(1)


def attach_filter(sock: socket.socket, program: bytes) -> None:
    """Have the kernel run a classic BPF program on every packet for this socket (socket(7)).

    Raises:
        OSError: the kernel does not take the program.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    count = len(program) // bpf.INSTRUCTION_BYTES
    # struct sock_fprog: the number of instructions, and where they are
    described = struct.pack("HP", count, ctypes.addressof(instructions))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _arrival(
    data: bytes,
    ethertype: int,
    notes: list[tuple[int, int, bytes]],
    address: tuple[str, int, int, int, bytes],
) -> ReceivedFrame:
    found = {(level, kind): value for level, kind, value in notes}
    stamp = found.get((socket.SOL_SOCKET, _SO_TIMESTAMPNS))
    status = found.get((_SOL_PACKET, _PACKET_AUXDATA))
    seconds, nanoseconds = (time.time(), 0) if stamp is None else _TIMESPEC.unpack_from(stamp)
    interface, _, _, hardware, link_address = address
    return ReceivedFrame(
        data=data,
        ethertype=ethertype,
        at=seconds + nanoseconds / 1e9,
        interface=interface,
        link_address=link_address.hex(":") if hardware == _ETHERNET else None,
        vouched=status is not None and bool(_STATUS.unpack_from(status)[0] & _VOUCHED),
    )
