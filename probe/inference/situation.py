"""One address's side of a port: P(fate, what was heard) in every case that a hypothesis makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe.inference.bindings import Hypothesis
from probe.inference.likelihood import Assumed, Evidence, hints_likelihood, likelihood
from probe.inference.policy import AddressModel, Character
from probe.inference.priors import COVERED_SEEN, LINK_KEPT_OUT, Health
from probe.inference.tables import EPSILON, INPUT_RULES, MANNERS, Fate, Policy
from probe.model.evidence import Response
from probe.model.target import Port

FateWeights = dict[Fate, float]
Rule = Fate | Policy | None  # what holds on every address: a rule for the port, a policy of the host
_Mixture = dict[tuple[bool, bool, Fate], float]  # P(stealth, marks show, fate)
_REACHING = frozenset({Fate.PASS, Fate.FORWARDED})
_IPV4 = 4
_ALONE = {fate: {fate: 1.0} for fate in Fate}
_KEPT_OUT = {Fate.DROP: LINK_KEPT_OUT, Fate.PASS: 1 - LINK_KEPT_OUT}


@dataclass(frozen=True, slots=True)
class Case:
    """What a hypothesis asks of one address. `taken`: whether a socket takes each frame handed to it.

    `limited`: a forward chain stands before it that keeps some links out.
    """

    exposed: bool
    covered: bool
    rule: Rule
    health: Health
    taken: tuple[bool, ...] | None
    limited: bool = False


def _met(fate: Fate, case: Case) -> Mapping[Fate, float]:
    """What becomes of a probe that its address would treat so: a rule for all addresses comes after."""
    if fate is not Fate.PASS:
        return _ALONE[fate]
    if isinstance(case.rule, Fate):
        return _ALONE[case.rule]
    return _KEPT_OUT if case.limited else _ALONE[fate]


class Situation:
    """One address's fates for one port, weighed in every case that a hypothesis asks for."""

    def __init__(self, model: AddressModel, port: Port, *, forwarded: bool = False) -> None:
        self._forwarded = forwarded and model.address.family == _IPV4
        self.address = model.address
        self.seen = model.seen
        self.evidence = model.evidence.get(port, Evidence(Response.UNMEASURED, 0))
        self._protocol, self._noise = port.protocol, model.noise
        self._characters = model.characters(without=port)
        self._stranger = model.stranger
        self._known: dict[Case, FateWeights] = {}
        self._mixtures: dict[tuple[bool, Policy | None], _Mixture] = {}
        self._sounds: dict[tuple[object, ...], float] = {}

    def weights(self, case: Case) -> FateWeights:
        """P(fate and what was heard), summed over the address's characters."""
        if case not in self._known:
            own = self._weigh(case)
            self._known[case] = self._beside_stranger(own) if self._stranger else own
        return self._known[case]

    def case(self, hypothesis: Hypothesis, rule: Rule, health: Health, *, limited: bool = False) -> Case:
        """The case that a hypothesis makes of this address.

        What the host forwards meets no rule of its input chain, but those of its forward chain.
        """
        covered = self.address.ip in hypothesis.covers
        taken = tuple(
            hypothesis.takes(crossing.destination, self.address.realm)
            for crossing in self.evidence.hints.crossed
        )
        passed_on = covered and self._forwarded
        return Case(
            hypothesis.exposed,
            covered,
            None if passed_on and rule in INPUT_RULES else rule,
            health if covered else Health.FINE,
            taken,
            limited and passed_on,
        )

    def _weigh(self, case: Case) -> FateWeights:
        out: FateWeights = {}
        for (stealth, marks, fate), share in self._mixture(case).items():
            for met, part in _met(fate, case).items():
                key = met, case.covered, stealth, marks, case.taken, case.health
                sound = self._sounds.get(key)
                if sound is None:
                    assumed = Assumed(met, case.covered, stealth, marks, case.taken)
                    sound = self._sounds[key] = self._likelihood(assumed, case.health)
                out[met] = out.get(met, 0.0) + share * part * sound
        return out

    def _mixture(self, case: Case) -> _Mixture:
        """How often probes meet which fate, summed over the address's characters."""
        rule = case.rule if isinstance(case.rule, Policy) else None
        key = case.exposed, rule
        if key not in self._mixtures:
            mixture = self._mixtures[key] = {}
            for (policy, marks), weight in self._under(rule).items():
                manners = MANNERS[policy]
                for fate, share in (manners.exposed if case.exposed else manners.unexposed).items():
                    met = manners.stealth, marks, fate
                    mixture[met] = mixture.get(met, 0.0) + weight * share
        return self._mixtures[key]

    def _beside_stranger(self, own: FateWeights) -> FateWeights:
        """Mix in that another machine answers here, whose service says nothing of the target's."""
        out = {fate: (1 - self._stranger) * weight for fate, weight in own.items()}
        for covered, share in ((True, COVERED_SEEN), (False, 1 - COVERED_SEEN)):
            case = Case(exposed=covered, covered=covered, rule=None, health=Health.FINE, taken=None)
            for fate, weight in self._weigh(case).items():
                out[fate] = out.get(fate, 0.0) + self._stranger * share * weight
        return out

    def _under(self, rule: Policy | None) -> Mapping[Character, float]:
        """The characters that a policy of the whole host leaves."""
        if rule is None:
            return self._characters
        left = {character: w for character, w in self._characters.items() if character[0] is rule}
        total = sum(left.values())
        return {character: weight / total for character, weight in left.items()} if total else left

    def _likelihood(self, assumed: Assumed, health: Health) -> float:
        """What reaches a socket whose accept queue is full stays unanswered."""
        if health is Health.FULL and assumed.fate in _REACHING:
            quiet = 1.0 if self.evidence.heard is Response.SILENT else EPSILON
            return quiet * hints_likelihood(self.evidence.hints, assumed, self._noise)
        return likelihood(self.evidence, self._protocol, assumed, self._noise)
