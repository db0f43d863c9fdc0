"""The inference: from observations to bindings, conditions, evidence and advice.

Pure: it knows no socket, clock or randomness. The tables are in `tables` and `priors`; `policy` weighs what
each address may be, `joint` all of it together, `posterior` what each port is bound to; `verdict` names it.
What supports it are values (`probe.model.evidence`, `probe.model.advice`), never sentences.
"""

from collections.abc import Sequence

from probe.inference.advice import without_unasked
from probe.inference.follow_up import follow_ups
from probe.inference.host import infer_host
from probe.inference.listed import Listed, compared
from probe.inference.priors import STRICT, USUAL
from probe.inference.verdict import judge_address, judge_ports
from probe.model.facts import AddressSurvey
from probe.model.measurement import NO_FACTS, Facts
from probe.model.verdict import Verdict
from probe.services.port_list import port_set

__all__ = ["follow_ups", "infer"]


def infer(surveys: Sequence[AddressSurvey], facts: Facts = NO_FACTS) -> Verdict:
    """Conclude what the surveys of one target's addresses allow.

    `facts` are what is known beside. What they state of ports excludes bindings (`stated`), and what the
    target lists of its sockets is compared with what shows from outside (`listed`); `strict` takes nothing
    as usual: every kind of binding weighs the same beforehand, and more is asked to name one.

    The addresses are taken as one host's, on the user's word, as far as no sign shows otherwise. One that no
    probe reached, because nobody has it or its tunnel is down, counts neither for nor against a service.
    """
    if facts.sockets is None:
        return _inferred(surveys, facts)
    listed = Listed(facts.sockets, surveys)
    return compared(_inferred(surveys, facts), _inferred(surveys, facts, listed), listed)


def _inferred(surveys: Sequence[AddressSurvey], facts: Facts, listed: Listed | None = None) -> Verdict:
    standard = STRICT if facts.strict else USUAL
    host = infer_host(surveys, standard, facts, listed)
    verdicts = tuple(without_unasked(judge_ports(host, standard.point), port_set(facts.named)))
    addresses = tuple(judge_address(one, host.identities[one.seen], host.models) for one in host.models)
    return Verdict(addresses, verdicts)
