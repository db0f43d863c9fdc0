"""What is believed of one host: of each of its addresses and of each of its ports, all weighed together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from probe.inference.changes import CHANGED_CAP, ONCE_CAP, gone_now, tempered
from probe.inference.columns import PortColumn, table_of
from probe.inference.conditions import way_to
from probe.inference.identity import identify
from probe.inference.joint import weigh_jointly
from probe.inference.listed import Listed
from probe.inference.policy import AddressModel, learn
from probe.inference.posterior import Posterior, posteriors
from probe.inference.priors import Standard
from probe.inference.reachability import UNREACHED
from probe.inference.responses import OPENED
from probe.inference.stated import Statement, statements
from probe.model.evidence import Response
from probe.model.facts import AddressSurvey
from probe.model.measurement import NO_FACTS, Facts
from probe.model.probing import State
from probe.model.target import Port, Protocol, Seen
from probe.model.verdict import Identity

_REFUSED = frozenset({Response.CLOSED, Response.CLOSED_BEHIND, Response.REFUSED})


@dataclass(frozen=True, slots=True)
class HostPosterior:
    """The target, as far as it is known."""

    models: tuple[AddressModel, ...]
    ports: Mapping[Port, Posterior]
    identities: Mapping[Seen, Identity]
    stated: Mapping[Port, Statement]


def infer_host(
    surveys: Sequence[AddressSurvey],
    standard: Standard,
    facts: Facts = NO_FACTS,
    listed: Listed | None = None,
) -> HostPosterior:
    """Weigh all ports on all addresses. An address that no probe reached shows nothing of any binding."""
    identities = identify(surveys)
    models = tuple(
        replace(model, reached=way_to(model) not in UNREACHED) for model in learn(surveys, identities)
    )
    ports = sorted({port for survey in surveys for port in survey.tested()})
    stated = statements(facts, ports, listed)
    joint = weigh_jointly(table_of(ports, models, standard, stated), models)
    learned = tuple(replace(model, known=joint.of_address(index)) for index, model in enumerate(models))
    found = posteriors(joint, learned)
    for weighed in joint.columns:
        _temper(weighed.column, learned, found)
    return HostPosterior(learned, {port: found[port] for port in ports}, identities, stated)


def _temper(column: PortColumn, models: Sequence[AddressModel], found: dict[Port, Posterior]) -> None:
    """Lower what is believed of ports that changed, and of those whose deciding answers were given once."""
    changed = [port for port in column.ports if any(_is_unsure(port, m) for m in models)]
    for port in changed:
        candidates = found[port].candidates
        latest = [o for m in models for o in m.survey.repeats() if o.question.port == port]
        states = {o.state for o in latest}
        if State.CLOSED in states and State.OPEN not in states:
            candidates = gone_now(candidates)
        found[port] = replace(found[port], candidates=tempered(candidates, CHANGED_CAP))
    if not changed and column.protocol is Protocol.TCP and not _asked_twice(column, models):
        once = replace(found[column.ports[0]])
        once = replace(once, candidates=tempered(once.candidates, ONCE_CAP))
        found.update(dict.fromkeys(column.ports, once))


def _is_unsure(port: Port, model: AddressModel) -> bool:
    """Whether the port changed, or an answer to it counts for nothing because its address did."""
    changes, tested = model.changes, model.tested.get(port)
    if tested is None:
        return False
    return (
        changes.shows_nothing(tested)
        or port in changes.unsure
        or (changes.refusing and tested.state is State.CLOSED)
    )


def _asked_twice(column: PortColumn, models: Sequence[AddressModel]) -> bool:
    """Whether of the answers that decide, accepted and refused ones, each was given twice somewhere."""
    for of_kind in (OPENED, _REFUSED):
        given = [
            model
            for model, one in zip(models, column.evidence, strict=True)
            if one is not None and one.response in of_kind
        ]
        if given and all(model.changes.twice.isdisjoint(column.ports) for model in given):
            return False
    return True
