"""What is believed of one host: of each of its addresses and of each of its ports, all weighed together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from probe.inference.columns import table_of
from probe.inference.conditions import way_to
from probe.inference.identity import identify
from probe.inference.joint import weigh_jointly
from probe.inference.listed import Listed
from probe.inference.policy import AddressModel, learn
from probe.inference.posterior import Posterior, posteriors
from probe.inference.priors import Standard
from probe.inference.reachability import UNREACHED
from probe.inference.stated import Statement, statements
from probe.model.facts import AddressSurvey
from probe.model.measurement import NO_FACTS, Facts
from probe.model.target import Port, Seen
from probe.model.verdict import Identity


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
    return HostPosterior(learned, {port: found[port] for port in ports}, identities, stated)
