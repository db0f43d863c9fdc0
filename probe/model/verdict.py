"""The conclusions: binding, condition, candidates, and the evidence that backs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from probe.model.advice import Advice, NextTest, Rival
from probe.model.binding import Binding, BoundBy, Candidate, Condition, Owner, Served, Via
from probe.model.evidence import AddressEvidence, PortEvidence, Reading
from probe.model.facts import HERE
from probe.model.identity import AliasSign, Sameness
from probe.model.sockets import ConfirmOutcome, ListedBinding
from probe.model.target import IPAddress, Port, Seen, TargetAddress


@dataclass(frozen=True, slots=True)
class Identity:
    """Which machine answers on one address.

    `one_with` are the addresses proven to be the same machine, `by` the signs that decided, strongest first.
    `other_probability` is that of another machine than the target's: 0 where proven the same or assumed.
    """

    sameness: Sameness
    one_with: tuple[IPAddress, ...] = ()
    by: tuple[AliasSign, ...] = ()
    evidence: tuple[AddressEvidence, ...] = ()
    other_probability: float = 0.0


@dataclass(frozen=True, slots=True)
class PortVerdict:
    """What is concluded of one port, with the evidence for it and against it."""

    port: Port
    binding: Binding
    confidence: float
    candidates: tuple[Candidate, ...]  # most probable first
    bound_to: tuple[IPAddress, ...] = ()
    families: tuple[int, ...] = ()
    bound_by: BoundBy | None = None  # None: not known
    via: Via = Via.UNKNOWN
    conditions: Mapping[Seen, Condition] = field(default_factory=dict)
    readings: Mapping[Seen, Reading] = field(default_factory=dict)  # the rule each answer was read by
    evidence: tuple[PortEvidence, ...] = ()
    rivals: tuple[Rival, ...] = ()  # what was not excluded
    next_tests: tuple[NextTest, ...] = ()  # what would decide
    advice: tuple[Advice, ...] = ()  # the most important first
    services: tuple[Served, ...] = ()  # none: nothing was shown that could be compared
    truth: ListedBinding | None = None  # by the target's own list; None: not shown
    outcome: ConfirmOutcome | None = None  # None: there is no list


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """What is concluded of one address and of the path to it."""

    address: TargetAddress
    condition: Condition
    owner: Owner = Owner.UNKNOWN
    evidence: tuple[AddressEvidence, ...] = ()
    advice: tuple[Advice, ...] = ()
    vantage: str = HERE

    @property
    def seen(self) -> Seen:
        """The vantage and the address."""
        return self.vantage, self.address.ip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything concluded from one scan, in the order of the target's addresses and ports."""

    addresses: tuple[AddressVerdict, ...]
    ports: tuple[PortVerdict, ...]
