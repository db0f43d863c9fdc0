"""What Linux tells of a TCP connection: a pure parser of struct tcp_info (linux/tcp.h)."""

import struct
import sys

from probe.model.probing import TcpFacts

TCP_INFO = 11
SIZE = 32  # bytes: as far as tcpi_rcv_mss, in every kernel since 2.4

# state, ca_state, retransmits, probes, backoff, options, window scales, flags; rto, ato, snd_mss, rcv_mss
_HEAD = struct.Struct("=8B4I")
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
