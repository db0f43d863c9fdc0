"""The diagnosis: from what was measured to the causes of what is wrong, and what mends them.

Pure: no socket, process, clock or randomness, and no sentence. `read_symptoms` and `read_ways`
answer the questions of `probe.model.symptoms` from what was measured. `table` has a row for each cause,
`symptom_likelihood` fills it in, `ranking` weighs them, `fixes` mends.
"""

from collections.abc import Iterator, Sequence

from probe.diagnosis.as_root import root_would_show
from probe.diagnosis.measured import measured, name_facts
from probe.diagnosis.ranking import (
    CauseDistribution,
    blames,
    port_troubles,
    size_trouble,
    weigh,
)
from probe.diagnosis.read_symptoms import findings
from probe.diagnosis.subject import ExamContext
from probe.diagnosis.table import CAUSES
from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Cause, NameDiagnosis, Suspicion
from probe.model.exam import AddressExam, NameAnswer
from probe.model.fixes import Fix, FixRule
from probe.model.machine import Resolvers, Surroundings
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Port
from probe.model.unread import NameFailureRule
from probe.model.verdict import Verdict

__all__ = ["diagnose"]

_LISTED = 0.005  # a cause less probable than this is not worth a line
_LIKELY = 0.5  # from here on a cause gives the address its condition
_REACHED = 0.5  # probability that nothing keeps the address from answering: then its ports are subjects too


def diagnose(
    exams: Sequence[AddressExam], machine: Surroundings, verdict: Verdict, named: frozenset[Port]
) -> tuple[AddressDiagnosis, ...]:
    """Rank the causes of what is wrong with each address.

    Args:
        exams: what was measured, in the order of asking.
        machine: this machine as far as it concerns the target, looked at after the probes.
        verdict: what the scan concludes of the same surveys.
        named: ports that the user wants to work.
    """
    return tuple(
        _diagnose(ExamContext(exam, [other for other in exams if other is not exam], machine, verdict, named))
        for exam in exams
    )


def _diagnose(scene: ExamContext) -> AddressDiagnosis:
    ranked = blames(_subjects(scene))
    kept = [one for one in ranked if one.share >= _LISTED] or ranked[:1]
    total = sum(one.share for one in kept)
    causes = tuple(
        Suspicion(
            one.cause,
            one.share / total,
            one.evidence,
            tuple(CAUSES[one.cause].fix(scene.about(one.ports))),
            one.ports,
        )
        for one in kept
    )
    shares = [(one.cause, one.probability) for one in causes]
    return AddressDiagnosis(
        scene.exam.address,
        _condition(scene, causes),
        causes,
        measured(scene),
        root_would_show(scene, shares),
    )


def _subjects(scene: ExamContext) -> Iterator[CauseDistribution]:
    """The address itself; and where it is reached, its ports and how much its path carries."""
    reach = weigh(findings(scene))
    yield reach
    if reach.shares[Cause.NONE] >= _REACHED:
        yield from port_troubles(scene)
        yield from size_trouble(scene)


def _condition(scene: ExamContext, causes: Sequence[Suspicion]) -> Condition:
    first = causes[0].cause
    named, share = CAUSES[first].condition, sum(one.probability for one in causes if one.cause is first)
    return named if named is not None and share >= _LIKELY else scene.condition


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
