"""What root would show that separates the causes which are left; nothing where that would change little."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from probe.diagnosis.subject import ExamContext
from probe.diagnosis.symptom_likelihood import likelihood
from probe.diagnosis.table import PRIOR
from probe.model.diagnosis import Cause, Look, RootWouldShow
from probe.model.symptoms import QUESTIONS, Symptom
from probe.model.unread import Unread, UnreadRule

_LEFT = 0.1  # from here on a cause is left
_APART = 0.5  # total variation distance of two causes' symptoms, from which on a look separates them
# A symptom of the question that each look answers.
_ANSWERS = {
    Look.PACKET_FILTER: Symptom.LOCAL_FILTER_CLEAR,
    Look.TUNNEL_PEERS: Symptom.HANDSHAKE_RECENT,
    Look.RETURN_PATH: Symptom.NO_RETURN,
}


def root_would_show(scene: ExamContext, shares: Sequence[tuple[Cause, float]]) -> RootWouldShow | None:
    """Find what root would show of an address whose causes have these shares."""
    left = [cause for cause in PRIOR if sum(share for one, share in shares if one is cause) >= _LEFT]
    found: dict[Look, list[Cause]] = {}
    for look in _closed(scene):
        for first, second in combinations(left, 2):
            if _distance(look, first, second) >= _APART:
                found.setdefault(look, []).extend((first, second))
    if not found:
        return None
    apart = {cause for causes in found.values() for cause in causes}
    return RootWouldShow(looks=tuple(found), causes=tuple(cause for cause in left if cause in apart))


def _closed(scene: ExamContext) -> Iterator[Look]:
    """What this machine does not show without root."""
    if not _needs_root(scene.machine.firewall.unread):
        return
    yield Look.PACKET_FILTER
    if scene.taken is not None and _needs_root(scene.taken.unread):
        yield Look.TUNNEL_PEERS
    if scene.exam.comes_back is None and any(map(scene.is_other_way, scene.others)):
        yield Look.RETURN_PATH


def _needs_root(unread: Unread | None) -> bool:
    return unread is not None and unread.rule is UnreadRule.NEEDS_ROOT


def _distance(look: Look, first: Cause, second: Cause) -> float:
    """How differently two causes look: half the sum of the differences of their symptoms' shares."""
    question = next(symptoms for symptoms in QUESTIONS if _ANSWERS[look] in symptoms)
    return sum(abs(likelihood(one, first) - likelihood(one, second)) for one in question) / 2
