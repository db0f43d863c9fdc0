"""The inference: from observations to bindings, conditions, evidence and advice.

Pure: it knows no socket, clock or randomness. The model is in `hypotheses` (the table), `policy` (what each
address does), `posterior` (what each port is bound to); `judge` names it. What backs it
are values (`probe.model.evidence`, `probe.model.advice`), never sentences.
"""

from collections.abc import Sequence
from dataclasses import replace

from probe.inference.conditions import address_condition
from probe.inference.follow_up import follow_ups
from probe.inference.identity import identify
from probe.inference.policy import AddressModel, learn
from probe.inference.posterior import infer_ports
from probe.inference.priors import STRICT, USUAL
from probe.inference.reachability import UNREACHED
from probe.inference.verdict import judge_address, judge_ports
from probe.model.facts import AddressSurvey
from probe.model.target import Port
from probe.model.verdict import Verdict

__all__ = ["follow_ups", "infer"]


def infer(
    surveys: Sequence[AddressSurvey], running: frozenset[Port] = frozenset(), *, strict: bool = False
) -> Verdict:
    """Conclude what the surveys of one target's addresses allow.

    `running` are ports whose services are known to run: not-listening is excluded for them. `strict` takes
    nothing as usual: every kind of binding weighs the same beforehand, and more is asked to name one.

    The addresses are taken as one host's, on the user's word, as far as no sign says otherwise. One that no
    probe reached, because nobody has it or its tunnel is down, counts neither for nor against a service.
    """
    standard = STRICT if strict else USUAL
    everyone = _models(surveys)
    reached = tuple(m for m in everyone if address_condition(m) not in UNREACHED)
    there = _models([m.survey for m in reached]) if 0 < len(reached) < len(everyone) else everyone
    ports = sorted({port for survey in surveys for port in survey.tested()})
    known = infer_ports(ports, there, standard.prior, running)
    in_company = {m.seen: m for m in there}
    shown = tuple(in_company.get(m.seen, m) for m in everyone)
    verdicts = tuple(judge_ports(shown, there, known, standard.point))
    identities = identify(surveys)
    addresses = tuple(judge_address(model, identities[model.seen]) for model in shown)
    return Verdict(addresses, verdicts)


def _models(surveys: Sequence[AddressSurvey]) -> tuple[AddressModel, ...]:
    """What is learned of addresses beside each other, with the chance that each is another machine's."""
    identities = identify(surveys)
    return tuple(
        replace(model, stranger=identities[seen].other_probability) for seen, model in learn(surveys).items()
    )
