"""What is known when the next raw packets are chosen, and the ports that they may be about."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.infer.hypotheses import Fate
from probe.infer.policy import AddressModel
from probe.infer.posterior import Posterior
from probe.model.evidence import Response
from probe.model.probing import Observation, Question, Reason
from probe.model.target import IPAddress, Port, Protocol
from probe.model.verdict import Binding

ALIVE = 0.0005  # share of an explanation that is worth a packet to rule out
MOST_ALIKE = 256  # ports that were heard alike everywhere: of more no one is worth a packet of its own


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when the next questions are chosen.

    `crowd` are the ports that do not stand out: too many others were heard like them on every address.
    """

    models: Mapping[IPAddress, AddressModel]
    posteriors: Mapping[Port, Posterior]
    crowd: frozenset[Port] = frozenset()

    def share(self, ip: IPAddress, port: Port, fates: Iterable[Fate]) -> float:
        """Probability that the probe to a port met one of these fates."""
        known = self.posteriors[port].fates.get(ip, {})
        return sum(known.get(fate, 0.0) for fate in fates)

    def covers(self, ip: IPAddress, port: Port) -> float:
        """Probability that a socket of the port covers an address."""
        posterior = self.posteriors[port]
        return sum(
            c.probability
            for c in posterior.candidates
            if ip in c.bound_to or (c.binding is Binding.WILDCARD and ip.version in posterior.seen_families)
        )


Ask = Callable[[AddressModel, Scene], Iterator[Question]]


def crowd_of(models: Sequence[AddressModel], ports: Iterable[Port]) -> frozenset[Port]:
    """The ports that more than `MOST_ALIKE` others were heard like, on every address."""
    alike: dict[tuple[object, ...], list[Port]] = {}
    for port in ports:
        said = (model.evidence.get(port) for model in models)
        alike.setdefault((port.protocol, *(None if one is None else one.heard for one in said)), []).append(
            port
        )
    return frozenset(port for few in alike.values() if len(few) > MOST_ALIKE for port in few)


def tested(model: AddressModel, scene: Scene, *heard: Response) -> Iterator[Observation]:
    """The address's tested ports that were heard like this, and stand out."""
    return (
        model.tested[port]
        for port, said in model.evidence.items()
        if said.heard in heard and port not in scene.crowd
    )


def controls(model: AddressModel, reason: Reason) -> Iterator[Question]:
    """The TCP ports that nothing uses and that answered like this."""
    return (
        o.question
        for o in model.survey.controls()
        if o.reason is reason and o.question.port.protocol is Protocol.TCP
    )
