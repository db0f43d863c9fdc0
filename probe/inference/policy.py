"""What is known of each address before bindings are weighed: answers, noise, and weights of its keys."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from probe.inference.changes import AddressChanges, changes_of, now_accepted, of_no_origin, without_changed
from probe.inference.likelihood import Assumed, Evidence, likelihood
from probe.inference.openings import Opening
from probe.inference.owner_evidence import (
    SHOW_OTHERS,
    OwnerSign,
    owner_likelihood,
    owner_signs,
)
from probe.inference.priors import (
    FAR_GATEWAY,
    OTHER_WHERE_SEEN,
    OTHERS_POLICIES,
    PROGRAM_MARKS,
    RESETS_WHERE_SEEN,
    owner_prior,
    policy_prior,
)
from probe.inference.responses import QUIET, Noise, icmp_errors, noise_of, response_of
from probe.inference.tables import (
    ECHO_MARKS,
    EPSILON,
    MARKS_SHOW,
    STACK_THAT_MARKS,
    Policy,
    mix_of,
    openings_of,
)
from probe.inference.traces import (
    NOTHING_RAW,
    RawEvidence,
    ResetMark,
    answers_echo,
    echo_mark,
    raw_evidence_of,
)
from probe.model.binding import Owner
from probe.model.evidence import Response
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation
from probe.model.target import Port, Protocol, Seen, TargetAddress
from probe.model.verdict import Identity


class PolicyKey(NamedTuple):
    """Who owns an address, how it treats probes, what it lets pass, and whether marks show in its resets."""

    owner: Owner
    policy: Policy
    marks: bool = True
    opening: Opening = Opening.SELECTIVE


@dataclass(frozen=True, slots=True)
class AddressModel:
    """One address as the inference sees it: the responses of every port, and the weight of every key."""

    survey: AddressSurvey
    noise: Noise
    tested: Mapping[Port, Observation]
    evidence: Mapping[Port, Evidence]
    controls: Mapping[Protocol, tuple[Response, ...]]  # what ports that nothing uses answered, where measured
    alive: bool  # anything at all came back
    weights: Mapping[PolicyKey, float]  # log: prior, and everything but the tested ports
    prior: Mapping[Policy, float]  # of the policy of an address that is the target's
    reached: bool = True  # probes came to the address; if not, it shows nothing of any binding
    changes: AddressChanges = field(default_factory=AddressChanges)
    known: Mapping[PolicyKey, float] = field(default_factory=dict)  # from everything, also of its host

    def control_counts(self) -> Counter[Response]:
        """How often each response came from ports that nothing uses, of both protocols."""
        return Counter(symbol for symbols in self.controls.values() for symbol in symbols)

    @property
    def seen(self) -> Seen:
        """The vantage and the address."""
        return self.survey.seen

    @property
    def address(self) -> TargetAddress:
        """The address itself."""
        return self.survey.address

    def policy(self, *policies: Policy) -> float:
        """P(one of these policies), from everything."""
        return sum(weight for key, weight in self.known.items() if key.policy in policies)

    def owner(self, *owners: Owner) -> float:
        """P(one of these owns the address), from everything."""
        return sum(weight for key, weight in self.known.items() if key.owner in owners)

    @property
    def is_shown_as_anothers(self) -> bool:
        """Whether it is rather another's than the target's by all but its tested ports."""
        top = max(self.weights.values())
        shares = {key: math.exp(log - top) for key, log in self.weights.items()}
        return 2 * sum(s for key, s in shares.items() if key.owner is Owner.TARGET) < sum(shares.values())

    @property
    def marks_show(self) -> float:
        """P(marks show in its resets), from everything."""
        return sum(weight for key, weight in self.known.items() if key.marks)


def learn(surveys: Sequence[AddressSurvey], identities: Mapping[Seen, Identity]) -> tuple[AddressModel, ...]:
    """Weigh what each address may be, by its controls and by what else is known of it."""
    errors = icmp_errors(surveys)
    changes = changes_of(surveys)
    lasting = [without_changed(survey, changes[survey.seen]) for survey in surveys]
    raw = [raw_evidence_of(survey) for survey in lasting]
    marks = any(one.mark is ResetMark.MARKED for of_address in raw for one in of_address.values())
    return tuple(
        _learn_one(
            survey,
            few,
            errors,
            owner_signs(one, lasting, identities[survey.seen]),
            changes[survey.seen],
            stack_marks=marks,
        )
        for survey, one, few in zip(surveys, lasting, raw, strict=True)
    )


def _learn_one(
    survey: AddressSurvey,
    raw: Mapping[Port, RawEvidence],
    errors: int,
    signs: Sequence[OwnerSign],
    changes: AddressChanges,
    *,
    stack_marks: bool,
) -> AddressModel:
    noise = noise_of(survey, errors)
    tested = survey.tested()

    def evidence_of(o: Observation) -> Evidence:
        if changes.shows_nothing(o):
            later = now_accepted(o.question.port, survey) if o.question.port in changes.unsure else None
            response = Response.UNMEASURED if later is None else response_of(later, survey)
            return Evidence(response, o.attempts)
        if o.question.port in changes.unsure:
            o = of_no_origin(o)
        return Evidence(response_of(o, survey), o.attempts, raw.get(o.question.port, NOTHING_RAW), o.rationed)

    evidence = {port: evidence_of(o) for port, o in tested.items()}
    controls = [(o, evidence_of(o)) for o in survey.controls()]
    prior = _prior(survey)
    weights = _beforehand(survey, prior, signs, raw.values(), stack_marks=stack_marks)
    for control, shown in controls:
        protocol = control.question.port.protocol
        for key in weights:
            weights[key] += math.log(_of_control(shown, protocol, key, noise))
    every = [*evidence.values(), *(shown for _, shown in controls)]
    return AddressModel(
        survey,
        noise,
        tested,
        evidence,
        {
            protocol: tuple(
                shown.response
                for o, shown in controls
                if o.question.port.protocol is protocol and shown.response is not Response.UNMEASURED
            )
            for protocol in Protocol
        },
        alive=answers_echo(survey) or any(shown.response not in QUIET for shown in every),
        weights=weights,
        prior=prior,
        changes=changes,
    )


def _prior(survey: AddressSurvey) -> dict[Policy, float]:
    """Of the policy of an address that is the target's."""
    weights = policy_prior(survey.address.realm)
    total = sum(weights.values())
    prior = {policy: weight / total for policy, weight in weights.items()}
    return prior | {Policy.DARK: prior[Policy.DARK] * EPSILON} if answers_echo(survey) else prior


FRONTS = frozenset({Policy.FRONT_REFUSES, Policy.FRONT_DROPS})


UNLIKELY = 1e-5  # share of an address's likeliest key below which one is not tried


def follows_a_list(model: AddressModel) -> bool:
    """Whether the address may let pass what one list of the host has, by its controls."""
    if not model.reached:
        return False
    least = max(model.weights.values()) + math.log(UNLIKELY)
    return any(key.opening is Opening.LISTED and log >= least for key, log in model.weights.items())


def serves_itself(key: PolicyKey) -> bool:
    """Whether what accepts there is another's, and no part of it the target's."""
    in_front = key.owner is Owner.GATEWAY and key.policy not in FRONTS
    return in_front or key.owner is Owner.OTHER_MACHINE


def _owners(
    survey: AddressSurvey, prior: Mapping[Policy, float], signs: Sequence[OwnerSign]
) -> dict[PolicyKey, float]:
    """Weights of who has the address, by all signs of it, and of its policy; without marks."""
    owners = owner_prior(survey.address.realm)
    if not SHOW_OTHERS.isdisjoint(signs):
        owners[Owner.OTHER_MACHINE] *= OTHER_WHERE_SEEN
    weights = {owner: share * owner_likelihood(signs, owner) for owner, share in owners.items()}
    total = sum(weights.values())
    weights = {owner: weight / total for owner, weight in weights.items()}
    policies = {**OTHERS_POLICIES, Owner.TARGET: prior}
    if OwnerSign.FURTHER in signs:
        policies[Owner.GATEWAY] = FAR_GATEWAY
    return {
        PolicyKey(owner, policy): weight * share
        for owner, weight in weights.items()
        for policy, share in policies[owner].items()
    }


def _beforehand(
    survey: AddressSurvey,
    prior: Mapping[Policy, float],
    signs: Sequence[OwnerSign],
    raw: Iterable[RawEvidence],
    *,
    stack_marks: bool,
) -> dict[PolicyKey, float]:
    """Log-weights before the responses of ports count. Marks are a question only where signs were seen."""
    weights, echo = _owners(survey, prior, signs), echo_mark(survey)
    weights = {
        key._replace(opening=opening): weight * share
        for key, weight in weights.items()
        for opening, share in _openings(key).items()
    }
    if echo is None and not any(_shows_a_mark(one) for one in raw):
        return {key: math.log(weight) for key, weight in weights.items()}
    weights = {
        key: weight * (RESETS_WHERE_SEEN if key.policy is Policy.RESETS else 1.0)
        for key, weight in weights.items()
    }
    beforehand = MARKS_SHOW[survey.address.family]
    shown = {True: beforehand, False: 1 - beforehand}
    if echo is not None:
        echoed = {marks: ECHO_MARKS[marks][echo] for marks in shown}
        if echo is ResetMark.MARKED and stack_marks:
            echoed[False] *= STACK_THAT_MARKS
        shown = {marks: share * echoed[marks] for marks, share in shown.items()}
    of_programs = {True: PROGRAM_MARKS, False: 1 - PROGRAM_MARKS}
    return {
        key._replace(marks=marks): math.log(weight * share)
        for key, weight in weights.items()
        for marks, share in (of_programs if key.owner is Owner.VPN_PROGRAM else shown).items()
    }


def _openings(key: PolicyKey) -> Mapping[Opening, float]:
    """What passes is learned where the target lets it pass."""
    return openings_of(key.policy) if key.owner is Owner.TARGET else {Opening.SELECTIVE: 1.0}


def _shows_a_mark(raw: RawEvidence) -> bool:
    """Whether any reset to raw packets was seen."""
    tries = (*(tried for _, tried in raw.segments), *(frame.tried for frame in raw.cross_link))
    return raw.mark is not None or any(one.mark is not None for one in tries)


def _of_control(shown: Evidence, protocol: Protocol, key: PolicyKey, noise: Noise) -> float:
    mix = mix_of(key.policy, key.opening)
    return sum(
        share * likelihood(shown, protocol, Assumed(disposition, False, mix.stealth, key.marks), noise)  # noqa: FBT003
        for disposition, share in mix.control.items()
    )
