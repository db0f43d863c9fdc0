"""What is put aside before anyone dissects it: a table of bytes that lie."""

import struct
from collections.abc import Callable

import pytest
import valid_replies
import wire
from valid_replies import ARP_TYPE, ETHERTYPE, Numbers

from probe.wire import decode
from probe.wire.packet import PacketKind

Change = Callable[[bytearray], None]


def put(at: int, *values: int) -> Change:
    """Write bytes at a place."""

    def change(data: bytearray) -> None:
        data[at : at + len(values)] = bytes(values)

    return change


def cut(end: int) -> Change:
    """Drop what is behind a place."""

    def change(data: bytearray) -> None:
        del data[end:]

    return change


# Offsets: IPv4 header 20 bytes, IPv6 40. What the reply is, its family, what is done to it.
NO_REPLIES: dict[str, tuple[str, int, Change]] = {
    "version 6 in IPv4": ("syn-ack", 4, put(0, 0x65)),
    "version 4 in IPv6": ("syn-ack", 6, put(0, 0x46)),
    "a header of 16 bytes": ("syn-ack", 4, put(0, 0x44)),
    "a header longer than the packet": ("reset", 4, put(0, 0x4F)),
    "a total length beyond the end": ("syn-ack", 4, put(2, 0, 61)),
    "a total length within the header": ("syn-ack", 4, put(2, 0, 19)),
    "a total length within the transport header": ("syn-ack", 4, put(2, 0, 39)),
    "a payload length beyond the end": ("syn-ack", 6, put(4, 0, 41)),
    "a payload length within the transport header": ("syn-ack", 6, put(4, 0, 19)),
    "no payload": ("syn-ack", 6, put(4, 0, 0)),
    "the first fragment": ("syn-ack", 4, put(6, 0x20, 0)),
    "a later fragment": ("syn-ack", 4, put(6, 0, 1)),
    "a fragment header": ("syn-ack", 6, put(6, 44)),
    "an authentication header": ("syn-ack", 6, put(6, 51)),
    "another protocol": ("syn-ack", 4, put(9, 132)),
    "ICMPv6 in IPv4": ("echo-reply", 4, put(9, 58)),
    "ICMP in IPv6": ("echo-reply", 6, put(6, 1)),
    "an extension header beyond the end": ("reset", 6, put(6, 60)),
    "a TCP header of 16 bytes": ("syn-ack", 4, put(32, 0x40)),
    "a TCP header longer than the segment": ("syn-ack", 4, put(32, 0xB0)),
    "a SYN": ("syn-ack", 4, put(33, 0x02)),
    "an ACK": ("syn-ack", 4, put(33, 0x10)),
    "a FIN": ("syn-ack", 6, put(53, 0x11)),
    "no flags": ("syn-ack", 6, put(53, 0x00)),
    "SYN and RST": ("syn-ack", 4, put(33, 0x16)),
    "all flags": ("syn-ack", 4, put(33, 0xFF)),
    "a datagram shorter than its header": ("datagram", 4, put(24, 0, 7)),
    "a datagram longer than the packet": ("datagram", 4, put(24, 0, 16)),
    "half a UDP header": ("datagram", 6, put(4, 0, 7)),
    "half an ICMP header": ("echo-reply", 6, put(4, 0, 7)),
    "an echo request": ("echo-reply", 4, put(20, 8)),
    "an echo reply with a code": ("echo-reply", 4, put(21, 1)),
    "a redirect": ("error about TCP", 4, put(20, 5)),
    "a neighbour advertisement": ("error about TCP", 6, put(40, 136)),
    "a quote cut within its header": ("error about TCP", 4, put(2, 0, 47)),
    "a quote cut before the sequence number": ("error about TCP", 4, put(2, 0, 55)),
    "a quote cut within its IPv6 header": ("error about TCP", 6, put(4, 0, 47)),
    "a quote of another protocol": ("error about TCP", 4, put(37, 132)),
    "a quote of the other family": ("error about TCP", 4, put(28, 0x65)),
    "a quote of a fragment": ("error about TCP", 4, put(34, 0x20, 1)),
    "a quote of an echo reply": ("error about echo, cut", 4, put(48, 0)),
    "a quote of an error": ("error about echo, cut", 6, put(88, 1)),
    "no IPv4 header at all": ("syn-ack", 4, cut(19)),
    "no IPv6 header at all": ("syn-ack", 6, cut(39)),
}


def changed(name: str) -> tuple[bytes, int]:
    reply, version, change = NO_REPLIES[name]
    data = bytearray(valid_replies.example(reply, version, Numbers()).data)
    change(data)
    return bytes(data), ETHERTYPE[version]


@pytest.mark.parametrize("name", NO_REPLIES)
def test_no_reply(name: str) -> None:
    """Even where the kernel vouches for the checksum, it is put aside."""
    assert decode.sift(*changed(name), verified=True) is None


@pytest.mark.parametrize("reply", sorted({(row[0], row[1]) for row in NO_REPLIES.values()}), ids=str)
def test_unchanged_it_is_one(reply: tuple[str, int]) -> None:
    """The test's own premise: each of those was a reply before."""
    made = valid_replies.example(*reply, Numbers())
    assert decode.sift(made.data, made.ethertype, verified=False) is not None


@pytest.mark.parametrize(
    ("at", "values"),
    [
        (0, (0, 6)),  # not Ethernet
        (2, (0x86, 0xDD)),  # not IPv4
        (4, (8,)),
        (5, (16,)),
        (6, (0, 1)),  # a request
        (6, (0, 4)),  # reverse ARP
    ],
)
def test_no_arp_reply(at: int, values: tuple[int, ...]) -> None:
    """ARP is read where it is an answer, of Ethernet and of IPv4."""
    data = bytearray(valid_replies.arp_reply().data)
    put(at, *values)(data)
    assert decode.sift(bytes(data), ARP_TYPE, verified=True) is None


@pytest.mark.parametrize("ethertype", [0, 0x8100, 0x88CC, 0xFFFF])
def test_other_ethertypes(ethertype: int) -> None:
    """Of no other protocol there are replies."""
    made = valid_replies.example("reset", 4, Numbers())
    assert decode.sift(made.data, ethertype, verified=True) is None


def chain(*links: int) -> bytes:
    """A reset behind that many 8-byte extension headers of those kinds."""
    made = valid_replies.example("reset", 6, Numbers()).data
    kinds = [*links, wire.TCP]
    headers = b"".join(bytes([following, *bytes(7)]) for following in kinds[1:])
    length = struct.pack("!HB", len(headers) + 20, kinds[0])
    return made[:4] + length + made[7:40] + headers + made[40:]


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        ((), PacketKind.RESET),
        ((0,), PacketKind.RESET),
        ((0, 60, 60), PacketKind.RESET),
        ((60,) * 7, PacketKind.RESET),
        ((60,) * 8, None),  # nobody does that
        ((60, 44), None),
    ],
)
def test_extension_headers(links: tuple[int, ...], kind: PacketKind | None) -> None:
    """A few extension headers are stepped over; a long chain of them is somebody's joke."""
    sifted = decode.sift(chain(*links), ETHERTYPE[6], verified=False)
    assert (None if sifted is None else sifted.kind) == kind


def test_source_routed_and_not_there_yet() -> None:
    """A packet with segments left is on its way to somebody else (RFC 8200 section 4.4)."""
    data = bytearray(chain(43))
    assert decode.sift(bytes(data), ETHERTYPE[6], verified=False) is not None
    data[43] = 1
    assert decode.sift(bytes(data), ETHERTYPE[6], verified=True) is None


@pytest.mark.parametrize(("version", "read"), [(4, True), (6, False)])
def test_datagram_without_a_checksum(version: int, read: bool) -> None:  # noqa: FBT001 - a column
    """IPv4 allows that (RFC 768), IPv6 does not (RFC 8200 section 8.1)."""
    data = bytearray(valid_replies.example("datagram", version, Numbers()).data)
    put({4: 26, 6: 46}[version], 0, 0)(data)
    assert (decode.sift(bytes(data), ETHERTYPE[version], verified=False) is not None) == read


@pytest.mark.parametrize(("version", "kind"), [(4, 3), (4, 11), (4, 12), (6, 1), (6, 2), (6, 3), (6, 4)])
def test_errors(version: int, kind: int) -> None:
    """Every type of error is read, of whatever code: what it means is not decided here."""
    data = bytearray(valid_replies.example("error about UDP", version, Numbers()).data)
    put({4: 20, 6: 40}[version], kind, 99)(data)
    sifted = decode.sift(bytes(data), ETHERTYPE[version], verified=True)
    assert sifted is not None
    assert sifted.kind is PacketKind.ICMP_ERROR


def test_zeros_have_no_checksum() -> None:
    """An echo reply of nothing but zeros is not one whose checksum is right: that would be 0xFFFF."""
    data = bytearray(valid_replies.example("echo-reply", 4, Numbers()).data)
    data[20:] = bytes(len(data) - 20)
    assert decode.sift(bytes(data), ETHERTYPE[4], verified=False) is None
    put(22, 0xFF, 0xFF)(data)
    assert decode.sift(bytes(data), ETHERTYPE[4], verified=False) is not None


def test_header_checksum() -> None:
    """A wrong checksum of the IPv4 header alone is enough."""
    data = bytearray(valid_replies.example("syn-ack", 4, Numbers()).data)
    put(8, 1)(data)  # the TTL, of which TCP's checksum knows nothing
    assert decode.sift(bytes(data), ETHERTYPE[4], verified=False) is None
    assert decode.sift(bytes(data), ETHERTYPE[4], verified=True) is not None


def test_quoted_lengths_may_lie() -> None:
    """A quote is cut by its nature: its own length and checksum do not count."""
    data = bytearray(valid_replies.example("error about TCP", 4, Numbers()).data)
    put(30, 0, 0)(data)
    put(38, 0xAA, 0xAA)(data)
    sifted = decode.sift(bytes(data), ETHERTYPE[4], verified=True)
    assert sifted is not None
    assert sifted.quote is not None
