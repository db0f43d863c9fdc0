"""`--interface` and `--source`: on loopback, and between real kernels with two links to one target."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from probe.cli.main import main
from probe.lab.netns import enter

TOP = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("run_in_a_world.py")
LAN, VPN, VPN6 = "192.168.77.10", "10.88.0.10", "fd88::10"


@pytest.fixture
def closed() -> str:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return str(holder.getsockname()[1])


def test_the_source_is_in_the_report(closed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the measurement shows by which way it was made."""
    flags = ("--source", "127.0.0.7", "--engine", "connect", "--json")
    assert main(["scan", "127.0.0.1", "-p", closed, *flags]) == 0
    (address,) = json.loads(capsys.readouterr().out)["addresses"]
    assert (address["source"], address["interface"]) == ("127.0.0.7", "lo")


def test_a_plan_has_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is sent, and the interface and the source are those of the scan."""
    flags = ("--source", "127.0.0.7", "--interface", "lo", "--engine", "connect", "--plan")
    assert main(["scan", "127.0.0.1", "-p", "9", *flags]) == 0
    assert "127.0.0.1, by lo from 127.0.0.7" in capsys.readouterr().out


@pytest.mark.parametrize("plan", [(), ("--plan",)], ids=["scan", "plan"])
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--interface", "nope0"), "--interface nope0: this machine has lo"),
        (("--source", "192.0.2.7"), "--source 192.0.2.7: this machine has no such address"),
        (("--source", "::1"), "127.0.0.1 is IPv4"),
    ],
)
def test_a_way_that_is_not_there(
    flags: tuple[str, ...], words: str, plan: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line, before a packet is sent."""
    assert main(["scan", "127.0.0.1", "-p", "9", "--engine", "connect", *flags, *plan]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def scanned(scenario: str, *flags: str) -> subprocess.CompletedProcess[str]:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), scenario, "scan", *flags, "-p", "22,443", "--json"]
    env = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(command, env=env, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)


# The way asked for: scenario, address, flags -> interface and source in the report.
WAYS = [
    ("reachable-everywhere", LAN, ("--interface", "vpn"), "vpn", "10.88.0.2"),
    ("reachable-everywhere", VPN, ("--source", "192.168.77.2", "--interface", "lan"), "lan", "192.168.77.2"),
    ("openvpn-healthy", VPN, ("--interface", "lan"), "lan", "192.168.77.2"),  # around the tunnel
    ("openvpn-healthy", LAN, ("--interface", "vpn"), "vpn", "10.88.0.2"),  # through it
    ("tunnel-carries-both-families", VPN6, ("--source", "fd88::2", "--interface", "vpn"), "vpn", "fd88::2"),
]


@pytest.mark.netns
@pytest.mark.parametrize("engine", ["connect", "raw"])
@pytest.mark.parametrize(("scenario", "address", "flags", "interface", "source"), WAYS)
def test_two_links_to_one_target(
    scenario: str, address: str, flags: tuple[str, ...], interface: str, source: str, engine: str
) -> None:
    """Each engine leaves by the link that was chosen, whatever the routes are, and gets its answers there."""
    done = scanned(scenario, address, "--engine", engine, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    (one,) = report["addresses"]
    assert (one["interface"], one["source"], one["condition"]) == (interface, source, "clear")
    assert {port["port"]: port["observations"][0]["reason"] for port in report["ports"]} == {
        22: "syn-ack",
        443: "reset",
    }
    answered = [probe for port in report["ports"] for probe in port["probes"] or () if probe["sender"]]
    assert bool(answered) is (engine == "raw")


@pytest.mark.netns
def test_an_interface_without_a_route() -> None:
    """IPv6 leaves by no interface that has no route to the address: nothing is sent, exit code 3."""
    done = scanned("tunnel-carries-both-families", VPN6, "--interface", "lan", "--engine", "connect")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"no probe could be sent to {VPN6}: no route" in done.stderr
