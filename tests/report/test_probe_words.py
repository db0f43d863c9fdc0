"""Raw packets in words: what was sent, what came back, why."""

import pytest
from sample_reports import LAN, NEIGHBOUR, OPEN, RAW, SILENT, TYPICAL, VPN, probe

from probe.model.probing import Reason, Shape
from probe.model.report import ProbeReport
from probe.model.target import Port, Protocol
from probe.report.explanation import render_explanation
from probe.report.raw_packets import probe_line
from probe.report.style import TextStyle

TCP, UDP = Protocol.TCP, Protocol.UDP
TITLE = "Raw packets, and why each was sent"

LINES = [
    (
        probe(LAN, tos=0x68, reply_ttl=64),
        "SYN to lan 192.168.77.10: TCP reset, TOS 0x68 echoed, TTL 64 (why: ",
    ),
    (probe(LAN, tos=0x69), "TCP reset, TOS 0x69 echoed ("),
    (probe(LAN, tos=0), "TCP reset, TOS 0 ("),
    (probe(LAN, tos=0x10), "TCP reset, TOS 0x10 ("),
    (probe(LAN, tos=0, flow_label=0), "TCP reset, TOS 0, flow label 0 ("),
    (probe(LAN, tos=0x68, flow_label=0x1B7D5), "flow label 0x1b7d5 ("),
    (probe(LAN, OPEN, window=0, tos=0), "SYN/ACK, TOS 0, window 0 ("),
    (probe(LAN, window=0), "TCP reset ("),
    (probe(LAN, SILENT, Shape.FIN, attempts=3), "FIN to lan 192.168.77.10: no answer, 3 tries ("),
    (probe(LAN, Reason.RESET, Shape.ACK), "ACK to lan 192.168.77.10: TCP reset ("),
    (
        probe(VPN, OPEN, ttl=1, **NEIGHBOUR),
        "SYN to vpn 10.88.0.10 with TTL 1, handed to 52:54:00:12:34:56 on eth0: SYN/ACK (",
    ),
    (
        probe(LAN, Reason.ARP_RESPONSE, Shape.WHO_HAS, link_address="52:54:00:12:34:57"),
        "ARP request to lan 192.168.77.10: ARP reply, by 52:54:00:12:34:57 (",
    ),
    (
        probe(VPN, SILENT, Shape.WHO_HAS, through="eth0", handed_to="ff:ff:ff:ff:ff:ff"),
        "ARP request to vpn 10.88.0.10 on eth0: no answer (",
    ),
    (probe(LAN, Reason.ECHO_REPLY, Shape.ECHO), "echo request to lan 192.168.77.10: echo reply ("),
    (probe(("lan", "127.0.0.1"), SILENT), "SYN to 127.0.0.1: no answer ("),
    (
        probe(LAN, Reason.ADMIN_PROHIBITED, sender="192.0.2.1", tos=0xC0),
        "ICMP administratively prohibited, from 192.0.2.1, TOS 0xc0 (",
    ),
    (probe(LAN, sender="192.168.77.10"), "TCP reset ("),
]


@pytest.mark.parametrize(("one", "words"), LINES, ids=[words for _, words in LINES])
def test_one_line_a_probe(one: ProbeReport, words: str) -> None:
    """The shape, the way that it took, the fields that matter; what was not measured is left out."""
    line = probe_line(one, TCP, RAW.addresses)
    assert words in line
    assert line.endswith("(why: whose reset?)")


def test_an_opening_over_udp_is_a_datagram() -> None:
    """UDP has no SYN."""
    sent = probe_line(probe(LAN, Reason.PORT_UNREACH), UDP, RAW.addresses)
    assert sent.startswith("datagram to lan 192.168.77.10: ICMP port unreachable")


def test_every_shape_and_reason_has_words() -> None:
    """No packet and no answer is without a name."""
    for shape in Shape:
        for reason in Reason:
            assert ": " in probe_line(probe(LAN, reason, shape), TCP, RAW.addresses)


def test_explain_has_a_section_of_raw_packets() -> None:
    """The port's own probes first, then those of its addresses to compare with; no section without any."""
    text = render_explanation(RAW, Port(TCP, 5432), TextStyle(width=200))
    section = text.split(TITLE)[1].split("\n\n")[0].splitlines()[1:]
    assert [line.split(":")[0].strip(" -") for line in section] == [
        "SYN to lan 192.168.77.10",
        "SYN to vpn 10.88.0.10",
        "SYN to lan 192.168.77.10 at 1006, 18233/tcp",
        "ARP request to lan 192.168.77.10",
    ]
    assert TITLE not in render_explanation(TYPICAL, Port(TCP, 5432))


def test_explain_shows_who_got_nothing() -> None:
    """An answer that only raw packets got is marked as one."""
    text = render_explanation(RAW, Port(TCP, 8000), TextStyle(width=200))
    assert "vpn 10.88.0.10: open (syn-ack), received by raw packets only" in text
    assert text.count("received by raw packets only") == 1
