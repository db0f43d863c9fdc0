"""Replies read from bytes: what a good one means, and that nothing else is taken for one."""

import pytest
import valid_replies
import wire
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import TCP
from valid_replies import ARP_TYPE, ETHERTYPE, HARDWARE, MAKERS, Example, Numbers
from varied import replace

from probe.model.probing import Header, TcpOptions
from probe.wire import codec
from probe.wire.packet import PacketKind

WORDS = st.integers(0, 0xFFFF)
LONGS = st.integers(0, 0xFFFFFFFF)
NUMBERS = st.builds(
    Numbers,
    port=WORDS,
    number=WORDS,
    sequence=LONGS,
    acknowledgment=LONGS,
    window=WORDS,
    tos=st.integers(0, 255),
    flow_label=st.integers(0, 0xFFFFF),
    ttl=st.integers(1, 255),
    mss=WORDS,
    window_scale=st.integers(0, 255),
)
EXAMPLES = valid_replies.examples()


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=25)
@given(numbers=NUMBERS, extended=st.booleans())
def test_reply(name: str, version: int, numbers: Numbers, extended: bool) -> None:  # noqa: FBT001 - drawn
    """Every field of a reply is read as it was made, behind IPv4 options and IPv6 extension headers too."""
    made = valid_replies.example(name, version, numbers, extended=extended)
    assert codec.read(made.data, made.ethertype) == made.meaning


def test_arp_reply() -> None:
    """An ARP reply shows who claims the address, whoever handed the frame over."""
    made = valid_replies.arp_reply()
    assert codec.read(made.data, ARP_TYPE, link_address="02:00:00:00:00:09") == made.meaning
    assert made.meaning.header.link_address == HARDWARE


@pytest.mark.parametrize("made", EXAMPLES)
def test_where_it_came_from(made: Example) -> None:
    """The interface and the neighbour are kept; an ARP reply names its own."""
    seen = codec.read(made.data, made.ethertype, interface="eth0", link_address="02:00:00:00:00:09")
    link = HARDWARE if made.ethertype == ARP_TYPE else "02:00:00:00:00:09"
    header: Header = replace(made.meaning.header, interface="eth0", link_address=link)
    assert seen == replace(made.meaning, header=header)


@pytest.mark.parametrize("made", EXAMPLES)
def test_padding(made: Example) -> None:
    """What the link pads to its shortest frame is no part of the packet."""
    assert codec.read(made.data + bytes(range(46)), made.ethertype) == made.meaning


@pytest.mark.parametrize("made", [one for one in EXAMPLES if one.ethertype != ARP_TYPE])
def test_checksums(made: Example) -> None:
    """Any one bit that its checksum covers makes a reply worthless, unless the kernel vouches for it."""
    for at in range(len(made.data)):
        spoiled = bytearray(made.data)
        spoiled[at] ^= 0x10
        if codec.read(bytes(spoiled), made.ethertype) is not None:
            assert wire.intact(bytes(spoiled)), at
    sum_at = len(wire.look(made.data).header) + {6: 16, 17: 6}.get(wire.look(made.data).protocol, 2)
    spoiled = bytearray(made.data)
    spoiled[sum_at] ^= 0x10
    assert codec.read(bytes(spoiled), made.ethertype) is None
    assert codec.read(bytes(spoiled), made.ethertype, verified=True) == made.meaning


@pytest.mark.parametrize("made", EXAMPLES)
def test_cut(made: Example) -> None:
    """A packet that is shorter than its length field is no reply, wherever it is cut."""
    read = [codec.read(made.data[:end], made.ethertype, verified=True) for end in range(len(made.data))]
    assert read == [None] * len(made.data)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ("", TcpOptions()),
        ("020405b4", TcpOptions(mss=1460)),
        ("020405b4 00 0402 08", TcpOptions(mss=1460)),  # behind the end of options nothing counts
        ("01 0402 03030e 0000", TcpOptions(sack=True, window_scale=14)),
        ("020405b4 020403e8", TcpOptions(mss=1000)),  # twice: the later counts
        ("0203 05 01", TcpOptions()),  # an MSS of one byte
        ("03040a0a", TcpOptions()),  # a window scale of two
        ("0404 0000", TcpOptions()),  # SACK permitted takes no value
        ("0806 00000001 0101", TcpOptions()),  # half a timestamp
        ("1d04 0000", TcpOptions()),  # TCP-AO without its code
        ("1d03 00 01", TcpOptions()),
        ("1d02 0101", TcpOptions()),
        ("fd06 bead 0001 0101 020405b4", TcpOptions(mss=1460)),  # an unknown one is stepped over
        ("0402 0200 020405b4", TcpOptions(sack=True)),  # a length of 0 ends the reading
        ("0402 0301 020405b4", TcpOptions(sack=True)),  # so does one of 1
        ("020405b4 0402 0305", TcpOptions(mss=1460, sack=True)),  # and one that leaves the header
        ("020405b4 0402 01 02", TcpOptions(mss=1460, sack=True)),  # and one that has no length
        ("ff" * 40, TcpOptions()),
    ],
)
def test_options(options: str, read: TcpOptions) -> None:
    """Options count as in tcp_parse_options() of the Linux kernel: those before the first broken one."""
    raw = bytes.fromhex(options)
    around = valid_replies.around(Numbers(), 4, valid_replies.THEIRS[4], extended=False)
    data = bytearray(bytes(around / TCP(flags="SA", dataofs=5 + len(raw) // 4) / raw))
    seen = codec.read(bytes(data), ETHERTYPE[4])
    assert seen is not None
    assert (seen.kind, seen.header.options) == (PacketKind.SYN_ACK, read)


@given(st.binary(max_size=120), st.sampled_from([*ETHERTYPE.values(), ARP_TYPE, 0x0842]), st.booleans())
@example(data=b"", ethertype=0x0800, verified=False)
def test_any_bytes(data: bytes, ethertype: int, verified: bool) -> None:  # noqa: FBT001 - drawn
    """No bytes make it raise."""
    codec.read(data, ethertype, verified=verified)


@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=6),
    st.integers(0, 150),
)
def test_spoiled_replies(made: Example, changes: list[tuple[int, int]], end: int) -> None:
    """No change to a good reply makes it raise, and none with a wrong checksum is taken for good."""
    data = bytearray(made.data)
    for at, value in changes:
        data[at % len(data)] = value
    spoiled = bytes(data[:end] if end else data)
    codec.read(spoiled, made.ethertype, verified=True)
    seen = codec.read(spoiled, made.ethertype)
    assert seen is None or seen.kind is PacketKind.ARP_REPLY or wire.intact(spoiled)
