"""What changed between two reports, in words."""

from collections.abc import Mapping

from probe.explain.phrases import few
from probe.model.difference import Difference, DifferenceRule

SENTENCES: Mapping[DifferenceRule, str] = {
    DifferenceRule.OPENED: "{port} opened on {where}: it was {before}",
    DifferenceRule.CLOSED: "{port} closed on {where}: it is refused now",
    DifferenceRule.BLOCKED: "{port} is blocked on {where}: it was {before} and is {after} now",
    DifferenceRule.UNBLOCKED: "{port} is no longer blocked on {where}: it was {before} and is refused now",
    DifferenceRule.MOVED: "{port} changed its binding from {before} to {after}",
    DifferenceRule.KEYS_CHANGED: "{port} has other host keys on {where}: a new installation, or another machine",
    DifferenceRule.CONDITION_CHANGED: "{where} was {before} and is {after} now",
    DifferenceRule.OWNER_CHANGED: "{where} is answered by {after} now: it was {before}",
}
_PRIVATE = "; a service that should stay inside"


def difference_sentence(one: Difference) -> str:
    """One difference as a sentence."""
    port = "" if one.port is None else f"{one.port}/{one.protocol}"
    if one.service:
        port = f"{port} ({one.service})"
    sentence = SENTENCES[one.rule].format(
        port=port, where=few(one.addresses) if one.addresses else "", before=one.before, after=one.after
    )
    return f"{sentence}{_PRIVATE}" if one.private and one.rule is DifferenceRule.OPENED else sentence
