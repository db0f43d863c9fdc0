"""A VPN program in user space in memory: what it accepts, and by what its stack shows."""

from ipaddress import ip_address

import pytest

from probe.errors import ScenarioError
from probe.lab.check import scanned
from probe.lab.compose.limits import why_not
from probe.lab.netns.layout import lay_out
from probe.model.probing import Reason

LISTENS = [
    {"port": 22, "bind": "0.0.0.0"},
    {"port": 8000, "bind": "127.0.0.1"},
    {"port": 8001, "bind": "lan"},
    {"port": 8002, "bind": "::1"},
]


@pytest.fixture
def given(scenario_of):
    target = {"listen": LISTENS, "vpn_program": True}
    return scenario_of(addresses=["lan", "vpn"], target=target, scan={"ports": "22,8000-8002"})


def test_what_it_accepts(given) -> None:
    """Whatever a connection to 127.0.0.1 gets on the host, and nothing else."""
    report = scanned(given, "sim")
    vpn = ip_address("10.88.0.10")
    reasons = {p.port: o.reason for p in report.ports for o in p.observations if o.address == str(vpn)}
    opened = Reason.SYN_ACK
    assert reasons == {22: opened, 8000: opened, 8001: Reason.RESET, 8002: Reason.RESET}


def test_what_its_stack_shows(given) -> None:
    """Another scale of the window than the kernel's, resets without the mark, and no ARP for its address."""
    report = scanned(given, "sim", "raw")
    scales = {str(o.address): o.tcp.window_scale for p in report.ports for o in p.observations if o.tcp}
    assert scales == {"192.168.77.10": 7, "10.88.0.10": 5}
    rules = {e.rule for p in report.ports for e in p.evidence}
    assert "resets-unmarked" in {str(rule) for rule in rules}


def test_only_memory_has_one(given) -> None:
    """Real hosts and containers refuse it, by name."""
    with pytest.raises(ScenarioError, match="only memory has a VPN program"):
        lay_out(given)
    assert str(why_not(given)).startswith("a VPN program in user space")
