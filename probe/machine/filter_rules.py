"""What may block in a chain of a packet filter, and in those that it jumps to. Pure; the same for every tool.

A rule's words are the conditions of the jumps that lead to it, and its own. Whether an earlier rule accepts
a packet is not followed, as for that the packet must be known: what is listed may block, it need not.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count, islice
from typing import Any

_DEEPEST = 16  # jumps; the kernel's own limit (NFT_JUMP_STACK_SIZE, net/netfilter/nf_tables.h)
_MOST = 100  # ways to block that are listed of one chain
_MOST_RULES = 20_000  # rules that are looked at for one chain; those of chains met again count again


class Act(Enum):
    """What a rule does with a packet, as far as it matters here."""

    BLOCK = auto()
    ENTER = auto()  # another chain
    RETURN = auto()
    ACCEPT = auto()


@dataclass(frozen=True, slots=True)
class FirewallStep:
    """One thing that a rule does. `words`: of what blocks; `into`: the chain entered; `only`: for which."""

    act: Act
    words: str = ""
    into: Hashable = None
    only: str = ""


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """One rule: what it asks for, and what it does with what meets that."""

    conditions: tuple[str, ...] = ()
    steps: tuple[FirewallStep, ...] = ()

    def does(self, act: Act) -> bool:
        """Whether the rule does so, for all that meets its conditions."""
        return any(step.act is act and not step.only for step in self.steps)


def blocking(rules: Mapping[Any, Sequence[FirewallRule]], chain: Hashable) -> tuple[str, ...]:
    """Everything in a chain that may block, in words, in order, each once."""
    return tuple(dict.fromkeys(islice(_walk(rules, chain, (), count()), _MOST)))


def _walk(
    rules: Mapping[Any, Sequence[FirewallRule]],
    chain: Hashable,
    above: tuple[str, ...],
    seen: Iterator[int],
    jumps: int = 0,
) -> Iterator[str]:
    returned: list[str] = []
    for rule in rules.get(chain, ()):
        if next(seen) >= _MOST_RULES:
            return
        for step in rule.steps:
            conditions = (*above, *rule.conditions, *filter(None, [step.only]))
            found: Iterator[str] = iter(())
            if step.act is Act.BLOCK:
                found = iter([" ".join((*conditions, step.words))])
            elif step.act is Act.ENTER and jumps < _DEEPEST:
                found = _walk(rules, step.into, conditions, seen, jumps + 1)
            yield from (f"{words}, unless {' or '.join(returned)}" for words in found) if returned else found
        if not rule.conditions and (rule.does(Act.RETURN) or rule.does(Act.ACCEPT)):
            return
        if rule.does(Act.RETURN):
            returned.append(" ".join(rule.conditions))
