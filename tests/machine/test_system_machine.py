"""The real machine in one look, on every system."""

import sys
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.machine import firewall, links, tunnels
from probe.machine.links import read_routes
from probe.machine.system import SystemMachine
from probe.machine.tools import ToolFailure, ToolOutput
from probe.model.machine import RouteEntry
from probe.model.unread import UnreadRule

if TYPE_CHECKING:
    from probe.machine.sources import MachineReader

ABSENT = ToolOutput("", "not installed", ToolFailure.ABSENT)


@pytest.fixture
def resolv_conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.53\n", encoding="ascii")
    return path


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any of the system's tools."""
    for module in (links, firewall, tunnels):
        monkeypatch.setattr(module, "ask", lambda command: ABSENT)


def test_this_machine(resolv_conf: Path) -> None:
    """It reports its loopback interface, and what the caller stated of raw packets."""
    reader: MachineReader = SystemMachine(lambda: "no sockets", resolv_conf)
    machine = reader.machine()
    assert machine.system == sys.platform
    assert machine.raw_missing == "no sockets"
    assert machine.resolvers.servers == (ip_address("192.0.2.53"),)
    assert any(
        ip_address("127.0.0.1") in link.addresses[0].network for link in machine.links if link.addresses
    )
    assert (machine.firewall.chains is None) == (machine.firewall.unread is not None)
    assert reader.tunnel("no-such-link") is None


SYSTEMS = [("linux", UnreadRule.NO_TOOL), ("darwin", UnreadRule.OTHER_SYSTEM)]


@pytest.mark.parametrize(("system", "unread"), SYSTEMS)
@pytest.mark.usefixtures("no_tools")
def test_without_tools(
    monkeypatch: pytest.MonkeyPatch, resolv_conf: Path, system: str, unread: UnreadRule
) -> None:
    """Without tools there are still links and resolvers; what is not known is None and no error."""
    monkeypatch.setattr(sys, "platform", system)
    machine = SystemMachine(lambda: None, resolv_conf).machine()
    assert machine.links
    assert machine.routes is None
    assert machine.firewall.chains is None
    assert machine.firewall.unread is not None
    assert machine.firewall.unread.rule is unread
    assert machine.resolvers.servers == (ip_address("192.0.2.53"),)


TABLES = {
    "-4": ToolOutput('[{"dst":"default","dev":"eth0"}]'),
    "-6": ToolOutput('[{"dst":"fd08::/64","dev":"wg0"}]'),
}
BROKEN = [{"-4": TABLES["-4"], "-6": ToolOutput("?")}, {"-4": ABSENT, "-6": TABLES["-6"]}]


def scripted(monkeypatch: pytest.MonkeyPatch, tables: dict[str, ToolOutput]) -> None:
    def ask(command: Sequence[str]) -> ToolOutput:
        return next(answer for family, answer in tables.items() if family in command)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(links, "ask", ask)


def test_routes_of_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """One table of both families."""
    scripted(monkeypatch, TABLES)
    assert read_routes() == (
        RouteEntry(ip_network("0.0.0.0/0"), "eth0"),
        RouteEntry(ip_network("fd08::/64"), "wg0"),
    )


@pytest.mark.parametrize("tables", BROKEN)
def test_half_a_table_is_none(monkeypatch: pytest.MonkeyPatch, tables: dict[str, ToolOutput]) -> None:
    """A family that is not reported leaves the table unknown: what is missing is not "no route"."""
    scripted(monkeypatch, tables)
    assert read_routes() is None


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_no_routes_elsewhere(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """The table of other systems is not read."""
    monkeypatch.setattr(sys, "platform", system)
    assert read_routes() is None
