"""Real captures, replayed without privileges: each answer is read, and finds the probe that it answers.

The captures are made by tests/golden/record.py. A network of virtual cables leaves the checksums of what an
offload would fill in as they are: there the kernel vouched for them, here the replay does.
"""

import subprocess
import sys
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

import capture_reader
import pytest
import wire
import yaml

from probe.lab.netns import enter
from probe.model.probing import Probe, Question, Reply, Shape
from probe.model.target import Port, Protocol
from probe.wire import codec
from probe.wire.match import Flight, Matching
from probe.wire.packet import Incoming, Outgoing
from probe.wire.pcapng import Capture

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.pcapng"))
ARP = 0x0806
SHAPES = {0x02: Shape.OPENING, 0x10: Shape.ACK, 0x01: Shape.FIN}
INTERFACE = "lan"
ALWAYS = {"to", "kind", "reason", "source", "ttl", "icmp", "acknowledges"}


def sent(packet: capture_reader.CapturedPacket) -> Outgoing:
    """The record of a probe, from its bytes."""
    if packet.ethertype == ARP:
        source, destination = packet.data[14:18], packet.data[24:28]
        return Outgoing(Shape.WHO_HAS, Protocol.TCP, ip_address(source), ip_address(destination))
    seen = wire.look(packet.data)
    words = [int.from_bytes(seen.payload[at : at + 2]) for at in range(0, 12, 2) if at < len(seen.payload)]
    common = {"ttl": seen.ttl, "tos": seen.tos}
    ends = seen.source, seen.destination
    if seen.protocol in {wire.ICMP, wire.ICMP6}:
        return Outgoing(Shape.ECHO, Protocol.TCP, *ends, words[2], sequence=words[3], **common)
    if seen.protocol == wire.UDP:
        return Outgoing(Shape.OPENING, Protocol.UDP, *ends, words[0], words[1], **common)
    return Outgoing(
        SHAPES[seen.payload[13]],
        Protocol.TCP,
        *ends,
        words[0],
        words[1],
        (words[2] << 16) + words[3],
        (words[4] << 16) + words[5],
        **common,
    )


def flight(number: int, packet: Outgoing) -> Flight:
    port = Port(packet.protocol, packet.destination_port)
    interface = INTERFACE if packet.shape is Shape.WHO_HAS else None
    return Flight(Probe(number, Question(packet.destination, port, shape=packet.shape)), packet, interface)


def title(packet: Outgoing) -> str:
    port = f" {packet.destination_port}/{packet.protocol}" if packet.destination_port else ""
    ttl = "" if packet.ttl == 64 else f", ttl {packet.ttl}"
    return f"{packet.shape}{port} at {packet.destination}{ttl}"


def described(probe: Outgoing, got: Incoming, reply: Reply) -> dict[str, Any]:
    """What an answer holds, as far as it is the same in every run."""
    header, options = got.header, got.header.options
    return {
        "to": title(probe),
        "kind": str(got.kind),
        "reason": str(reply.reason),
        "source": str(got.source),
        "ttl": got.ttl,
        "tos": header.tos,
        "labelled": bool(header.flow_label),
        "window": header.window,
        "mss": options and options.mss,
        "window_scale": options and options.window_scale,
        "timestamps": bool(options and options.timestamps),
        "sack": bool(options and options.sack),
        "icmp": got.icmp and list(got.icmp),
        "acknowledges": got.acknowledgment is not None,
        "by_link_address": header.link_address is not None,
    }


def replayed(name: str, folder: Path = GOLDEN) -> tuple[list[dict[str, Any]], list[str]]:
    """What every answer of a capture holds, and the titles of the probes that had none."""
    matching, numbers, answers = Matching(), count(1), []
    waiting: dict[int, Outgoing] = {}
    for packet in capture_reader.packets(folder / f"{name}.pcapng"):
        if packet.outgoing:
            probe = flight(next(numbers), sent(packet))
            waiting[probe.probe.id] = probe.packet
            matching.remember(probe)
            continue
        got = codec.read(packet.data, packet.ethertype, interface=INTERFACE, verified=True)
        assert got is not None, packet.comment
        match = matching.take(got, 0.0)
        assert match is not None, packet.comment
        answers.append(described(waiting.pop(match[0].probe.id), got, match[1]))
    return answers, [title(probe) for probe in waiting.values()]


def expected(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("name", NAMES)
def test_answers(name: str) -> None:
    """Every answer is what its row expects, and what was silent then is silent in the replay."""
    answers, silent = replayed(name)
    document = expected(name)
    rows = document["answers"]
    assert [answer["to"] for answer in answers] == [row["to"] for row in rows]
    assert [{key: answer[key] for key in row} for answer, row in zip(answers, rows, strict=True)] == rows
    assert silent == document.get("silent", [])


@pytest.mark.parametrize("name", NAMES)
def test_probes_are_no_answers(name: str) -> None:
    """Of our own packets, none but a datagram looks like a reply; each is intact."""
    for packet in capture_reader.packets(GOLDEN / f"{name}.pcapng"):
        if packet.outgoing and packet.ethertype != ARP:
            assert wire.intact(packet.data)
            is_datagram = wire.look(packet.data).protocol == wire.UDP
            assert (codec.read(packet.data, packet.ethertype) is not None) == is_datagram


@pytest.mark.parametrize("name", NAMES)
def test_probes_built_again(name: str, tmp_path: Path) -> None:
    """A probe that is built again from its record is the packet that was sent, and its capture the same."""
    again = Capture(tmp_path / "again.pcapng")
    kept = [one for one in capture_reader.packets(GOLDEN / f"{name}.pcapng") if is_rebuilt(one)]
    for packet in kept:
        data = codec.build(sent(packet))
        again.record(data, packet.ethertype, at=0.0, outgoing=True, comment=packet.comment)
    again.close()
    assert capture_reader.packets(tmp_path / "again.pcapng") == kept


def is_rebuilt(packet: capture_reader.CapturedPacket) -> bool:
    """Whether a record holds all of it: a datagram's payload and ARP's own address are not in `sent`."""
    return packet.outgoing and packet.ethertype != ARP and wire.look(packet.data).protocol != wire.UDP


def test_captures_and_expectations_go_together() -> None:
    """No capture without its expectations, and none missing."""
    assert sorted(path.stem for path in GOLDEN.glob("*.yaml")) == NAMES
    assert len(NAMES) == 4


@pytest.mark.netns
def test_recorded_again(tmp_path: Path) -> None:
    """The worlds answer today as they did; what depends on the kernel's version and memory is left out."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    command = [sys.executable, str(GOLDEN / "record.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in NAMES:
        answers, silent = replayed(name, tmp_path)
        document = expected(name)
        rows = [{key: row[key] for key in row if key in ALWAYS} for row in document["answers"]]
        assert [{key: one[key] for key in row} for one, row in zip(answers, rows, strict=True)] == rows
        assert silent == document.get("silent", [])
