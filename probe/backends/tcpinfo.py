"""What Linux reports of a TCP connection: a pure parser of struct tcp_info (linux/tcp.h)."""

import struct
import sys

from probe.engine.mtu_trial import TransferInfo
from probe.model.probing import TcpFacts

TCP_INFO = 11

# state, ca_state, retransmits, probes, backoff, options, window scales, flags; rto, ato, snd_mss, rcv_mss
_HEAD = struct.Struct("=8B4I")
TRANSFER_SIZE = 128  # bytes: as far as tcpi_bytes_acked, in kernels since 4.1
# From the start: state, then retransmits, of 8 single bytes; of the numbers after them the ones named below.
_BYTES, _NUMBERS, _ACKED = struct.Struct("=8B"), struct.Struct("=24I"), struct.Struct("=Q")
_SND_MSS, _UNACKED, _PMTU, _RTT, _TOTAL_RETRANS = 2, 4, 13, 15, 23
_ACKED_AT = 120  # offset of tcpi_bytes_acked
_OPEN_STATES = frozenset({1, 4, 5, 8})  # ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT (net/tcp_states.h)
_OPTION_TIMESTAMPS, _OPTION_SACK, _OPTION_WSCALE = 1, 2, 4  # TCPI_OPT_*
_NIBBLE = 4


def parse_tcp_info(data: bytes, byteorder: str = sys.byteorder) -> TcpFacts | None:
    """Read the facts; None where the kernel gave too few bytes.

    The peer's window scale is the first of two four-bit fields: C puts it into the low half of the byte on
    little-endian machines and into the high half on the others.
    """
    if len(data) < _HEAD.size:
        return None
    fields = _HEAD.unpack_from(data)
    options, scales, snd_mss = fields[5], fields[6], fields[10]
    scale = scales & 0xF if byteorder == "little" else scales >> _NIBBLE
    return TcpFacts(
        mss=snd_mss,
        window_scale=scale if options & _OPTION_WSCALE else None,
        timestamps=bool(options & _OPTION_TIMESTAMPS),
        sack=bool(options & _OPTION_SACK),
    )


def parse_transfer(data: bytes) -> TransferInfo | None:
    """Read how far data has come; None where the kernel gave too few bytes. It outlives the connection."""
    if len(data) < TRANSFER_SIZE:
        return None
    head = _BYTES.unpack_from(data)
    numbers = _NUMBERS.unpack_from(data, _BYTES.size)
    return TransferInfo(
        open=head[0] in _OPEN_STATES,
        mss=numbers[_SND_MSS],
        unacked=numbers[_UNACKED],
        retransmits=head[2],
        total_retransmits=numbers[_TOTAL_RETRANS],
        pmtu=numbers[_PMTU],
        rtt=numbers[_RTT] / 1e6,
        acked=_ACKED.unpack_from(data, _ACKED_AT)[0],
    )


def handshake_rtt(data: bytes) -> float | None:
    """Read how long a connection's handshake took, in seconds, of one over which no data was sent yet.

    None where the kernel gave too few bytes, has no time, or sent the SYN more than once: the time is then
    that of one of them, nobody knows which (RFC 6298 section 3).
    """
    info = parse_transfer(data)
    return None if info is None or info.total_retransmits or not info.rtt else info.rtt
