"""This machine's own packet filter, as far as it may be read: Linux, by nft, else by iptables.

iptables of today writes into nft's tables; the older one ("legacy") has its own, which nft does not show.
Extensions of iptables in nft's tables only iptables itself can read.
"""

import sys
from collections.abc import Mapping

from probe.machine.firewall_tools import tools_at_work, tools_of
from probe.machine.iptables_save import chain_names, parse_save
from probe.machine.nftables import Ruleset, parse_ruleset
from probe.machine.tools import ToolFailure, ToolOutput, ask
from probe.model.machine import Chain, Firewall
from probe.model.unread import Unread, UnreadRule

_NFT = "nft"
_FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}
_OF_NFT, _LEGACY = "-nft-save", "-legacy-save"  # where a system has both kinds of iptables
_USUAL = "-save"


def read_firewall() -> Firewall:
    """What may drop or reject this machine's own packets; never an error."""
    if sys.platform != "linux":
        return Firewall(unread=Unread(rule=UnreadRule.OTHER_SYSTEM))
    answer = ask((_NFT, "-j", "list", "ruleset"))
    if answer.failure is ToolFailure.NOT_PERMITTED:
        return _locked(_NFT)
    ruleset = None if answer.failure else parse_ruleset(answer.output)
    if ruleset is None:
        return _of_iptables(answer)
    if ruleset.chains and not ruleset.opaque:
        return Firewall(ruleset.chains, tools=tools_of(ruleset.names))
    saves = _saves(_OF_NFT if ruleset.opaque else _LEGACY)
    return Firewall(_merged(ruleset, _chains_of(saves)), tools=tools_of(ruleset.names | _names_of(saves)))


def _of_iptables(nft: ToolOutput) -> Firewall:
    """What iptables reports where nft does not."""
    saves = _saves(_LEGACY)
    failures = [save.failure for save in saves.values()]
    if all(failure is ToolFailure.ABSENT for failure in failures):
        return Firewall(unread=_without_iptables(nft))
    if ToolFailure.NOT_PERMITTED in failures:
        return _locked(*_FAMILIES)
    if ToolFailure.FAILED in failures:
        complaints = tuple(line for save in saves.values() for line in save.complained)
        failed = Unread(rule=UnreadRule.TOOL_FAILED, tools=tuple(_FAMILIES), complaints=complaints)
        return Firewall(unread=failed)
    return Firewall(_chains_of(saves), tools=tools_of(_names_of(saves)))


def _locked(*tools: str) -> Firewall:
    """A packet filter that only root may read."""
    return Firewall(unread=Unread(rule=UnreadRule.NEEDS_ROOT, tools=tools), tools=tools_at_work())


def _names_of(saves: Mapping[str, ToolOutput]) -> frozenset[str]:
    return frozenset(name for save in saves.values() for name in chain_names(save.output))


def _without_iptables(nft: ToolOutput) -> Unread:
    if nft.failure is ToolFailure.ABSENT:
        return Unread(rule=UnreadRule.NO_TOOL, tools=(_NFT, *_FAMILIES))
    return Unread(rule=UnreadRule.TOOL_FAILED, tools=(_NFT,), complaints=nft.complained)


def _saves(kind: str) -> Mapping[str, ToolOutput]:
    """Answers of iptables and ip6tables: of that kind where the system has it, else of the only one."""
    found = {}
    for tool in _FAMILIES:
        answer = ask((tool + kind,))
        found[tool] = ask((tool + _USUAL,)) if answer.failure is ToolFailure.ABSENT else answer
    return found


def _chains_of(saves: Mapping[str, ToolOutput]) -> tuple[Chain, ...]:
    return tuple(
        chain for tool, save in saves.items() for chain in parse_save(save.output, tool, _FAMILIES[tool])
    )


def _merged(ruleset: Ruleset, saved: tuple[Chain, ...]) -> tuple[Chain, ...]:
    """Chains as nft reports them, but as iptables does where a table has rules that only it can read."""
    kept = [
        chain for chain in ruleset.chains if not saved or (chain.family, chain.table) not in ruleset.opaque
    ]
    known = {(chain.family, chain.table, chain.name) for chain in kept}
    return (*kept, *(chain for chain in saved if (chain.family, chain.table, chain.name) not in known))
