"""The words for a port that an address forwards: how that shows, and what stands beside it."""

from collections.abc import Iterator, Sequence

from probe.explain.phrases import listed, named
from probe.infer.forwarded import forwards
from probe.infer.heard import Heard
from probe.infer.policy import AddressModel
from probe.model.probing import Origin
from probe.model.target import Port

_EXPIRES = (
    "a probe with just the TTL to reach {where} expires there instead of being answered: the port is"
    " forwarded, to a container or to another host, and no socket of the address itself answers"
)
_BESIDE = (
    "{where} does not forward the port: a socket of the host accepts there, such as the proxy by which Docker"
    " serves IPv6, and rules in the host's input chain do cover that"
)


def forward_evidence(port: Port, models: Sequence[AddressModel]) -> tuple[str, ...]:
    """How it shows that a port is forwarded, and where beside that the host accepts itself."""
    return tuple(
        template.replace("{where}", listed([named(m.address.ip, m.address.realm) for m in members]))
        for template, members in _groups(port, models)
        if members
    )


def _groups(port: Port, models: Sequence[AddressModel]) -> Iterator[tuple[str, list[AddressModel]]]:
    seen = [(model, model.tested[port]) for model in models if port in model.tested]
    yield _EXPIRES, [model for model, observation in seen if observation.origin is Origin.BEHIND]
    if forwards(port, models):
        at_host = (model for model, observation in seen if observation.origin is Origin.HOST)
        yield _BESIDE, [model for model in at_host if model.evidence[port].heard is Heard.OPEN]
