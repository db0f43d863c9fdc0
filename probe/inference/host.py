"""What is believed of one host: of each of its addresses and of each of its ports, all weighed together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from probe.inference.columns import table_of
from probe.inference.conditions import way_to
from probe.inference.identity import identify
from probe.inference.joint import weigh_jointly
from probe.inference.policy import AddressModel, learn
from probe.inference.posterior import Posterior, posteriors
from probe.inference.priors import Standard
from probe.inference.reachability import UNREACHED
from probe.model.facts import AddressSurvey
from probe.model.target import Port, Seen
from probe.model.verdict import Identity


@dataclass(frozen=True, slots=True)
class HostPosterior:
    """The target, as far as it is known."""

    models: tuple[AddressModel, ...]
    ports: Mapping[Port, Posterior]
    identities: Mapping[Seen, Identity]


def infer_host(
    surveys: Sequence[AddressSurvey], standard: Standard, running: Collection[Port]
) -> HostPosterior:
    """Weigh all ports on all addresses. An address that no probe reached shows nothing of any binding."""
    identities = identify(surveys)
    models = tuple(
        replace(model, reached=way_to(model) not in UNREACHED) for model in learn(surveys, identities)
    )
    ports = sorted({port for survey in surveys for port in survey.tested()})
    joint = weigh_jointly(table_of(ports, models, standard, running), models)
    learned = tuple(replace(model, known=joint.of_address(index)) for index, model in enumerate(models))
    found = posteriors(joint, learned)
    return HostPosterior(learned, {port: found[port] for port in ports}, identities)
