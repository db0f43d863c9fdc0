"""Makes docs/rules.md from the rules: `python tests/docs/rules_page.py > docs/rules.md`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from probe.explain import addresses, advice, answers, bindings, raw, same_host, services, sockets
from probe.explain.follow_ups import FOLLOW_UPS
from probe.model.advice import AdviceRule, NextTestRule, RivalRule, severity_of
from probe.model.evidence import AddressRule, EvidenceRule, ReadingRule, Response
from probe.model.identity import AliasSign
from probe.model.probing import PurposeRule

TOP = Path(__file__).parents[2]
HEAD = """# The rules of a report

What a report has is values: a `rule` out of a closed list, its arguments, and `text`, the sentence that is
made of them last. Programs read the rule and the arguments; `bindprobe schema` describes every field. In the
sentences below, `{where}` and the like stand for arguments. This page is made from the rules themselves."""

SENTENCES: Mapping[type[StrEnum], Mapping[StrEnum, str]] = {
    EvidenceRule: {**answers.SENTENCES, **raw.SENTENCES, **sockets.SENTENCES, **services.SENTENCES},
    AddressRule: {**addresses.SENTENCES, **same_host.SENTENCES},
    AdviceRule: {**advice.OF_PORT, **advice.OF_ADDRESS},
    RivalRule: bindings.RIVALS,
    NextTestRule: bindings.NEXT_TESTS,
    Response: answers.SUMMARIES,
    PurposeRule: {rule: words.why for rule, words in FOLLOW_UPS.items()},
    AliasSign: {sign: _claim for sign, (_claim, _) in same_host.CLAIMS.items()},
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    yield from _plain("Evidence of a port (`ports[].evidence`)", EvidenceRule)
    yield from _plain("Evidence of an address (`addresses[].evidence`)", AddressRule)
    signs = ((sign, text, unless or "") for sign, (text, unless) in same_host.CLAIMS.items())
    yield from _table("Signs (`claim.sign` of that evidence)", ("sign", "what it shows", "unless"), signs)
    given = ((rule, severity_of(rule), SENTENCES[AdviceRule][rule]) for rule in AdviceRule)
    yield from _table("Advice (`advice`)", ("rule", "severity", "sentence"), given)
    yield from _plain("Rivals (`ports[].rivals`)", RivalRule)
    yield from _plain("Next tests (`ports[].next_tests`)", NextTestRule)
    yield from _plain("What an answer amounts to (`reading.response`, `evidence.controls`)", Response)
    heads = ("rule", "response", "sentence")
    yield from _table("How an answer is read (`observations[].reading`)", heads, _readings())
    sent = ((rule, words.probe, words.when, words.why) for rule, words in FOLLOW_UPS.items())
    yield from _table("Raw packets (`probes[].why`)", ("rule", "packet", "when", "which doubt it ends"), sent)


_NOT_REACHED = frozenset(
    {ReadingRule.TUNNEL_DOWN, ReadingRule.WRONG_ROUTE, ReadingRule.LINK_DOWN, ReadingRule.OFF_NETWORK}
)


def _readings() -> Iterator[tuple[str, str, str]]:
    """A row a response; where no probe reached the address one is enough."""
    for (rule, response), text in answers.READINGS.items():
        everywhere = rule in _NOT_REACHED
        if not everywhere or response is Response.SILENT:
            yield rule, "any" if everywhere else f"`{response}`", text


def _plain(title: str, rules: type[StrEnum]) -> Iterator[str]:
    yield from _table(title, ("rule", "sentence"), ((rule, SENTENCES[rules][rule]) for rule in rules))


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for rule, *cells in rows:
        yield f"| `{rule}` | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
