"""One address's side of a port: P(fate, response), in every case that a binding makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from probe.inference.bindings import Hypothesis
from probe.inference.likelihood import Assumed, Evidence, hints_likelihood, likelihood
from probe.inference.policy import AddressModel, PolicyKey, serves_itself
from probe.inference.priors import LINK_KEPT_OUT, NOT_ITS_OWN, OTHER_LISTENS, Health
from probe.inference.responses import OPENED
from probe.inference.tables import EPSILON, INPUT_RULES, MANNERS, MUTE, Fate, manners_of
from probe.inference.traces import Back
from probe.model.binding import Binding, Owner
from probe.model.evidence import Response
from probe.model.target import Protocol, Realm

FateWeights = Mapping[Fate, float]
Rule = Fate | None  # what one rule does to the port on every address
_REACHING = frozenset({Fate.PASS, Fate.FORWARDED})
_KEPT_OUT = {Fate.DROP: LINK_KEPT_OUT, Fate.PASS: 1 - LINK_KEPT_OUT}
_PASSES = {Fate.PASS: 1.0}
_IPV4 = 4
_NEARER = frozenset({Response.OPEN_NEARER, Response.CUT_NEARER})
_REFUTES = frozenset({Back.HERE, Back.RESET})  # that the address itself accepted
_NOT_MEASURED = Evidence(Response.UNMEASURED, 0)


class Case(NamedTuple):
    """What is assumed of a port on one address.

    `relayed`: a program that connects to 127.0.0.1 reaches the service. `named`: it is bound to this very
    address. `taken`: whether a socket takes each frame handed to it. `passed_on`: the host forwards it to
    what serves it. `limited`: through a forward chain that keeps some links out.
    """

    exposed: bool
    covered: bool
    relayed: bool
    named: bool = False
    rule: Rule = None
    health: Health = Health.FINE
    taken: tuple[bool, ...] = ()
    passed_on: bool = False
    limited: bool = False


class Latents(NamedTuple):
    """What holds for a port on every address: a rule, a full accept queue, a forward chain that keeps out."""

    rule: Rule = None
    health: Health = Health.FINE
    limited: bool = False


class AddressLikelihood:
    """Likelihoods of one port's evidence on one address, a row for each case and a value for each key."""

    def __init__(
        self, model: AddressModel, evidence: Evidence | None, protocol: Protocol, *, forwarded: bool
    ) -> None:
        self._evidence = evidence if evidence is not None and model.reached else _NOT_MEASURED
        self._address = model.address
        self._crossed = [crossing.destination for crossing in self._evidence.hints.crossed]
        self._forwarded = forwarded and model.address.family == _IPV4
        self._relays = any(key.owner is Owner.VPN_PROGRAM for key in model.weights)
        self._protocol, self._noise = protocol, model.noise
        self._under: dict[tuple[Case, int], tuple[Case, ...]] = {}
        self._chances: dict[tuple[object, ...], float] = {}
        self._parts: dict[tuple[object, ...], tuple[float, float]] = {}
        self._rows: dict[tuple[Case, tuple[PolicyKey, ...]], tuple[float, ...]] = {}

    def cases(self, bindings: Sequence[Hypothesis]) -> tuple[Case, ...]:
        """The case that each binding makes of this address, where nothing else holds for the port."""
        return tuple(map(self._case, bindings))

    def _case(self, hypothesis: Hypothesis) -> Case:
        covered = self._address.ip in hypothesis.covers
        return Case(
            hypothesis.exposed,
            covered,
            self._relays and hypothesis.relayed,
            covered and hypothesis.binding is Binding.SPECIFIC,
            taken=tuple(hypothesis.takes(ip, self._address.realm) for ip in self._crossed),
            passed_on=covered and self._forwarded,
        )

    def under(self, plain: Case, latents: tuple[tuple[Latents, float], ...]) -> tuple[Case, ...]:
        """The case with each of these beside, which are one of the few lists that there are.

        What the host forwards meets no rule of its input chain, but those of its forward chain.
        """
        known = self._under.get((plain, id(latents)))
        if known is None:
            known = self._under[plain, id(latents)] = tuple(
                plain._replace(
                    rule=None if plain.passed_on and one.rule in INPUT_RULES else one.rule,
                    health=one.health if plain.covered else Health.FINE,
                    limited=one.limited and plain.passed_on,
                )
                for one, _ in latents
            )
        return known

    @property
    def silent(self) -> bool:
        """Whether the port was silent here."""
        return self._evidence.response is Response.SILENT

    @property
    def seems_taken(self) -> bool:
        """Whether another box may have accepted here: one nearer than the address, or the prober's own."""
        opening = self._evidence.hints.opening
        refuted = self._evidence.response in OPENED and opening is not None and opening.back in _REFUTES
        return self._evidence.response in _NEARER or refuted

    def row(self, case: Case, keys: tuple[PolicyKey, ...]) -> tuple[float, ...]:
        """P(response) by key."""
        found = self._rows.get((case, keys))
        if found is None:
            found = self._rows[case, keys] = tuple(self._total(case, key) for key in keys)
        return found

    def fates(self, case: Case, key: PolicyKey) -> FateWeights:
        """P(fate, response), for one key."""
        if self._is_mute():
            return {Fate.PASS: 1.0}
        out: dict[Fate, float] = {}
        for one, share in _assumed(case, key):
            for fate, part in self._fates(one, key).items():
                out[fate] = out.get(fate, 0.0) + share * part
        return out

    def _is_mute(self) -> bool:
        return self._evidence.response in MUTE and not self._evidence.hints.crossed

    def _total(self, case: Case, key: PolicyKey) -> float:
        if self._is_mute():
            return 1.0
        if key.owner is Owner.TARGET:  # mostly
            return self._of(case, key)
        return sum(share * self._of(one, key) for one, share in _assumed(case, key))

    def _of(self, case: Case, key: PolicyKey) -> float:
        """The sum of `fates`: what a filter of the address's own does is reckoned once for all rules."""
        at = (*case[:2], case.passed_on, case.taken, case.health, key.policy, key.opening, key.marks)
        parts = self._parts.get(at)
        if parts is None:
            parts = self._parts[at] = self._own(case, key)
        rest, passing = parts
        if case.rule is not None:
            return rest + passing * self._chance(case.rule, case, key)
        if not case.limited:
            return rest + passing * self._chance(Fate.PASS, case, key)
        return rest + passing * sum(share * self._chance(f, case, key) for f, share in _KEPT_OUT.items())

    def _own(self, case: Case, key: PolicyKey) -> tuple[float, float]:
        """What the address's own filter makes of the evidence, and the share that it lets pass."""
        fates = self._fates_of(case, key)
        rest = sum(share * self._chance(f, case, key) for f, share in fates.items() if f is not Fate.PASS)
        return rest, fates.get(Fate.PASS, 0.0)

    def _fates(self, case: Case, key: PolicyKey) -> FateWeights:
        out: dict[Fate, float] = {}
        for fate, share in self._fates_of(case, key).items():
            for met, part in (_met(case) if fate is Fate.PASS else {fate: 1.0}).items():
                out[met] = out.get(met, 0.0) + share * part * self._chance(met, case, key)
        return out

    def _fates_of(self, case: Case, key: PolicyKey) -> FateWeights:
        """What the address does to a probe: before a public one a router may stop what the host forwards."""
        manners = manners_of(key.policy, key.opening)
        if case.passed_on and manners.forwarded is not None and self._address.realm != Realm.PUBLIC:
            return manners.forwarded
        return manners.exposed if case.exposed else manners.unexposed

    def _chance(self, fate: Fate, case: Case, key: PolicyKey) -> float:
        stealth = MANNERS[key.policy].stealth
        at = fate, case.covered, stealth, key.marks, case.taken, case.passed_on, case.health
        known = self._chances.get(at)
        if known is None:
            taken = case.taken or (False,) * len(self._crossed)  # another machine, or a program, takes none
            assumed = Assumed(fate, case.covered, stealth, key.marks, taken)
            known = self._chances[at] = self._likelihood(assumed, case)
        return known

    def _likelihood(self, assumed: Assumed, case: Case) -> float:
        """What reaches a socket whose accept queue is full stays unanswered.

        What the host forwards is answered from behind it, wherever it accepts, as by a box in front.
        """
        if case.passed_on and assumed.fate is Fate.PASS:
            assumed = replace(assumed, fate=Fate.FORWARDED)
        if case.health is Health.FULL and assumed.fate in _REACHING:
            quiet = 1.0 if self._evidence.response is Response.SILENT else EPSILON
            return quiet * hints_likelihood(self._evidence.hints, assumed, self._noise)
        return likelihood(self._evidence, self._protocol, assumed, self._noise)


def _assumed(case: Case, key: PolicyKey) -> tuple[tuple[Case, float], ...]:
    """What a case amounts to where the target does not own the address itself.

    Another machine's service shows nothing of the target's; a VPN program accepts for what it reaches.
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


def _met(case: Case) -> FateWeights:
    """What becomes of a probe that its address lets pass: a rule for all addresses comes after."""
    if case.rule is not None:
        return {case.rule: 1.0}
    return _KEPT_OUT if case.limited else _PASSES
