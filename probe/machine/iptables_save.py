"""What `iptables-save` and `ip6tables-save` print: what may drop this machine's packets. Pure.

A table begins with `*filter`; `:INPUT DROP [0:0]` is a chain with its policy, `-A INPUT ... -j DROP` a rule.
"""

import shlex
from dataclasses import dataclass, field

from probe.machine.filter_rules import Act, FirewallRule, FirewallStep, blocking
from probe.model.machine import Chain, Hook

_HOOKS = {"INPUT": Hook.INPUT, "OUTPUT": Hook.OUTPUT}
_BLOCKING = {"DROP": "drop", "REJECT": "reject"}
_LEAVING = {"RETURN": Act.RETURN, "ACCEPT": Act.ACCEPT}
_TARGETS = frozenset({"-j", "--jump", "-g", "--goto"})
# With their argument: of modules the options are what they match.
_WITHOUT_MEANING = frozenset({"-m", "--match", "--comment"})


@dataclass(slots=True)
class _Table:
    name: str
    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[FirewallRule]] = field(default_factory=dict)


def parse_save(text: str, tool: str, family: str) -> tuple[Chain, ...]:
    """Read a saved ruleset; `tool` is iptables or ip6tables, `family` as nft calls it: ip or ip6."""
    return tuple(chain for table in _tables(text) for chain in _chains(table, tool, family))


def chain_names(text: str) -> frozenset[str]:
    """The names of all chains of a saved ruleset."""
    return frozenset(name for table in _tables(text) for name in table.policies)


def _tables(text: str) -> list[_Table]:
    tables: list[_Table] = []
    for line in text.splitlines():
        if line.startswith("*"):
            tables.append(_Table(line[1:].strip()))
        elif tables:
            _read(line, tables[-1])
    return tables


def _read(line: str, table: _Table) -> None:
    """Add one line to a table; one that is not as it should be is left out."""
    match _split(line):
        case [name, policy, *_] if name.startswith(":"):
            table.policies[name[1:]] = policy
        case ["-A", chain, *words]:
            table.rules.setdefault(chain, []).append(_rule(words))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=line.startswith("#"))
    except ValueError:  # a quote that is not closed
        return []


def _rule(words: list[str]) -> FirewallRule:
    conditions: list[str] = []
    target = ""
    rest = iter(words)
    for word in rest:
        if word in _TARGETS:
            target = next(rest, "")
            break  # what follows are the target's options
        if word in _WITHOUT_MEANING:
            next(rest, "")
        else:
            conditions.append(word)
    return FirewallRule((" ".join(conditions),) if conditions else (), (_step(target),))


def _step(target: str) -> FirewallStep:
    if target in _BLOCKING:
        return FirewallStep(Act.BLOCK, _BLOCKING[target])
    return FirewallStep(_LEAVING[target]) if target in _LEAVING else FirewallStep(Act.ENTER, into=target)


def _chains(table: _Table, tool: str, family: str) -> list[Chain]:
    found = []
    for name, hook in _HOOKS.items():
        policy = ("policy drop",) if table.policies.get(name) == "DROP" else ()
        ways = (*blocking(table.rules, name), *policy)
        if ways:
            found.append(Chain(tool, family, table.name, name, hook, ways))
    return found
