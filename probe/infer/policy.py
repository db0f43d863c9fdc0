"""What is learned of each address before a port is judged: its policy, from controls and all answers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.infer.heard import QUIET, Heard, Noise, heard, icmp_errors, noise_of
from probe.infer.hypotheses import EPSILON, MANNERS, MUTE, REFUSED_AS, Fate, Fates, Manners, Policy, sounds
from probe.infer.priors import COVERED_SEEN, PORTS_COUNTED, PORTS_SEEN, policy_prior
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation, State
from probe.model.target import IPAddress, Port, Protocol, TargetAddress

_ICMP_FATES = frozenset({Fate.REJECT_HOST, Fate.REJECT_PATH})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one address said about one port."""

    heard: Heard
    attempts: int


def likelihood(
    evidence: Evidence, protocol: Protocol, fate: Fate, *, covered: bool, noise: Noise, stealth: bool = False
) -> float:
    """P(heard | fate, covered): the sound of the fate, or silence where an answer was lost or limited."""
    if evidence.heard in MUTE:
        return 1.0
    if stealth and fate is Fate.PASS and not covered:
        return 1.0 if evidence.heard is Heard.SILENT else EPSILON
    table = sounds(protocol, fate, covered=covered)
    if evidence.heard is Heard.REFUSED:
        return max(EPSILON, sum(table.get(sound, 0.0) for sound in REFUSED_AS))
    if evidence.heard is Heard.SILENT:
        limited = fate in _ICMP_FATES or (protocol is Protocol.UDP and not covered)  # answered by ICMP
        lost = noise.icmp_silence if limited else noise.silence
        by_nature = table.get(Heard.SILENT, 0.0)
        return by_nature + (1 - by_nature) * lost(evidence.attempts)
    return max(EPSILON, table.get(evidence.heard, 0.0))


@dataclass(frozen=True, slots=True)
class AddressModel:
    """One address as the inference sees it: what was heard of every port, and the weight of every policy."""

    survey: AddressSurvey
    noise: Noise
    tested: Mapping[Port, Observation]
    evidence: Mapping[Port, Evidence]
    controls: Mapping[Protocol, tuple[Heard, ...]]  # what ports that nothing uses answered, where measured
    alive: bool  # anything at all came back
    log_weights: Mapping[Policy, float]  # prior and everything heard
    log_of_port: Mapping[tuple[Heard, int, Protocol], Mapping[Policy, float]]  # one tested port's share in it

    def control_counts(self) -> Counter[Heard]:
        """How often each answer was heard from ports that nothing uses, of both protocols."""
        return Counter(symbol for symbols in self.controls.values() for symbol in symbols)

    @property
    def address(self) -> TargetAddress:
        """The address itself."""
        return self.survey.address

    def policies(self, without: Port | None = None) -> dict[Policy, float]:
        """P(policy) from the controls and every tested port but one, so that no port counts twice."""
        logs = dict(self.log_weights)
        evidence = self.evidence.get(without) if without is not None else None
        if evidence is not None and without is not None:
            own = self.log_of_port[(evidence.heard, evidence.attempts, without.protocol)]
            logs = {policy: log - own[policy] for policy, log in logs.items()}
        top = max(logs.values())
        weights = {policy: math.exp(log - top) for policy, log in logs.items()}
        total = sum(weights.values())
        return {policy: weight / total for policy, weight in weights.items()}


def learn(surveys: Sequence[AddressSurvey]) -> dict[IPAddress, AddressModel]:
    """Learn every address's policy."""
    errors, covered = icmp_errors(surveys), _covered_share(surveys)
    return {survey.address.ip: _learn_one(survey, errors, covered) for survey in surveys}


def _covered_share(surveys: Sequence[AddressSurvey]) -> float:
    """Share of the tested ports that are open somewhere on the target."""
    ports = {port for survey in surveys for port in survey.tested()}
    opened = {port for survey in surveys for port, o in survey.tested().items() if o.state is State.OPEN}
    return (len(opened) + COVERED_SEEN) / (len(ports) + PORTS_SEEN)


def _learn_one(survey: AddressSurvey, errors: int, covered: float) -> AddressModel:
    noise = noise_of(survey, errors)
    tested = survey.tested()
    evidence = {port: Evidence(heard(o, survey), o.attempts) for port, o in tested.items()}
    controls = [(o, Evidence(heard(o, survey), o.attempts)) for o in survey.controls()]
    logs = {policy: math.log(weight) for policy, weight in _prior(survey).items()}
    shares: dict[tuple[Heard, int, Protocol], Mapping[Policy, float]] = {}
    weight = min(1.0, PORTS_COUNTED / max(1, len(tested)))
    for port, said in evidence.items():
        key = (said.heard, said.attempts, port.protocol)
        if key not in shares:
            shares[key] = _share_of(said, port.protocol, noise, covered, weight)
        _add(logs, shares[key])
    for control, said in controls:
        protocol = control.question.port.protocol
        _add(logs, {p: math.log(_of_control(said, protocol, MANNERS[p], noise)) for p in Policy})
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
                if o.question.port.protocol is protocol and said.heard is not Heard.UNMEASURED
            )
            for protocol in Protocol
        },
        alive=any(said.heard not in QUIET for said in spoken),
        log_weights=logs,
        log_of_port=shares,
    )


def _prior(survey: AddressSurvey) -> dict[Policy, float]:
    first_hop = survey.hops == 1 and survey.route is not None and survey.route.on_link is False
    return policy_prior(survey.address.realm, first_hop_owns_it=first_hop)


def _add(logs: dict[Policy, float], share: Mapping[Policy, float]) -> None:
    for policy, log in share.items():
        logs[policy] += log


def _share_of(
    said: Evidence, protocol: Protocol, noise: Noise, covered: float, weight: float
) -> Mapping[Policy, float]:
    """What one tested port says for each policy, as a log-likelihood that counts with `weight`."""
    return {p: weight * math.log(_of_tested(said, protocol, MANNERS[p], noise, covered)) for p in Policy}


def _of_control(said: Evidence, protocol: Protocol, manners: Manners, noise: Noise) -> float:
    return _mixture(said, protocol, manners.control, manners, noise, covered=False)


def _of_tested(said: Evidence, protocol: Protocol, manners: Manners, noise: Noise, share: float) -> float:
    covered = _mixture(said, protocol, manners.exposed, manners, noise, covered=True)
    uncovered = _mixture(said, protocol, manners.unexposed, manners, noise, covered=False)
    return share * covered + (1 - share) * uncovered


def _mixture(
    said: Evidence, protocol: Protocol, fates: Fates, manners: Manners, noise: Noise, *, covered: bool
) -> float:
    return sum(
        share * likelihood(said, protocol, fate, covered=covered, noise=noise, stealth=manners.stealth)
        for fate, share in fates.items()
    )
