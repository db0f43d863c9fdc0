"""The inference: from observations to bindings, conditions, evidence and advice.

Pure: it knows no socket, clock or randomness. The model is in `hypotheses` (the table), `policy` (what each
address does), `posterior` (what each port is bound to); `judge`, `words` and `advice` say it.
"""

from collections.abc import Sequence
from dataclasses import replace

from probe.infer.conditions import address_condition
from probe.infer.follow_ups import follow_ups
from probe.infer.identity import identify
from probe.infer.judge import judge_address, judge_port
from probe.infer.policy import learn
from probe.infer.posterior import infer_ports
from probe.infer.priors import STRICT, USUAL
from probe.model.facts import AddressSurvey
from probe.model.target import Port
from probe.model.verdict import Condition, Verdict

__all__ = ["follow_ups", "infer"]


def infer(
    surveys: Sequence[AddressSurvey], running: frozenset[Port] = frozenset(), *, strict: bool = False
) -> Verdict:
    """Conclude what the surveys of one target's addresses allow.

    `running` are ports whose services are known to run: not-listening is excluded for them. `strict` takes
    nothing as usual: every kind of binding weighs the same beforehand, and more is asked to name one.

    The addresses are taken as one host's, on the user's word, as far as no sign says otherwise; one that
    nobody has can have no service bound to it.
    """
    standard = STRICT if strict else USUAL
    identities = identify(surveys)
    models = tuple(
        replace(model, stranger=identities[ip].other_probability) for ip, model in learn(surveys).items()
    )
    there = tuple(m for m in models if address_condition(m) is not Condition.HOST_DOWN) or models
    ports = sorted({port for survey in surveys for port in survey.tested()})
    known = infer_ports(ports, there, standard.prior, running)
    verdicts = tuple(judge_port(port, models, known[port], standard.point) for port in ports)
    addresses = tuple(judge_address(model, identities[model.address.ip]) for model in models)
    return Verdict(addresses, verdicts)
