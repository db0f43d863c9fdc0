"""What may be wrong with one subject (an address, a port on it), and how the subjects of an address add up.

A subject has exactly one cause, `none` included; its probabilities sum to 1. An address is well if all of its
subjects are. What is left of 1 is shared among the causes by how many subjects each is expected to trouble.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, prod

from probe.diagnose.table import PRIOR, likelihood
from probe.model.diagnosis import Cause
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Port

Shares = Mapping[Cause, float]
_TELLS = 1.5  # times likelier than usual: then a symptom is evidence for a cause
_MOST = 0.5  # share of a cause's blame from which on it belongs to one port
_FEW = 6  # symptoms that are kept as evidence


@dataclass(frozen=True, slots=True)
class Trouble:
    """One subject's causes, and the symptoms that speak for each. `port` None: the address itself."""

    shares: Shares
    evidence: Mapping[Cause, tuple[CauseEvidence, ...]]
    port: Port | None = None


def weigh(found: Sequence[CauseEvidence]) -> Trouble:
    """Weigh every cause of an address by Bayes' rule, its symptoms taken as independent."""
    logs = {
        cause: log(prior) + sum(log(likelihood(one.rule, cause)) for one in found)
        for cause, prior in PRIOR.items()
    }
    highest = max(logs.values())
    weights = {cause: exp(value - highest) for cause, value in logs.items()}
    total = sum(weights.values())
    shares = {cause: weight / total for cause, weight in weights.items()}
    return Trouble(shares, {cause: _speaking_for(cause, found) for cause in shares})


def _speaking_for(cause: Cause, found: Sequence[CauseEvidence]) -> tuple[CauseEvidence, ...]:
    """The symptoms that are likelier under a cause than under the usual trouble, the most telling first."""
    ratios = [(likelihood(one.rule, cause) / _in_trouble(one.rule), one) for one in found]
    telling = sorted((pair for pair in ratios if pair[0] > _TELLS), key=lambda pair: -pair[0])
    return tuple(one for _, one in telling[:_FEW])


def _in_trouble(symptom: Symptom) -> float:
    troubles = {cause: prior for cause, prior in PRIOR.items() if cause is not Cause.NONE}
    weighed = sum(prior * likelihood(symptom, cause) for cause, prior in troubles.items())
    return weighed / sum(troubles.values())


def add_up(troubles: Iterable[Trouble]) -> Trouble:
    """Join the subjects of an address."""
    listed = tuple(troubles)
    well = prod(one.shares.get(Cause.NONE, 0.0) for one in listed)
    expected: dict[Cause, float] = {}
    for one in listed:
        for cause, share in one.shares.items():
            if cause is not Cause.NONE:
                expected[cause] = expected.get(cause, 0.0) + share
    total = sum(expected.values())
    shares = {cause: (1 - well) * value / total for cause, value in expected.items()} if total else {}
    evidence = {cause: _merged(cause, listed) for cause in (Cause.NONE, *shares)}
    return Trouble({Cause.NONE: well, **shares}, evidence)


def _merged(cause: Cause, troubles: Sequence[Trouble]) -> tuple[CauseEvidence, ...]:
    """The evidence of every subject that a cause troubles, the most troubled first."""
    having = sorted(
        (one for one in troubles if one.shares.get(cause, 0.0) > 0), key=lambda one: -one.shares[cause]
    )
    return tuple(dict.fromkeys(found for one in having for found in one.evidence.get(cause, ())))


def port_in_trouble(cause: Cause, troubles: Iterable[Trouble]) -> Port | None:
    """The one port that most of a cause's blame comes from; None where that is the address, or several."""
    shares: dict[Port | None, float] = {}
    for one in troubles:
        shares[one.port] = shares.get(one.port, 0.0) + one.shares.get(cause, 0.0)
    port = max(shares, key=lambda at: shares[at], default=None)
    return port if shares.get(port, 0.0) > _MOST * sum(shares.values()) else None
