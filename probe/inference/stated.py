"""What the user stated of the target's ports: which bindings it leaves, and the evidence that it is.

A fact of the user's takes effect here alone: `columns` weighs no binding that it excludes, and every port
that it speaks of lists it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probe.inference.bindings import Hypothesis
from probe.model.binding import Binding
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.measurement import Facts
from probe.model.target import Port
from probe.services.port_list import port_set


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated of one port: by what option, and the bindings that are left."""

    option: str
    bindings: tuple[Binding, ...]

    def allows(self, hypothesis: Hypothesis) -> bool:
        """Whether the binding is one of those."""
        return hypothesis.binding in self.bindings


_RUNS = Statement("--running", (Binding.WILDCARD, Binding.SPECIFIC, Binding.LOOPBACK))


def statements(facts: Facts) -> Mapping[Port, Statement]:
    """What the facts state, by port; nothing is stated of the others."""
    return dict.fromkeys(port_set(facts.running), _RUNS)


def stated_evidence(statement: Statement | None) -> Iterator[PortEvidence]:
    """The statement as evidence."""
    if statement is not None:
        yield PortEvidence(rule=EvidenceRule.STATED, option=statement.option, bindings=statement.bindings)
