"""All links of this machine, by `ip` on Linux and by psutil elsewhere."""

import sys
from ipaddress import ip_interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from probe.machine import links
from probe.machine.ip_json import MadeLink
from probe.machine.tools import ToolFailure, ToolOutput
from probe.model.facts import LinkKind
from probe.model.machine import Link, Traffic

ABSENT = ToolOutput("", "ip is not installed", ToolFailure.ABSENT)


def stat(flags: str, *, isup: bool, mtu: int) -> Any:
    return SimpleNamespace(flags=flags, isup=isup, mtu=mtu)


def held(address: str, netmask: str | None) -> Any:
    return SimpleNamespace(address=address, netmask=netmask)


@pytest.fixture
def other_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine as psutil reports it on macOS (with flags) and Windows (without)."""
    counters = SimpleNamespace(packets_sent=1, packets_recv=2, bytes_sent=3, bytes_recv=4)
    stats = {
        "utun4": stat("up,pointopoint,running,multicast", isup=True, mtu=1280),
        "en5": stat("up,broadcast,multicast", isup=False, mtu=1500),
        "Ethernet 2": stat("", isup=False, mtu=0),
    }
    addresses = {"utun4": [held("10.8.0.2", "255.255.255.0"), held("02:00:00:00:00:01", None)]}
    monkeypatch.setattr(psutil, "net_if_stats", lambda: stats)
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {"utun4": counters})


EXPECTED = (
    Link(
        "utun4",
        LinkKind.TUNNEL,
        up=True,
        running=True,
        addresses=(ip_interface("10.8.0.2/24"),),
        mtu=1280,
        traffic=Traffic(1, 2, 3, 4),
    ),
    Link("en5", LinkKind.ETHERNET, up=True, running=False, mtu=1500),
    Link("Ethernet 2", LinkKind.ETHERNET, up=False, running=False),
)


@pytest.mark.parametrize("system", ["darwin", "win32"])
@pytest.mark.usefixtures("other_system")
def test_other_systems(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """What psutil reports; no tool of Linux is asked, and its reverse path filter is not known."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(links, "ask", lambda command: pytest.fail(f"{command} was asked"))
    assert links.read_links() == tuple(map(MadeLink, EXPECTED))
    assert links.read_links("en5") == (MadeLink(EXPECTED[1]),)
    assert links.read_links("en6") == ()


NO_HELP = [
    ABSENT,
    ToolOutput("", "Option -json is unknown", ToolFailure.FAILED),
    ToolOutput("[]"),
    ToolOutput("BusyBox"),
]


@pytest.mark.parametrize("answer", NO_HELP, ids=lambda answer: answer.why or answer.output)
@pytest.mark.usefixtures("other_system")
def test_linux_without_ip(monkeypatch: pytest.MonkeyPatch, answer: ToolOutput) -> None:
    """Where there is no `ip`, or an older one, psutil reports."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(links, "ask", lambda command: answer)
    monkeypatch.setattr(links, "_SYSCTL", Path("/nonexistent"))
    assert [made.link.name for made in links.read_links()] == ["utun4", "en5", "Ethernet 2"]


FILTERS = [
    ("0", "0", 0),
    ("1", "0", 1),
    ("0", "1", 1),
    ("1", "2", 2),
    ("2", "1", 2),
    ("x", "1", None),
    (None, "1", None),
]


@pytest.mark.parametrize(("everywhere", "own", "expected"), FILTERS)
@pytest.mark.usefixtures("other_system")
def test_reverse_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, everywhere: str | None, own: str, expected: int | None
) -> None:
    """The greater of the two numbers is in force; a number that is missing is not 0."""
    for name, number in (("all", everywhere), ("en5", own)):
        (tmp_path / name).mkdir()
        if number is not None:
            (tmp_path / name / "rp_filter").write_text(f"{number}\n", encoding="ascii")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(links, "ask", lambda command: ABSENT)
    monkeypatch.setattr(links, "_SYSCTL", tmp_path)
    assert [made.link.reverse_path for made in links.read_links("en5")] == [expected]


@pytest.mark.skipif(sys.platform != "linux", reason="the loopback interface has other names elsewhere")
def test_both_ways_agree() -> None:
    """Both `ip` and psutil report the same of the loopback interface, its counters aside."""
    read = [links._links_of_psutil(), links._links_of_ip(None)]
    if read[1] is None:
        pytest.skip("ip (iproute2) is not installed")
    one, other = (next(made.link for made in found if made.link.name == "lo") for found in read if found)
    assert (one.kind, one.up, one.running, one.mtu) == (other.kind, other.up, other.running, other.mtu)
    assert set(one.addresses) == set(other.addresses)
    assert one.traffic is not None
    assert other.traffic is not None
    assert one.traffic.sent_bytes <= other.traffic.sent_bytes


def test_radios(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A link with a radio is wireless, one without is not, and of what has no folder nothing is known."""
    (tmp_path / "wlan0" / "phy80211").mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    monkeypatch.setattr(links, "_SYSFS", tmp_path)
    for name, expected in (("wlan0", True), ("eth0", False), ("eth9", None)):
        link = Link(name, LinkKind.ETHERNET, up=True, running=True)
        assert links._with_radio(link).wireless is expected
    made = Link("eth0", LinkKind.ETHERNET, up=True, running=True, made_by="veth", wireless=False)
    assert links._with_radio(made) is made
