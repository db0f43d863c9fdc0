"""struct tcp_info, as bytes."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.backends.tcpinfo import TRANSFER_SIZE, handshake_rtt, parse_tcp_info, parse_transfer
from probe.engine.mtu_trial import TransferInfo
from probe.model.probing import TcpFacts

# Loopback IPv6 connection of a 6.18 kernel: timestamps, SACK, window scale 10 and 10 (0xaa).
CAPTURED = bytes.fromhex("010000000007aa01e01c030000000000dc7f000018020000")


def info(options: int, scales: int, mss: int) -> bytes:
    head = bytes([1, 0, 0, 0, 0, options, scales, 0])
    return head + b"".join(n.to_bytes(4, "little") for n in (0, 0, mss, 536))


CASES = [
    (CAPTURED, "little", TcpFacts(mss=32732, window_scale=10, timestamps=True, sack=True)),
    (info(0b111, 0xA7, 1380), "little", TcpFacts(1380, 7, timestamps=True, sack=True)),
    (info(0b000, 0xA7, 536), "little", TcpFacts(536, None, timestamps=False, sack=False)),
    (info(0b101, 0x00, 1460), "little", TcpFacts(1460, 0, timestamps=True, sack=False)),
    (info(0b100, 0x7A, 1460), "big", TcpFacts(1460, 7, timestamps=False, sack=False)),
]


@pytest.mark.parametrize(("data", "order", "expected"), CASES)
def test_parse(data: bytes, order: str, expected: TcpFacts) -> None:
    """Options, the peer's window scale and the segment size are where linux/tcp.h has them."""
    assert parse_tcp_info(data, order) == expected


def transfer(state: int, numbers: dict[int, int], acked: int, retransmits: int = 0) -> bytes:
    """The structure with some of its 4-byte numbers, counted from the eighth byte."""
    head = bytes([state, 0, retransmits, 0, 0, 0, 0, 0])
    body = (numbers.get(index, 0).to_bytes(4, sys.byteorder) for index in range(28))
    return head + b"".join(body) + acked.to_bytes(8, sys.byteorder)


NUMBERS = {2: 1448, 4: 2, 13: 1500, 15: 40_000, 23: 3}  # snd_mss, unacked, pmtu, rtt, total_retrans
OPEN = [(1, True), (4, True), (5, True), (8, True), (2, False), (6, False), (7, False)]


@pytest.mark.parametrize(("state", "is_open"), OPEN)
def test_transfer(state: int, *, is_open: bool) -> None:
    """How far data has come, at the offsets of linux/tcp.h; a closed connection still has them."""
    expected = TransferInfo(is_open, 1448, 2, 1, 3, 1500, 0.04, 2898)
    assert parse_transfer(transfer(state, NUMBERS, 2898, retransmits=1)) == expected


@pytest.mark.parametrize(("rtt", "resent", "expected"), [(180, 0, 0.00018), (180, 1, None), (0, 0, None)])
def test_handshake(rtt: int, resent: int, expected: float | None) -> None:
    """The kernel's own time of the handshake counts where the SYN was sent once."""
    assert handshake_rtt(transfer(1, {15: rtt, 23: resent}, 1)) == expected


def test_no_handshake_without_numbers() -> None:
    """Too few bytes have no time."""
    assert handshake_rtt(bytes(32)) is None


@given(st.binary(max_size=200))
def test_transfer_never_raises(data: bytes) -> None:
    """Too few bytes give nothing."""
    assert (parse_transfer(data) is None) == (len(data) < TRANSFER_SIZE)


@given(st.binary(max_size=40))
def test_never_raises(data: bytes) -> None:
    """Too few bytes give nothing; enough of them give numbers within their widths."""
    facts = parse_tcp_info(data, "little")
    assert (facts is None) == (len(data) < 24)
    if facts is not None:
        assert facts.window_scale is None or 0 <= facts.window_scale <= 15
