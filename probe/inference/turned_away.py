"""Whether a program accepts connections and refuses the peer itself, by its own access list. Pure.

Some refusals are plain in words. Others show beside an address on which the same port is served: it hangs up
at once here, or forbids the page. Alone they may be what it does to everybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.inference.policy import AddressModel
from probe.inference.same_service import software
from probe.model.evidence import EvidenceRule, PortEvidence, Response
from probe.model.probing import Aftermath
from probe.model.target import Port, Seen
from probe.services.refusals import denies, forbids, serves

_ACCEPTED = frozenset({Response.OPEN, Response.OPEN_BEHIND, Response.CUT})
_KEPT = frozenset({Aftermath.HELD, Aftermath.SPOKE})


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a program refuses: the rule of its evidence, and what it sent."""

    rule: EvidenceRule
    words: str | None = None


def refusals(port: Port, models: Sequence[AddressModel]) -> Mapping[Seen, Refusal]:
    """The addresses on which the program of a port refuses this machine."""
    accepted = [m for m in models if port in m.evidence and m.evidence[port].response in _ACCEPTED]
    found = {m.seen: one for m in accepted if (one := _in_words(port, m)) is not None}
    beside = [m for m in accepted if m.seen not in found]
    if any(_is_kept(port, m) for m in beside):
        hung_up = [m for m in beside if m.evidence[port].response is Response.CUT]
        found |= {m.seen: Refusal(EvidenceRule.HANGS_UP) for m in hung_up}
    greetings = {m.seen: m.survey.greetings[port] for m in beside if port in m.survey.greetings}
    if any(map(serves, greetings.values())):
        forbidden = {seen: greeting for seen, greeting in greetings.items() if forbids(greeting)}
        found |= {seen: Refusal(EvidenceRule.FORBIDS, g.text) for seen, g in forbidden.items()}
    return found


def _in_words(port: Port, model: AddressModel) -> Refusal | None:
    greeting = model.survey.greetings.get(port)
    if greeting is None or not denies(greeting):
        return None
    return Refusal(EvidenceRule.DENIES, software(greeting))


def _is_kept(port: Port, model: AddressModel) -> bool:
    return model.tested[port].aftermath in _KEPT


def refusal_evidence(
    port: Port, models: Sequence[AddressModel]
) -> Iterator[tuple[PortEvidence, AddressModel]]:
    """How the program refuses, on each address where it does."""
    found = refusals(port, models)
    for model in models:
        refusal = found.get(model.seen)
        if refusal is not None:
            yield PortEvidence(rule=refusal.rule, service=refusal.words), model
