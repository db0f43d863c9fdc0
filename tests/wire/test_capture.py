"""Capture files, read block by block, and by tshark."""

import errno
import os
import shutil
import struct
import subprocess
from contextlib import closing
from functools import partial
from ipaddress import ip_address
from itertools import cycle
from pathlib import Path

import pytest
import valid_replies
from capture_reader import blocks, options
from valid_replies import ARP_TYPE, ETHERTYPE, HARDWARE, OURS, THEIRS, Numbers

from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire import codec
from probe.wire.packet import Outgoing
from probe.wire.pcapng import Capture

COMMENTS = ("a word", "zwölf Boxkämpfer", "“quoted”, 日本", "two\nlines", "", "\udcff lone", "x" * 70000)
AT = 1_700_000_000.123456
RECEIVED, SENT = ("0", "0x00000001"), ("4", "0x00000002")  # as tshark prints it
RESET = valid_replies.example("reset", 4, Numbers())


def written(path: Path, comment: str, *, outgoing: bool = False, link_address: str | None = None) -> bytes:
    """The body of the one packet block of a file."""
    with closing(Capture(path)) as capture:
        capture.record(
            RESET.data, RESET.ethertype, at=AT, outgoing=outgoing, comment=comment, link_address=link_address
        )
    kinds, bodies = zip(*blocks(path.read_bytes()), strict=True)
    assert kinds == (0x0A0D0D0A, 1, 6)
    return bodies[2]


class FullDisk:
    """A file that cannot grow."""

    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Nothing is left to be written."""


def test_a_full_disk_costs_the_rest_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the file stays, the reason is kept, and whoever records goes on."""
    path = tmp_path / "packets"
    with closing(Capture(path)) as capture:
        record = partial(capture.record, RESET.data, RESET.ethertype, at=AT, outgoing=False, comment="")
        record()
        whole = path.read_bytes()
        assert capture.failure is None
        capture._file.close()
        monkeypatch.setattr(capture, "_file", FullDisk())
        record()
        assert capture.failure == "No space left on device"
        monkeypatch.setattr(capture, "_write", pytest.fail)
        record()
    assert path.read_bytes() == whole


def test_a_pipe_that_nobody_reads_from_stops_no_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot take is waited for a second, and no longer: the file ends there."""
    monkeypatch.setattr("probe.wire.pcapng._READER_S", 0.01)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with closing(Capture(path)) as capture:
            record = partial(capture.record, RESET.data, RESET.ethertype, at=AT, outgoing=False)
            record(comment="x")
            assert os.read(reader, 4) == struct.pack("=I", 0x0A0D0D0A)
            while capture.failure is None:
                record(comment="x" * 60000)
        assert capture.failure == "nobody has read from the pipe for 0.01 s"
    finally:
        os.close(reader)


class LateFullDisk(FullDisk):
    """A file on another machine, which notices only at its end that it is full."""

    def close(self) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def test_a_file_that_cannot_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known, and no more."""
    capture = Capture(tmp_path / "packets")
    capture.close()
    monkeypatch.setattr(capture, "_file", LateFullDisk())
    capture.close()
    assert capture.failure == "Disk quota exceeded"


@pytest.mark.parametrize("comment", COMMENTS)
def test_comment(tmp_path: Path, comment: str) -> None:
    """A comment is kept as UTF-8, as much as UTF-8 can express and an option can hold."""
    body = written(tmp_path / "one.pcapng", comment)
    length = struct.unpack("=5I", body[:20])[3]
    kept = options(body[20 + length + -length % 4 :])[1].decode("utf-8")
    assert kept == comment.encode("utf-8", errors="replace").decode("utf-8")[:65535]


def test_long_comment_is_cut_between_characters(tmp_path: Path) -> None:
    """No half character is left at the end."""
    body = written(tmp_path / "one.pcapng", "€" * 30000)
    length = struct.unpack("=5I", body[:20])[3]
    assert options(body[20 + length + -length % 4 :])[1].decode("utf-8") == "€" * 21845


@pytest.mark.parametrize(
    ("outgoing", "link_address", "cooked", "flags"),
    [
        (False, None, (0, 0xFFFE, 0, bytes(8)), 1),
        (False, HARDWARE, (0, 1, 6, bytes.fromhex("5254001234560000")), 1),
        (True, None, (4, 0xFFFE, 0, bytes(8)), 2),
    ],
)
def test_packet(
    tmp_path: Path,
    outgoing: bool,  # noqa: FBT001 - a column
    link_address: str | None,
    cooked: tuple[int, int, int, bytes],
    flags: int,
) -> None:
    """A packet has its time, its direction, its sender on the link, and all its bytes."""
    body = written(tmp_path / "one.pcapng", "", outgoing=outgoing, link_address=link_address)
    interface, high, low, captured, original = struct.unpack("=5I", body[:20])
    assert (interface, captured, original) == (0, 16 + len(RESET.data), 16 + len(RESET.data))
    assert (high << 32) + low == round(AT * 1_000_000)
    assert struct.unpack("!HHH8sH", body[20:36]) == (*cooked, 0x0800)
    assert body[36 : 36 + len(RESET.data)] == RESET.data
    assert options(body[20 + captured + -captured % 4 :])[2] == struct.pack("=I", flags)


def test_in_the_file_at_once(tmp_path: Path) -> None:
    """What was recorded is there before the end, so that an interrupted run leaves a whole file."""
    path = tmp_path / "one.pcapng"
    with closing(Capture(path)) as capture:
        assert len(list(blocks(path.read_bytes()))) == 2
        capture.record(RESET.data, RESET.ethertype, at=AT, outgoing=False, comment="")
        assert len(list(blocks(path.read_bytes()))) == 3


def test_no_such_folder(tmp_path: Path) -> None:
    """A file that cannot be written is an OSError."""
    with pytest.raises(OSError, match="No such file"):
        Capture(tmp_path / "nowhere" / "one.pcapng")


def packets() -> list[tuple[bytes, int, bool]]:
    """Every kind of probe and reply: its bytes, ethertype, and whether it is a probe."""
    probes = [
        (
            Outgoing(shape, protocol, ip_address(OURS[version]), ip_address(THEIRS[version]), 40001, 8000),
            version,
        )
        for version in (4, 6)
        for shape in Shape
        for protocol in Protocol
        if shape is not Shape.WHO_HAS
    ]
    who_has = Outgoing(Shape.WHO_HAS, Protocol.TCP, ip_address(OURS[4]), ip_address(THEIRS[4]))
    return [
        (codec.build(who_has), ARP_TYPE, True),
        *((codec.build(probe), ETHERTYPE[version], True) for probe, version in probes),
        *((made.data, made.ethertype, False) for made in valid_replies.examples()),
    ]


def dissected(path: Path) -> list[list[str]]:
    """Link type, direction, comment, protocols, whether malformed and what experts note, by tshark."""
    fields = (
        "sll.pkttype",
        "frame.packet_flags_direction",
        "frame.comment",
        "frame.protocols",
        "_ws.malformed",
    )
    checks = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;"]
    command += [part for field in fields for part in ("-e", field)]
    command += [part for check in checks for part in ("-o", f"{check}:TRUE")]
    command += ["-e", "_ws.expert.message"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.tshark
def test_tshark_reads_it(tmp_path: Path) -> None:
    """Each packet is seen by tshark with its direction and its comment, and nothing is wrong."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path / "all.pcapng"
    written_packets = packets()
    comments = [f"{number}: {word}" for number, word in zip(range(100), cycle(COMMENTS[:3]), strict=False)]
    with closing(Capture(path)) as capture:
        for (data, ethertype, outgoing), comment in zip(written_packets, comments, strict=False):
            capture.record(data, ethertype, at=AT, outgoing=outgoing, comment=comment)
    lines = dissected(path)
    assert len(lines) == len(written_packets)
    for (_, ethertype, outgoing), comment, line in zip(written_packets, comments, lines, strict=False):
        kind, direction, seen, protocols, malformed, experts = line
        assert (kind, direction, seen) == (*(SENT if outgoing else RECEIVED), comment)
        assert {0x0800: ":ip:", 0x86DD: ":ipv6:", 0x0806: ":arp"}[ethertype] in protocols
        assert malformed == ""
        assert "alformed" not in experts
        assert "checksum" not in experts.lower()
