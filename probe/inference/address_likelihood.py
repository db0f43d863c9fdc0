"""One address's side of a port: P(disposition, response), in every case that a binding makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from probe.inference.bindings import Hypothesis
from probe.inference.likelihood import Assumed, Evidence, likelihood, raw_likelihood
from probe.inference.openings import Opening
from probe.inference.policy import FRONTS, AddressModel, PolicyKey, follows_a_list, serves_itself
from probe.inference.priors import HEALTH, LINK_KEPT_OUT, NOT_ITS_OWN, OTHER_LISTENS, TO_ANOTHER_HOST, Health
from probe.inference.responses import OPENED
from probe.inference.tables import EPSILON, INPUT_RULES, MIXES, MUTE, mix_of
from probe.model.binding import Binding, Owner
from probe.model.disposition import Disposition, RawResponse
from probe.model.evidence import Response
from probe.model.target import Protocol, Realm

DispositionWeights = Mapping[Disposition, float]
Rule = Disposition | None  # what one rule does to the port on every address
_REACHING = frozenset({Disposition.PASS, Disposition.FORWARDED})
_KEPT_OUT = {Disposition.DROP: LINK_KEPT_OUT, Disposition.PASS: 1 - LINK_KEPT_OUT}
_PASSES = {Disposition.PASS: 1.0}
_IPV4 = 4
_NEARER = frozenset({Response.OPEN_NEARER, Response.CUT_NEARER})
_REFUTES = frozenset({RawResponse.HERE, RawResponse.RESET})  # that the address itself accepted
_NOT_MEASURED = Evidence(Response.UNMEASURED, 0)


class Case(NamedTuple):
    """What is assumed of a port on one address.

    `relayed`: a program that connects to 127.0.0.1 reaches the service. `named`: it is bound to this very
    address. `taken`: whether a socket takes each frame handed to it. `passed_on`: the host forwards it to
    what serves it. `limited`: through a forward chain that keeps some links out.
    `listed`: whether it is on the one list of what the host lets pass, where an address follows one.
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
    listed: bool | None = None


class Latents(NamedTuple):
    """What holds for a port on every address.

    A rule, a full accept queue, a forward chain that keeps out, whether the one list of the host has it.
    """

    rule: Rule = None
    health: Health = Health.FINE
    limited: bool = False
    listed: bool | None = None


class AddressLikelihood:
    """Likelihoods of one port's evidence on one address, a row for each case and a value for each key."""

    def __init__(
        self, model: AddressModel, evidence: Evidence | None, protocol: Protocol, *, forwarded: bool
    ) -> None:
        self._evidence = evidence if evidence is not None and model.reached else _NOT_MEASURED
        self._address = model.address
        self._cross_link = [frame.destination for frame in self._evidence.raw.cross_link]
        self._forwarded = forwarded and model.address.family == _IPV4
        self._relays = any(key.owner is Owner.VPN_PROGRAM for key in model.weights)
        self._lists = follows_a_list(model)
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
            taken=tuple(hypothesis.takes(ip, self._address.realm) for ip in self._cross_link),
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
                    health=one.health if plain.covered or plain.relayed else Health.FINE,
                    limited=one.limited and plain.passed_on,
                    listed=one.listed if self._lists else None,
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
        opening = self._evidence.raw.opening
        refuted = self._evidence.response in OPENED and opening is not None and opening.response in _REFUTES
        return self._evidence.response in _NEARER or refuted

    def row(self, case: Case, keys: tuple[PolicyKey, ...]) -> tuple[float, ...]:
        """P(response) by key."""
        found = self._rows.get((case, keys))
        if found is None:
            found = self._rows[case, keys] = tuple(self._total(case, key) for key in keys)
        return found

    def dispositions(self, case: Case, key: PolicyKey) -> DispositionWeights:
        """P(disposition, response), for one key."""
        if self._is_mute():
            return {Disposition.PASS: 1.0}
        out: dict[Disposition, float] = {}
        for one, share in _assumed(case, key, self._protocol):
            for disposition, part in self._dispositions(one, key).items():
                out[disposition] = out.get(disposition, 0.0) + share * part
        return out

    def _is_mute(self) -> bool:
        return self._evidence.response in MUTE and not self._evidence.raw.cross_link

    def _total(self, case: Case, key: PolicyKey) -> float:
        if self._is_mute():
            return 1.0
        if key.owner is Owner.TARGET:  # mostly
            return self._of(case, key)
        return sum(share * self._of(one, key) for one, share in _assumed(case, key, self._protocol))

    def _of(self, case: Case, key: PolicyKey) -> float:
        """The sum of `dispositions`; what a filter of the address's own does is reckoned once for all."""
        listed = case.listed if key.opening is Opening.LISTED else None
        at = (*case[:2], case.passed_on, case.taken, case.health, listed, key.policy, key.opening, key.marks)
        parts = self._parts.get(at)
        if parts is None:
            parts = self._parts[at] = self._own(case, key)
        rest, passing = parts
        if case.rule is not None:
            return rest + passing * self._chance(case.rule, case, key)
        if not case.limited:
            return rest + passing * self._chance(Disposition.PASS, case, key)
        return rest + passing * sum(share * self._chance(f, case, key) for f, share in _KEPT_OUT.items())

    def _own(self, case: Case, key: PolicyKey) -> tuple[float, float]:
        """What the address's own filter makes of the evidence, and the share that it lets pass."""
        dispositions = self._dispositions_of(case, key)
        rest = sum(
            share * self._chance(f, case, key)
            for f, share in dispositions.items()
            if f is not Disposition.PASS
        )
        return rest, dispositions.get(Disposition.PASS, 0.0)

    def _dispositions(self, case: Case, key: PolicyKey) -> DispositionWeights:
        out: dict[Disposition, float] = {}
        for disposition, share in self._dispositions_of(case, key).items():
            for met, part in (_met(case) if disposition is Disposition.PASS else {disposition: 1.0}).items():
                out[met] = out.get(met, 0.0) + share * part * self._chance(met, case, key)
        return out

    def _dispositions_of(self, case: Case, key: PolicyKey) -> DispositionWeights:
        """What the address does to a probe: before a public one a router may stop what the host forwards.

        A filter is opened for what is to be reached; a box in front forwards what is served where it leads.
        """
        mix = mix_of(key.policy, key.opening, case.listed)
        if case.passed_on and mix.forwarded is not None and self._address.realm != Realm.PUBLIC:
            return mix.forwarded
        reachable = case.covered if key.policy in FRONTS else case.exposed
        return mix.exposed if reachable else mix.unexposed

    def _chance(self, disposition: Disposition, case: Case, key: PolicyKey) -> float:
        stealth = MIXES[key.policy].stealth
        at = disposition, case.covered, stealth, key.marks, case.taken, case.passed_on, case.health
        known = self._chances.get(at)
        if known is None:
            taken = case.taken or (False,) * len(
                self._cross_link
            )  # another machine, or a program, takes none
            assumed = Assumed(disposition, case.covered, stealth, key.marks, taken)
            known = self._chances[at] = self._likelihood(assumed, case)
        return known

    def _likelihood(self, assumed: Assumed, case: Case) -> float:
        """What reaches a socket whose accept queue is full, or whose service keeps quiet, stays unanswered.

        What the host forwards is answered from behind it, wherever it accepts, as by a box in front.
        """
        if case.passed_on and assumed.disposition is Disposition.PASS:
            assumed = replace(assumed, disposition=Disposition.FORWARDED)
        if case.health is not Health.FINE and assumed.covered and assumed.disposition in _REACHING:
            quiet = 1.0 if self._evidence.response is Response.SILENT else EPSILON
            return quiet * raw_likelihood(self._evidence.raw, assumed, self._noise)
        return likelihood(self._evidence, self._protocol, assumed, self._noise)


def _assumed(case: Case, key: PolicyKey, protocol: Protocol) -> tuple[tuple[Case, float], ...]:
    """What a case amounts to where the target does not own the address itself.

    Another machine's service shows nothing of the target's; a VPN program accepts for what it reaches. A box
    in front may forward the port to another host.
    """
    if serves_itself(key):
        return _ANOTHER[protocol, case.named]
    if key.policy in FRONTS:
        return (case, 1 - TO_ANOTHER_HOST), *_TO_ANOTHER[protocol]
    if key.owner is Owner.VPN_PROGRAM:
        relayed = Case(case.exposed, case.relayed, case.relayed, health=case.health)
        return ((relayed, NOT_ITS_OWN if case.named else 1.0),)
    return ((case, 1.0),)


# Of another machine, and of one whose address the target's service is bound to, which is hardly possible.
_LISTENING = {
    Protocol.TCP: {Health.FINE: OTHER_LISTENS},
    Protocol.UDP: {health: OTHER_LISTENS * share for health, share in HEALTH[Protocol.UDP].items()},
}
_ANOTHER = {
    (protocol, named): (
        *(
            (Case(exposed=True, covered=True, relayed=True, health=health), share * likely)
            for health, share in listening.items()
        ),
        (Case(exposed=False, covered=False, relayed=False), (1 - OTHER_LISTENS) * likely),
    )
    for protocol, listening in _LISTENING.items()
    for named, likely in ((False, 1.0), (True, NOT_ITS_OWN))
}
# Of what a box in front forwards to another host.
_TO_ANOTHER = {
    protocol: tuple((case, TO_ANOTHER_HOST * share) for case, share in _ANOTHER[protocol, False])
    for protocol in Protocol
}


def _met(case: Case) -> DispositionWeights:
    """What becomes of a probe that its address lets pass: a rule for all addresses comes after."""
    if case.rule is not None:
        return {case.rule: 1.0}
    return _KEPT_OUT if case.limited else _PASSES
