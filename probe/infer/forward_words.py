"""The words for a port that an address forwards: how that shows, and what stands beside it."""

from collections.abc import Iterator, Sequence

from probe.infer.heard import Heard
from probe.infer.policy import AddressModel
from probe.infer.traces import Back
from probe.infer.words import listed, named
from probe.model.probing import Origin
from probe.model.target import Port, Realm

BEHIND = frozenset({Heard.OPEN_BEHIND, Heard.CLOSED_BEHIND})

_EXPIRES = (
    "a probe with just the TTL to reach {where} expires there instead of being answered: the port is"
    " forwarded, to a container or to another host, and no socket of the address itself answers"
)
_BESIDE = (
    "{where} does not forward the port: a socket of the host accepts there, such as the proxy by which Docker"
    " serves IPv6, and rules in the host's input chain do cover that"
)


def forwarders(port: Port, models: Sequence[AddressModel]) -> list[AddressModel]:
    """The addresses on which the host itself forwards a port; before a public one a router may do it."""
    near = (m for m in models if m.address.realm != Realm.PUBLIC)
    return [m for m in near if port in m.evidence and m.evidence[port].heard in BEHIND]


def forwards(port: Port, models: Sequence[AddressModel]) -> bool:
    """Whether the host forwards a port that something serves: on an address, or, by frames, on loopback."""
    if any(m.evidence[port].heard is Heard.OPEN_BEHIND for m in forwarders(port, models)):
        return True
    crossed = (c for m in models if port in m.evidence for c in m.evidence[port].hints.crossed)
    return any(c.destination.is_loopback and c.tried.back is Back.PASSED_ON for c in crossed)


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
