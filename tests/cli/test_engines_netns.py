"""The raw engine by the command line, between real kernels in namespaces."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from probe.lab.netns import enter

pytestmark = pytest.mark.netns

TOP = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("run_in_a_world.py")
ADDRESSES = ("--lan", "192.168.77.10", "--vpn", "10.88.0.10", "--public", "203.0.113.10")


def scan(*flags: str, addresses=ADDRESSES, on_target: str = "") -> subprocess.CompletedProcess[str]:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), "demo", "scan", *addresses, *flags]
    env = {**os.environ, "PYTHONPATH": str(TOP), "ON_TARGET": on_target}
    return subprocess.run(command, env=env, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)


def port_of(document: dict[str, Any], number: int) -> dict[str, Any]:
    return next(port for port in document["ports"] if port["port"] == number)


def test_a_host_echoes_the_mark_and_the_packets_are_kept(tmp_path: Path) -> None:
    """A refusal is shown to be the stack's own; the file has what was sent, and its purpose."""
    packets = tmp_path / "packets.pcapng"
    done = scan("-p", "443,5432,9090", "--engine", "raw", "--pcap", str(packets), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["engine"] == "raw"
    resets = [one for one in port_of(document, 5432)["probes"] if one["reason"] == "reset"]
    assert {one["address"] for one in resets if one["probe"] == "opening"} == set(ADDRESSES[1::2])
    assert {one["tos"] for one in resets} == {0x68}
    data = packets.read_bytes()
    assert b"SYN to 5432/tcp, try 1" in data
    assert b"reset, answers SYN to 5432/tcp" in data


def test_what_looks_hostile_is_announced(tmp_path: Path) -> None:
    """Both flags: a line each, and only the neighbours are named for the second (vpn is plain here)."""
    done = scan("-p", "5432,9090", "--fin", "--l2", "-q", "-o", str(tmp_path / "report.json"), "--json")
    assert done.returncode == 0
    fin, l2 = done.stderr.splitlines()
    assert "192.168.77.10, 10.88.0.10, 203.0.113.10 that stay silent" in fin
    assert "frames for 127.0.0.1 go to 192.168.77.10, 10.88.0.10; " in l2
    document = json.loads((tmp_path / "report.json").read_text())
    sent = {probe["address"] for port in document["ports"] for probe in port["probes"]}
    assert "127.0.0.1" in sent


def test_sockets_alone_send_no_raw_packets() -> None:
    """The same scan by connect() sends no raw packet, and reports that none could be sent."""
    done = scan("-p", "5432", "--engine", "connect", "--json")
    document = json.loads(done.stdout)
    assert document["engine"] == "connect"
    assert port_of(document, 5432)["probes"] is None


def test_two_addresses_of_one_card_and_a_third() -> None:
    """Both surveys ask the same of the third address by the same card: asked once, kept with both."""
    addresses = ("--lan", "192.168.77.10", "--lan", "192.168.77.11", "--vpn", "10.88.0.10")
    second = "ip addr add 192.168.77.11/24 dev lan"
    done = scan("-p", "8000,8001,8004", "--engine", "raw", "--json", addresses=addresses, on_target=second)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert [one["address"] for one in document["addresses"]] == list(addresses[1::2])
    sent = [probe for port in document["ports"] for probe in port["probes"]]
    assert any(probe["address"] == "10.88.0.10" and probe["through"] == "lan" for probe in sent)
