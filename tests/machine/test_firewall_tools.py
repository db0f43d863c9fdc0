"""Which program has set up the packet filter: by the names of its chains, or by what is at work."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from probe.machine import firewall
from probe.machine.firewall import read_firewall
from probe.machine.firewall_tools import tools_at_work, tools_of
from probe.machine.nftables import parse_ruleset
from probe.machine.tools import ToolFailure, ToolOutput
from probe.model.machine import FirewallTool

RULESETS = Path(__file__).parent / "rulesets"
UFW, FIREWALLD, DOCKER = FirewallTool.UFW, FirewallTool.FIREWALLD, FirewallTool.DOCKER
SAVED = "*filter\n:INPUT ACCEPT [0:0]\n:DOCKER-USER - [0:0]\n:ufw6-before-input - [0:0]\nCOMMIT\n"


@pytest.mark.parametrize(("name", "tools"), [("ufw", (UFW,)), ("firewalld", (FIREWALLD,)), ("by_hand", ())])
def test_recorded_rulesets(name: str, tools: tuple[FirewallTool, ...]) -> None:
    """The tables and chains of a ruleset show who has made it."""
    found = parse_ruleset((RULESETS / f"{name}.json").read_text(encoding="utf-8"))
    assert found is not None
    assert tools_of(found.names) == tools


def test_several_at_once() -> None:
    """Docker beside a firewall; a chain that only sounds like one is nobody's."""
    assert tools_of({"DOCKER", "INPUT_ZONES", "filter", "my-ufw-chain"}) == (FIREWALLD, DOCKER)


def answering(monkeypatch: pytest.MonkeyPatch, **answers: ToolOutput) -> None:
    def ask(command: Sequence[str]) -> ToolOutput:
        return answers.get(command[0].replace("-", "_"), ToolOutput("", "", ToolFailure.ABSENT))

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(firewall, "ask", ask)


def test_chains_of_iptables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nft is not there, and where its ruleset is empty."""
    answering(monkeypatch, iptables_save=ToolOutput(SAVED), ip6tables_save=ToolOutput(""))
    assert read_firewall().tools == (UFW, DOCKER)
    answering(monkeypatch, nft=ToolOutput('{"nftables": []}'), iptables_save=ToolOutput(SAVED))
    assert read_firewall().tools == (UFW, DOCKER)


def test_without_root_by_what_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that may not be read leave the daemons, and the file of ufw."""
    monkeypatch.setattr(firewall, "tools_at_work", lambda: (FIREWALLD,))
    answering(monkeypatch, nft=ToolOutput("", "not permitted", ToolFailure.NOT_PERMITTED))
    assert read_firewall().tools == (FIREWALLD,)


def test_at_work(tmp_path: Path) -> None:
    """Processes by name, and ufw where it is switched on; a process that ends meanwhile is no error."""
    for pid, name in ((1, "init"), (7, "dockerd"), (8, "firewalld")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
    (tmp_path / "9" / "comm").mkdir(parents=True)  # cannot be read
    ufw = tmp_path / "ufw.conf"
    assert tools_at_work(tmp_path, ufw) == (FIREWALLD, DOCKER)
    ufw.write_text("# on?\nENABLED=no\n")
    assert UFW not in tools_at_work(tmp_path, ufw)
    ufw.write_text("ENABLED=yes\n")
    assert tools_at_work(tmp_path, ufw) == (UFW, FIREWALLD, DOCKER)
