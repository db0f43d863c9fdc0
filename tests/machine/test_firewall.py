"""Which tool reports the packet filter, and what is known where none does."""

import sys
from collections.abc import Mapping, Sequence

import pytest

from probe.machine import firewall
from probe.machine.firewall import read_firewall
from probe.machine.tools import ToolFailure, ToolOutput
from probe.model.machine import Chain, Firewall, Hook
from probe.model.unread import Unread, UnreadRule

ABSENT = ToolOutput("", "not installed", ToolFailure.ABSENT)
FORBIDDEN = ToolOutput("", "Operation not permitted (you must be root)", ToolFailure.NOT_PERMITTED)
FAILED = ToolOutput("", "Protocol not supported", ToolFailure.FAILED)

EMPTY = ToolOutput('{"nftables": [{"metainfo": {"version": "1.0.6"}}]}')
INPUT = '{"chain": {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "drop"}}'
OTHER = '{"chain": {"family": "inet", "table": "mine", "name": "in", "hook": "input", "policy": "drop"}}'
OPAQUE = '{"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [{"xt": null}]}}'
DROPS = ToolOutput(f'{{"nftables": [{INPUT}]}}')
HALF_READ = ToolOutput(f'{{"nftables": [{INPUT}, {OTHER}, {OPAQUE}]}}')
SAVED = ToolOutput("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 8000 -j REJECT\nCOMMIT\n")
QUIET = ToolOutput("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")

OF_NFT = Chain("nft", "ip", "filter", "INPUT", Hook.INPUT, ("policy drop",))
MINE = Chain("nft", "inet", "mine", "in", Hook.INPUT, ("policy drop",))
OF_4 = Chain("iptables", "ip", "filter", "INPUT", Hook.INPUT, ("-p tcp --dport 8000 reject",))
OF_6 = Chain("ip6tables", "ip6", "filter", "INPUT", Hook.INPUT, ("-p tcp --dport 8000 reject",))


def unread(rule: UnreadRule, *tools: str, complaints: tuple[str, ...] = ()) -> Firewall:
    """A packet filter that could not be read."""
    return Firewall(unread=Unread(rule=rule, tools=tools, complaints=complaints))


# what each tool answers; what is absent is left out
READINGS: list[tuple[Mapping[str, ToolOutput], Firewall]] = [
    ({"nft": DROPS, "iptables-save": SAVED}, Firewall((OF_NFT,))),
    ({"nft": EMPTY}, Firewall(())),
    ({"nft": FORBIDDEN, "iptables-save": SAVED}, unread(UnreadRule.NEEDS_ROOT, "nft")),
    ({}, unread(UnreadRule.NO_TOOL, "nft", "iptables", "ip6tables")),
    ({"nft": FAILED}, unread(UnreadRule.TOOL_FAILED, "nft", complaints=("Protocol not supported",))),
    ({"nft": ToolOutput("hello")}, unread(UnreadRule.TOOL_FAILED, "nft")),
    # nft has no rules: the older iptables has its own
    ({"nft": EMPTY, "iptables-save": SAVED, "ip6tables-save": QUIET}, Firewall((OF_4,))),
    ({"nft": EMPTY, "iptables-legacy-save": SAVED, "iptables-save": QUIET}, Firewall((OF_4,))),
    ({"nft": EMPTY, "iptables-legacy-save": FORBIDDEN}, Firewall(())),
    # no nft
    ({"iptables-save": SAVED, "ip6tables-save": SAVED}, Firewall((OF_4, OF_6))),
    ({"iptables-save": QUIET, "ip6tables-save": QUIET}, Firewall(())),
    (
        {"iptables-save": FORBIDDEN, "ip6tables-save": FORBIDDEN},
        unread(UnreadRule.NEEDS_ROOT, "iptables", "ip6tables"),
    ),
    (
        {"iptables-save": SAVED, "ip6tables-save": FAILED},
        unread(UnreadRule.TOOL_FAILED, "iptables", "ip6tables", complaints=("Protocol not supported",)),
    ),
    # rules that only iptables can read: its word counts for their table
    ({"nft": HALF_READ, "iptables-nft-save": SAVED, "iptables-save": QUIET}, Firewall((MINE, OF_4))),
    ({"nft": HALF_READ, "iptables-save": SAVED}, Firewall((MINE, OF_4))),
    ({"nft": HALF_READ}, Firewall((OF_NFT, MINE))),
]


@pytest.mark.parametrize(("answers", "expected"), READINGS)
def test_readings(
    monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, ToolOutput], expected: Firewall
) -> None:
    """Where nft is absent, has no rules or cannot read one, iptables reports it."""

    def ask(command: Sequence[str]) -> ToolOutput:
        return answers.get(command[0], ABSENT)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(firewall, "ask", ask)
    assert read_firewall() == expected


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """Elsewhere the packet filter is not read, and that is reported."""
    monkeypatch.setattr(sys, "platform", system)
    assert read_firewall() == unread(UnreadRule.OTHER_SYSTEM)
