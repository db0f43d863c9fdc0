"""One address's side of a port: P(fate, what was heard), in every case that a binding makes of it."""

from collections.abc import Mapping
from typing import NamedTuple

from probe.inference.bindings import Hypothesis
from probe.inference.likelihood import Assumed, Evidence, hints_likelihood, likelihood
from probe.inference.policy import AddressModel, PolicyKey, serves_itself
from probe.inference.priors import LINK_KEPT_OUT, NOT_ITS_OWN, OTHER_LISTENS, Health
from probe.inference.tables import EPSILON, INPUT_RULES, MANNERS, MUTE, Fate, manners_of
from probe.model.binding import Binding, Owner
from probe.model.evidence import Response
from probe.model.target import Protocol

FateWeights = Mapping[Fate, float]
Rule = Fate | None  # what one rule does to the port on every address
_REACHING = frozenset({Fate.PASS, Fate.FORWARDED})
_KEPT_OUT = {Fate.DROP: LINK_KEPT_OUT, Fate.PASS: 1 - LINK_KEPT_OUT}
_PASSES = {Fate.PASS: 1.0}
_IPV4 = 4
_NOT_HEARD = Evidence(Response.UNMEASURED, 0)


class Case(NamedTuple):
    """What is assumed of a port on one address.

    `relayed`: a program that connects to 127.0.0.1 reaches the service. `named`: it is bound to this very
    address. `taken`: whether a socket takes each frame handed to it. `limited`: a forward chain stands
    before it that keeps some links out.
    """

    exposed: bool
    covered: bool
    relayed: bool
    named: bool = False
    rule: Rule = None
    health: Health = Health.FINE
    taken: tuple[bool, ...] = ()
    limited: bool = False


class AddressLikelihood:
    """Likelihoods of one port's evidence on one address, a row for each case and a value for each key."""

    def __init__(
        self, model: AddressModel, evidence: Evidence | None, protocol: Protocol, *, forwarded: bool
    ) -> None:
        self._heard = evidence if evidence is not None and model.reached else _NOT_HEARD
        self._address = model.address
        self._forwarded = forwarded and model.address.family == _IPV4
        self._relays = any(key.owner is Owner.VPN_PROGRAM for key in model.weights)
        self._protocol, self._noise = protocol, model.noise
        self._chances: dict[tuple[object, ...], float] = {}
        self._parts: dict[tuple[Case, PolicyKey], tuple[float, float]] = {}
        self._rows: dict[tuple[Case, tuple[PolicyKey, ...]], tuple[float, ...]] = {}

    def case(self, hypothesis: Hypothesis, rule: Rule, health: Health, *, limited: bool) -> Case:
        """The case that a hypothesis makes of this address.

        What the host forwards meets no rule of its input chain, but those of its forward chain.
        """
        covered = self._address.ip in hypothesis.covers
        crossed = self._heard.hints.crossed
        passed_on = covered and self._forwarded
        return Case(
            hypothesis.exposed,
            covered,
            hypothesis.relayed and self._relays,
            covered and hypothesis.binding is Binding.SPECIFIC,
            None if passed_on and rule in INPUT_RULES else rule,
            health if covered else Health.FINE,
            tuple(hypothesis.takes(c.destination, self._address.realm) for c in crossed),
            limited and passed_on,
        )

    @property
    def silent(self) -> bool:
        """Whether the port was silent here."""
        return self._heard.heard is Response.SILENT

    def row(self, case: Case, keys: tuple[PolicyKey, ...]) -> tuple[float, ...]:
        """P(what was heard) by key."""
        found = self._rows.get((case, keys))
        if found is None:
            found = self._rows[case, keys] = tuple(self._total(case, key) for key in keys)
        return found

    def fates(self, case: Case, key: PolicyKey) -> FateWeights:
        """P(fate, what was heard), for one key."""
        if self._is_mute():
            return {Fate.PASS: 1.0}
        out: dict[Fate, float] = {}
        for one, share in _assumed(case, key):
            for fate, part in self._fates(one, key).items():
                out[fate] = out.get(fate, 0.0) + share * part
        return out

    def _is_mute(self) -> bool:
        return self._heard.heard in MUTE and not self._heard.hints.crossed

    def _total(self, case: Case, key: PolicyKey) -> float:
        if self._is_mute():
            return 1.0
        return sum(share * self._of(one, key) for one, share in _assumed(case, key))

    def _of(self, case: Case, key: PolicyKey) -> float:
        """The sum of `fates`: what a filter of the address's own does is reckoned once for all rules."""
        base = case._replace(rule=None, limited=False)
        parts = self._parts.get((base, key))
        if parts is None:
            fates = _fates_of(base, key)
            passing = fates.get(Fate.PASS, 0.0)
            rest = sum(share * self._chance(f, base, key) for f, share in fates.items() if f is not Fate.PASS)
            parts = self._parts[base, key] = rest, passing
        rest, passing = parts
        met = _met(case)
        return rest + passing * sum(share * self._chance(fate, case, key) for fate, share in met.items())

    def _fates(self, case: Case, key: PolicyKey) -> FateWeights:
        out: dict[Fate, float] = {}
        for fate, share in _fates_of(case, key).items():
            for met, part in (_met(case) if fate is Fate.PASS else {fate: 1.0}).items():
                out[met] = out.get(met, 0.0) + share * part * self._chance(met, case, key)
        return out

    def _chance(self, fate: Fate, case: Case, key: PolicyKey) -> float:
        stealth = MANNERS[key.policy].stealth
        at = fate, case.covered, stealth, key.marks, case.taken, case.health
        known = self._chances.get(at)
        if known is None:
            crossed = self._heard.hints.crossed
            taken = case.taken or (False,) * len(crossed)  # another machine, or a program, takes none
            assumed = Assumed(fate, case.covered, stealth, key.marks, taken)
            known = self._chances[at] = self._likelihood(assumed, case.health)
        return known

    def _likelihood(self, assumed: Assumed, health: Health) -> float:
        """What reaches a socket whose accept queue is full stays unanswered."""
        if health is Health.FULL and assumed.fate in _REACHING:
            quiet = 1.0 if self._heard.heard is Response.SILENT else EPSILON
            return quiet * hints_likelihood(self._heard.hints, assumed, self._noise)
        return likelihood(self._heard, self._protocol, assumed, self._noise)


def _assumed(case: Case, key: PolicyKey) -> tuple[tuple[Case, float], ...]:
    """What a case amounts to where the target does not own the address itself.

    Another machine's service says nothing of the target's; a VPN program accepts for what it reaches.
    """
    if serves_itself(key):
        return _ANOTHER_AND_BOUND if case.named else _ANOTHER
    if key.owner is Owner.VPN_PROGRAM:
        return ((Case(case.exposed, case.relayed, case.relayed), NOT_ITS_OWN if case.named else 1.0),)
    return ((case, 1.0),)


_ANOTHER = (
    (Case(exposed=True, covered=True, relayed=True), OTHER_LISTENS),
    (Case(exposed=False, covered=False, relayed=False), 1 - OTHER_LISTENS),
)
_ANOTHER_AND_BOUND = tuple((case, share * NOT_ITS_OWN) for case, share in _ANOTHER)


def _fates_of(case: Case, key: PolicyKey) -> FateWeights:
    manners = manners_of(key.policy, key.opening)
    return manners.exposed if case.exposed else manners.unexposed


def _met(case: Case) -> FateWeights:
    """What becomes of a probe that its address lets pass: a rule for all addresses comes after."""
    if case.rule is not None:
        return {case.rule: 1.0}
    return _KEPT_OUT if case.limited else _PASSES
