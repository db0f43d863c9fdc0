"""The raw backend against real kernels: every shape in both families, tunnels, loopback, our own firewall."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import errors_cases
import pytest
import raw_world
from raw_cases import CASES, HERE, RawCase
from tun_world import FAR, FAR6

from probe.wire.packet import MARK_TOS

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module")
def seen() -> Any:
    """All answers of the world, asked once."""
    return raw_world.run("all_cases")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_answer(case: RawCase, seen: Any) -> None:
    """Reason, sender and what the header has are those of the table."""
    got = seen[case.name]
    if case.reason is None:
        assert got is None
        return
    expected = {"reason": case.reason, "sender": case.sender, **case.more}
    assert {name: got[name] for name in expected} == expected


# Where raw packets show something else than connect(): what this machine drops is an error at once, a route
# that prohibits is known from the routing table.
ANOTHER_REASON = {"dropped by our own firewall": "admin-prohibited", "prohibit route": "no-route"}


def test_the_meanings_are_those_of_connect() -> None:
    """Every ICMP error, reset, drop, TTL and dead neighbour means what it means to connect()."""
    results = raw_world.run("cases_of_connect")
    for case in errors_cases.CASES:
        got, expected = results[case.name], case.expected()
        if case.name in ANOTHER_REASON:
            assert got["reason"] == ANOTHER_REASON[case.name]
            continue
        keys = ("reason", "sender", "icmp")
        assert (got and {key: got[key] for key in keys}) == (
            expected and {key: expected[key] for key in keys}
        ), case.name


def test_the_link_address_is_the_neighbours(seen: Any) -> None:
    """Answers on a link name one neighbour, ARP or not; loopback names none."""
    addresses = {seen[name]["link_address"] for name in ("SYN, closed", "who has", "who has the VPN address")}
    assert len(addresses) == 1
    assert None not in addresses
    assert seen["SYN, routed"]["link_address"] not in addresses


def test_raw_packets_get_what_connect_does_not() -> None:
    """Our own input rules drop the answers: connect() waits in vain, raw packets get them."""
    assert raw_world.run("received_by_both") == {"connect": [], "raw": ["syn-ack"]}


def test_tunnels_without_link_headers() -> None:
    """Every shape through a tun device; ARP cannot be asked there."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("no /dev/net/tun")
    results = raw_world.run("through_tunnel")
    for far in (FAR, FAR6):
        resets = [results[f"{name} {far}"] for name in ("opening 9", "ack 9", "fin 9")]
        assert [(got["reason"], got["sender"], got["tos"], got["ttl"]) for got in resets] == [
            ("reset", far, MARK_TOS, 64)
        ] * 3
        assert results[f"opening {HERE} {far}"]["reason"] == "syn-ack"
        assert results[f"echo 0 {far}"]["reason"] == "echo-reply"
        assert results[f"udp {far}"]["reason"] == "port-unreach"
        assert results[f"who-has 0 {far}"]["reason"] == "not-sent"
        assert {(got["link"], got["link_address"]) for got in resets} == {("near0", None)}


def test_frames_for_loopback_are_answered_where_they_are_taken() -> None:
    """A target with route_localnet answers from 127.0.0.1 on its link, whether something listens or not."""
    results = raw_world.run("loopback_from_outside")
    assert [(got["reason"], got["sender"], got["link"]) for got in results] == [
        ("syn-ack", "127.0.0.1", "lan"),
        ("reset", "127.0.0.1", "lan"),
    ]


def test_a_lost_link_is_no_route() -> None:
    """A link that goes down raises nothing: each way of sending reports that there is no route."""
    assert [results["reason"] for results in raw_world.run("link_lost")] == ["no-route"] * 3


def test_capture_has_every_packet_and_nothing_stays_open(tmp_path: Path) -> None:
    """What was sent and what answered it is in the file, each with a comment; all descriptors are closed."""
    path = tmp_path / "packets.pcapng"
    before, during, after, threads = raw_world.run("captured", str(path))
    assert during > before
    assert (after, threads) == (before, 1)
    if shutil.which("tshark") is None:
        pytest.skip("no tshark to read the file with")
    columns = ["-T", "json", "-e", "frame.comment", "-e", "sll.pkttype"]
    done = subprocess.run(["tshark", "-r", str(path), *columns], capture_output=True, text=True, check=True)
    layers = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    comments = sorted(layer["frame.comment"][0] for layer in layers)
    assert comments == sorted(
        [
            "SYN to 9/tcp, try 1",
            "SYN to 9/tcp, try 1",
            "reset, answers SYN to 9/tcp, try 1",
            "reset, answers SYN to 9/tcp, try 1",
            "who has 192.168.77.10, try 1",
            "arp-response, answers who has 192.168.77.10, try 1",
            "SYN to 8002/tcp, try 1",
            "SYN to 80/tcp, TTL 2, try 1",
            "syn-ack, answers SYN to 80/tcp, TTL 2, try 1",
        ]
    )
