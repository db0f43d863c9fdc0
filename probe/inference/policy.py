"""What is learned of each address before a port is judged: its policy, from controls and all answers."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from probe.inference.likelihood import Assumed, Evidence, likelihood
from probe.inference.priors import COVERED_SEEN, HOST_WIDE_RESETS, PORTS_COUNTED, PORTS_SEEN, policy_prior
from probe.inference.responses import QUIET, Noise, heard, icmp_errors, noise_of
from probe.inference.tables import ECHO_SIGNS, EPSILON, MANNERS, MARKS_SHOW, STACK_THAT_MARKS, Fates, Policy
from probe.inference.traces import NO_HINTS, Hints, Sign, answers_echo, echo_sign, hints_of
from probe.model.evidence import Response
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation, State
from probe.model.target import Port, Protocol, Seen, TargetAddress

Character = tuple[Policy, bool]  # how an address treats probes; whether marks show in its resets


@dataclass(frozen=True, slots=True)
class AddressModel:
    """One address as the inference sees it: what was heard of every port, and the weight of every policy."""

    survey: AddressSurvey
    noise: Noise
    tested: Mapping[Port, Observation]
    evidence: Mapping[Port, Evidence]
    controls: Mapping[Protocol, tuple[Response, ...]]  # what ports that nothing uses answered, where measured
    alive: bool  # anything at all came back
    log_weights: Mapping[Character, float]  # prior and everything heard
    log_of_port: Mapping[
        tuple[Evidence, Protocol], Mapping[Character, float]
    ]  # one tested port's share in it
    policies: Mapping[Policy, float] = field(default_factory=dict)  # from everything, also of its host
    host_wide: float = 0.0  # probability that the host's firewall resets on every address alike
    host_marks: bool = False  # the host's stack has marked a reset, on some address
    stranger: float = 0.0  # probability that another machine than the target answers here

    def control_counts(self) -> Counter[Response]:
        """How often each answer was heard from ports that nothing uses, of both protocols."""
        return Counter(symbol for symbols in self.controls.values() for symbol in symbols)

    @property
    def seen(self) -> Seen:
        """The vantage and the address."""
        return self.survey.seen

    @property
    def address(self) -> TargetAddress:
        """The address itself."""
        return self.survey.address

    def characters(self, without: Port | None = None) -> dict[Character, float]:
        """P(character) from the controls and every tested port but one, so that no port counts twice."""
        logs = dict(self.log_weights)
        evidence = self.evidence.get(without) if without is not None else None
        if evidence is not None and without is not None:
            own = self.log_of_port[(evidence, without.protocol)]
            logs = {character: log - own[character] for character, log in logs.items()}
        return _normal(logs)


def _normal(logs: Mapping[Character, float]) -> dict[Character, float]:
    top = max(logs.values())
    weights = {character: math.exp(log - top) for character, log in logs.items()}
    total = sum(weights.values())
    return {character: weight / total for character, weight in weights.items()}


def learn(surveys: Sequence[AddressSurvey]) -> dict[Seen, AddressModel]:
    """Learn every address's policy, and whether one firewall resets on all of them."""
    errors, covered = icmp_errors(surveys), _covered_share(surveys)
    hints = [hints_of(survey) for survey in surveys]
    marks = any(one.sign is Sign.MARKED for of_address in hints for one in of_address.values())
    models = {
        survey.seen: _learn_one(survey, few, errors, covered, stack_marks=marks)
        for survey, few in zip(surveys, hints, strict=True)
    }
    host_wide = _host_wide_resets(models.values())
    return {
        seen: replace(model, policies=_policies(model, host_wide), host_wide=host_wide, host_marks=marks)
        for seen, model in models.items()
    }


def _policies(model: AddressModel, host_wide: float) -> dict[Policy, float]:
    """P(policy) from everything that was heard of the address and of its host."""
    out = dict.fromkeys(Policy, 0.0)
    for (policy, _), weight in model.characters().items():
        out[policy] += weight * (1 - host_wide)
    out[Policy.RESETS] += host_wide
    return out


def _host_wide_resets(models: Iterable[AddressModel]) -> float:
    """P(every address resets by policy), from what each of them says for and against that policy alone."""
    odds = HOST_WIDE_RESETS / (1 - HOST_WIDE_RESETS)
    for model in models:
        if not model.address.ip.is_loopback:
            weights = model.characters()
            here = sum(weight for (policy, _), weight in weights.items() if policy is Policy.RESETS)
            prior = _prior(model.survey)
            odds *= here / (prior[Policy.RESETS] / sum(prior.values()))
    return odds / (1 + odds)


def _covered_share(surveys: Sequence[AddressSurvey]) -> float:
    """Share of the tested ports that are open somewhere on the target."""
    ports = {port for survey in surveys for port in survey.tested()}
    opened = {port for survey in surveys for port, o in survey.tested().items() if o.state is State.OPEN}
    return (len(opened) + COVERED_SEEN) / (len(ports) + PORTS_SEEN)


def _learn_one(
    survey: AddressSurvey, hints: Mapping[Port, Hints], errors: int, covered: float, *, stack_marks: bool
) -> AddressModel:
    noise = noise_of(survey, errors)
    tested = survey.tested()

    def said_by(o: Observation) -> Evidence:
        return Evidence(heard(o, survey), o.attempts, hints.get(o.question.port, NO_HINTS))

    evidence = {port: said_by(o) for port, o in tested.items()}
    controls = [(o, said_by(o)) for o in survey.controls()]
    logs = _beforehand(survey, hints.values(), stack_marks=stack_marks)
    shares: dict[tuple[Evidence, Protocol], Mapping[Character, float]] = {}
    weight = min(1.0, PORTS_COUNTED / max(1, len(tested)))
    for port, said in evidence.items():
        key = (said, port.protocol)
        if key not in shares:
            shares[key] = {
                c: weight * math.log(_of_tested(said, port.protocol, c, noise, covered)) for c in logs
            }
        _add(logs, shares[key])
    for control, said in controls:
        protocol = control.question.port.protocol
        _add(logs, {c: math.log(_of_control(said, protocol, c, noise)) for c in logs})
    spoken = [*evidence.values(), *(said for _, said in controls)]
    return AddressModel(
        survey,
        noise,
        tested,
        evidence,
        {
            protocol: tuple(
                said.heard
                for o, said in controls
                if o.question.port.protocol is protocol and said.heard is not Response.UNMEASURED
            )
            for protocol in Protocol
        },
        alive=answers_echo(survey) or any(said.heard not in QUIET for said in spoken),
        log_weights=logs,
        log_of_port=shares,
    )


def _prior(survey: AddressSurvey) -> dict[Policy, float]:
    first_hop = survey.hops == 1 and survey.route is not None and survey.route.on_link is False
    return policy_prior(survey.address.realm, first_hop_owns_it=first_hop)


def _beforehand(
    survey: AddressSurvey, hints: Iterable[Hints], *, stack_marks: bool
) -> dict[Character, float]:
    """Log-weights before any port is heard. Marks are a question only where signs were seen."""
    prior, echo = _prior(survey), echo_sign(survey)
    if answers_echo(survey):
        prior = prior | {Policy.DARK: prior[Policy.DARK] * EPSILON}
    if echo is None and not any(_signed(one) for one in hints):
        return {(policy, True): math.log(weight) for policy, weight in prior.items()}
    beforehand = MARKS_SHOW[survey.address.family]
    shown = {True: beforehand, False: 1 - beforehand}
    if echo is not None:
        said = {marks: ECHO_SIGNS[marks][echo] for marks in shown}
        if echo is Sign.MARKED and stack_marks:
            said[False] *= STACK_THAT_MARKS
        shown = {marks: share * said[marks] for marks, share in shown.items()}
    return {
        (policy, marks): math.log(weight * share)
        for policy, weight in prior.items()
        for marks, share in shown.items()
    }


def _signed(hints: Hints) -> bool:
    """Whether any reset to raw packets was seen."""
    tries = (hints.ack, hints.fin, *(crossing.tried for crossing in hints.crossed))
    return hints.sign is not None or any(one is not None and one.sign is not None for one in tries)


def _add(logs: dict[Character, float], share: Mapping[Character, float]) -> None:
    for character, log in share.items():
        logs[character] += log


def _of_control(said: Evidence, protocol: Protocol, character: Character, noise: Noise) -> float:
    return _mixture(said, protocol, MANNERS[character[0]].control, character, noise, covered=False)


def _of_tested(said: Evidence, protocol: Protocol, character: Character, noise: Noise, share: float) -> float:
    manners = MANNERS[character[0]]
    covered = _mixture(said, protocol, manners.exposed, character, noise, covered=True)
    uncovered = _mixture(said, protocol, manners.unexposed, character, noise, covered=False)
    return share * covered + (1 - share) * uncovered


def _mixture(
    said: Evidence, protocol: Protocol, fates: Fates, character: Character, noise: Noise, *, covered: bool
) -> float:
    policy, marks = character
    stealth = MANNERS[policy].stealth
    return sum(
        share * likelihood(said, protocol, Assumed(fate, covered, stealth, marks), noise)
        for fate, share in fates.items()
    )
