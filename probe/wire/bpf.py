"""Which packets the kernel hands to the raw backend: classic BPF programs (linux/filter.h). Pure.

Lives here: one program an ethertype, as a table of instructions. The kernel runs it on every packet that
arrives, from the first IP byte on. What may answer a probe passes: resets, SYN/ACKs, datagrams and echo
replies to our range of source ports, ICMP errors that quote one of these, ARP replies. Other traffic never
reaches this program.

IPv6 packets pass only where TCP, UDP or ICMPv6 follows the fixed header directly: stacks put no extension
header before what they answer a probe with.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.wire.decode import ARP, IPV4, IPV6, TCP, UDP

_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: code, jump if true, jump if false, k
INSTRUCTION_BYTES = _INSTRUCTION.size

# Opcodes: class, size and mode of linux/bpf_common.h. A is the accumulator, X the index register.
_BYTE, _HALF = 0x30, 0x28  # A = packet[k]
_BYTE_AT_X, _HALF_AT_X = 0x50, 0x48  # A = packet[X + k]
_X_IS_HEADER_LENGTH = 0xB1  # X = 4 * (packet[k] & 0xF), the length of an IPv4 header
_X_IS = 0x01  # X = k
_AND = 0x54  # A &= k
_EQUAL, _MORE, _AT_LEAST, _ANY_BIT = 0x15, 0x25, 0x35, 0x45  # jumps: A against k
_RETURN = 0x06  # hand over k bytes of the packet; 0: none of it

_PASS, _DROP = "pass", "drop"
_WHOLE = 0x40000  # bytes: more than any packet has
_OFFSET = 0x1FFF  # of a fragment, in the field that it shares with the flags
_RST, _SYN_ACK, _DECISIVE = 0x04, 0x12, 0x17  # TCP flags; decisive are FIN, SYN, RST and ACK
_ARP_REPLY = 2


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. A jump without a label goes on to the next one; `label` is this one's own."""

    code: int
    k: int = 0
    then: str | None = None
    otherwise: str | None = None
    label: str | None = None


_END = (Instruction(_RETURN, _WHOLE, label=_PASS), Instruction(_RETURN, 0, label=_DROP))


@dataclass(frozen=True, slots=True)
class _Icmp:
    """What differs between ICMP and ICMPv6. Offsets in bytes, from the ICMP header to the quoted packet."""

    protocol: int
    errors: tuple[int, ...]  # types
    echo_reply: int
    quoted_protocol: int
    quoted_transport: int


_ICMP4 = _Icmp(1, (3, 11, 12), 0, quoted_protocol=8 + 9, quoted_transport=8 + 20)
_ICMP6 = _Icmp(58, (1, 2, 3, 4), 129, quoted_protocol=8 + 6, quoted_transport=8 + 40)


def _transport(ports: range, icmp: _Icmp) -> tuple[Instruction, ...]:
    """What both families share, from where A is the protocol and X the length of the IP header.

    Quoted packets are those that this program sends: without IP options and extension headers.
    """
    in_range = Instruction(_AT_LEAST, ports[0], then="upper end", otherwise=_DROP)
    return (
        Instruction(_EQUAL, TCP, then="tcp"),
        Instruction(_EQUAL, UDP, then="port"),
        Instruction(_EQUAL, icmp.protocol, then="icmp", otherwise=_DROP),
        Instruction(_BYTE_AT_X, 13, label="tcp"),  # flags
        Instruction(_ANY_BIT, _RST, then="port"),
        Instruction(_AND, _DECISIVE),
        Instruction(_EQUAL, _SYN_ACK, otherwise=_DROP),
        Instruction(_HALF_AT_X, 2, label="port"),  # destination port
        in_range,
        Instruction(_BYTE_AT_X, 0, label="icmp"),  # type
        *(Instruction(_EQUAL, error, then="quote") for error in icmp.errors),
        Instruction(_EQUAL, icmp.echo_reply, otherwise=_DROP),
        Instruction(_HALF_AT_X, 4),  # identifier
        in_range,
        Instruction(_BYTE_AT_X, icmp.quoted_protocol, label="quote"),
        Instruction(_EQUAL, icmp.protocol, then="quoted echo"),
        Instruction(_HALF_AT_X, icmp.quoted_transport),  # source port
        in_range,
        Instruction(_HALF_AT_X, icmp.quoted_transport + 4, label="quoted echo"),  # identifier
        Instruction(_AT_LEAST, ports[0], otherwise=_DROP),
        Instruction(_MORE, ports[-1], then=_DROP, label="upper end"),
        *_END,
    )


def programs(ports: range) -> Mapping[int, bytes]:
    """The programs by ethertype, as arrays of struct sock_filter.

    Args:
        ports: where answers are waited for, source ports and echo identifiers.
    """
    steps: Mapping[int, tuple[Instruction, ...]] = {
        IPV4: (
            Instruction(_HALF, 6),  # flags and fragment offset
            Instruction(_ANY_BIT, _OFFSET, then=_DROP),  # a later fragment has no ports
            Instruction(_X_IS_HEADER_LENGTH, 0),
            Instruction(_BYTE, 9),  # protocol
            *_transport(ports, _ICMP4),
        ),
        IPV6: (
            Instruction(_X_IS, 40),
            Instruction(_BYTE, 6),  # next header
            *_transport(ports, _ICMP6),
        ),
        ARP: (
            Instruction(_HALF, 6),  # operation
            Instruction(_EQUAL, _ARP_REPLY, otherwise=_DROP),
            *_END,
        ),
    }
    return {ethertype: assemble(program) for ethertype, program in steps.items()}


def assemble(program: Sequence[Instruction]) -> bytes:
    """Turn labels into distances. Jumps go forward only, by at most 255 instructions."""
    places = {step.label: place for place, step in enumerate(program) if step.label is not None}

    def distance(place: int, label: str | None) -> int:
        return 0 if label is None else places[label] - place - 1

    return b"".join(
        _INSTRUCTION.pack(step.code, distance(place, step.then), distance(place, step.otherwise), step.k)
        for place, step in enumerate(program)
    )
