"""What is stated of ports beside the measurement: which bindings that leaves, and the evidence of it.

A fact takes effect here alone: `columns` weighs no binding that it excludes, and every port that it speaks of
lists it. Facts are the user's words (`--running`) and the target's own list of sockets (`listed`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probe.inference.bindings import Hypothesis
from probe.inference.listed import Listed
from probe.model.binding import Binding
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.measurement import Facts
from probe.model.target import IPAddress, Port
from probe.services.port_list import port_set


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated of one port, and the bindings that are left.

    `option` is the user's, None for a listed socket. `covers` are the probed addresses of a specific socket,
    `families` those of a wildcard; None: not stated.
    """

    option: str | None
    bindings: tuple[Binding, ...]
    covers: frozenset[IPAddress] | None = None
    families: tuple[int, ...] | None = None

    def left_of(self, bindings: tuple[Hypothesis, ...]) -> tuple[Hypothesis, ...]:
        """The bindings that are allowed; a socket on addresses beside the probed ones is added as it is."""
        return tuple(filter(self.allows, bindings)) or tuple(
            Hypothesis(one, self.covers or frozenset(), 1.0, self.families or ()) for one in self.bindings
        )

    def allows(self, hypothesis: Hypothesis) -> bool:
        """Whether the binding is one of those."""
        if hypothesis.binding not in self.bindings:
            return False
        if hypothesis.binding is Binding.SPECIFIC:
            return self.covers is None or hypothesis.covers == self.covers
        return self.families is None or not hypothesis.families or hypothesis.families == self.families


_RUNS = Statement("--running", (Binding.WILDCARD, Binding.SPECIFIC, Binding.LOOPBACK))


def statements(facts: Facts, ports: Iterable[Port], listed: Listed | None = None) -> Mapping[Port, Statement]:
    """What is stated, by port; nothing is stated of the others. What is listed wins over the user's words."""
    found = dict.fromkeys(port_set(facts.running), _RUNS)
    if listed is not None:
        for port in ports:
            statement = _of_listed(port, listed)
            if statement is not None:
                found[port] = statement
    return found


def _of_listed(port: Port, listed: Listed) -> Statement | None:
    """What the list leaves of a port.

    Where no socket is listed, and something accepts, it is forwarded, which is a binding of its own.
    """
    truth = listed.truth(port)
    if truth is None or (truth.binding is Binding.NOT_LISTENING and listed.accepted_on(port)):
        return None
    if truth.binding is Binding.SPECIFIC:
        unknown = truth.device is not None and not truth.bound_to and not listed.accepted_on(port)
        return Statement(None, (truth.binding,), covers=None if unknown else listed.covers(port, truth))
    return Statement(None, (truth.binding,), families=truth.families or None)


def stated_evidence(statement: Statement | None) -> Iterator[PortEvidence]:
    """What the user stated as evidence; a listed socket is evidence of its port alone (`listed.compared`)."""
    if statement is not None and statement.option is not None:
        yield PortEvidence(rule=EvidenceRule.STATED, option=statement.option, bindings=statement.bindings)
