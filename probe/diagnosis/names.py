"""A name that has no address: why that is, and what mends it. Pure."""

from collections.abc import Iterator, Sequence

from probe.diagnosis.measured import name_facts
from probe.model.diagnosis import Cause, NameDiagnosis, Suspicion
from probe.model.exam import NameAnswer
from probe.model.fixes import Fix, FixRule
from probe.model.machine import Resolvers
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.unread import NameFailureRule

_DEAD = frozenset({NameFailureRule.NO_ANSWER, NameFailureRule.UNREACHABLE})


def diagnose_name(
    name: str, realm: str | None, why: str, answers: Sequence[NameAnswer], resolvers: Resolvers
) -> NameDiagnosis:
    """Separate a name server that does not answer from a name that nobody knows.

    Args:
        name: as it was given.
        realm: what the user calls the network of its address.
        why: what the system's own resolver reported, as a line for people.
        answers: what each name server has for it, asked one by one.
        resolvers: how this machine is set up.
    """
    evidence = (CauseEvidence(rule=Symptom.NAME_UNRESOLVED, name=name, why=why),)
    fixes = tuple(_fixes(name, answers, resolvers))
    facts = tuple(name_facts(name, answers))
    return NameDiagnosis(name, realm, (Suspicion(Cause.DNS, 1.0, evidence, fixes),), facts)


def _fixes(name: str, answers: Sequence[NameAnswer], resolvers: Resolvers) -> Iterator[Fix]:
    """A server that is dead comes first: the name may be well. Where one answered, it is the name."""
    file = resolvers.source or None
    failures = [(a.server, a.failure.rule) for a in answers if a.failure is not None and a.server is not None]
    dead = tuple(str(server) for server, rule in failures if rule in _DEAD)
    if dead and len(dead) == len(answers):
        yield Fix(rule=FixRule.CHECK_NAME_SERVER, addresses=dead, name=name, file=file)
    elif resolvers.servers == ():
        yield Fix(rule=FixRule.SET_NAME_SERVER, file=file)
    yield Fix(rule=FixRule.GIVE_IP_ADDRESS, name=name)
