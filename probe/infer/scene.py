"""What is known when the next raw packets are chosen, and the ports that they may be about."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from probe.infer.heard import Heard
from probe.infer.hypotheses import Fate
from probe.infer.policy import AddressModel
from probe.infer.posterior import Posterior
from probe.model.probing import Observation, Question, Reason
from probe.model.target import IPAddress, Port, Protocol
from probe.model.verdict import Binding

ALIVE = 0.0005  # share of an explanation that is worth a packet to rule out
MOST_PORTS = 256  # ports of one address that a doubt is followed up for


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when the next questions are chosen."""

    models: Mapping[IPAddress, AddressModel]
    posteriors: Mapping[Port, Posterior]

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


def tested(model: AddressModel, *heard: Heard) -> Iterator[Observation]:
    """The address's tested ports that were heard like this, not more than are worth it."""
    ports = [port for port, said in model.evidence.items() if said.heard in heard]
    return (model.tested[port] for port in ports[:MOST_PORTS])


def controls(model: AddressModel, reason: Reason) -> Iterator[Question]:
    """The TCP ports that nothing uses and that answered like this."""
    return (
        o.question
        for o in model.survey.controls()
        if o.reason is reason and o.question.port.protocol is Protocol.TCP
    )
