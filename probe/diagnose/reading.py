"""From what was measured on an address to its symptoms, each with its values."""

from collections.abc import Callable, Iterator, Sequence

from probe.diagnose.answers import answers, how_it_answers
from probe.diagnose.scene import MOST, Scene
from probe.diagnose.ways import (
    as_it_was_meant,
    by_what_it_leaves,
    how_the_far_end_answers,
    what_the_tunnel_reports,
    which_kind_of_tunnel,
)
from probe.model.exam import NameAnswer
from probe.model.machine import Chain
from probe.model.probing import Reason
from probe.model.symptoms import CauseEvidence, NameServerAnswer, Symptom
from probe.model.target import IPAddress
from probe.model.verdict import Condition
from probe.path.distance import is_answer

_STRICT = 1  # rp_filter, RFC 3704 section 2.2
_FEW_CHAINS = 2  # that are shown as evidence


def findings(scene: Scene) -> tuple[CauseEvidence, ...]:
    """Everything that was seen of the address; each question answered once or not at all."""
    return tuple(finding for read in _READERS for finding in read(scene))


def _what_the_interface_counted(scene: Scene) -> Iterator[CauseEvidence]:
    passage, name = scene.exam.passage, scene.route.interface
    if passage is None or passage.probes == 0:
        return
    if scene.is_kept:
        yield CauseEvidence(
            rule=Symptom.PROBES_NOT_SENT, interface=name, probes=passage.probes, packets=passage.sent_packets
        )
        return
    yield CauseEvidence(rule=Symptom.PROBES_SENT, interface=name)
    if passage.heard:
        return
    received = passage.received_packets
    if received >= passage.probes * MOST:
        yield CauseEvidence(rule=Symptom.PACKETS_RECEIVED, interface=name, packets=received)
    elif received == 0:
        yield CauseEvidence(rule=Symptom.NOTHING_RECEIVED, interface=name)


def _which_way_it_came(scene: Scene) -> Iterator[CauseEvidence]:
    back = scene.exam.comes_back
    if back is None:
        return
    source = None if scene.source is None else str(scene.source)
    if back.reason is Reason.NO_RESPONSE:
        yield CauseEvidence(rule=Symptom.NO_RETURN, source=source)
    elif is_answer(back) and back.header is not None and back.header.interface is not None:
        same = back.header.interface == scene.route.interface
        rule = Symptom.RETURN_SAME_LINK if same else Symptom.RETURN_OTHER_LINK
        yield CauseEvidence(rule=rule, source=source, interface=back.header.interface)


def _how_the_others_do(scene: Scene) -> Iterator[CauseEvidence]:
    if not scene.others:
        return
    alive = _texts([other.address.ip for other in scene.others if answers(other)])
    yield CauseEvidence(rule=Symptom.OTHERS_ANSWER if alive else Symptom.OTHERS_SILENT, addresses=alive)


def _how_the_link_does(scene: Scene) -> Iterator[CauseEvidence]:
    alive = scene.exam.link_alive
    if alive is not None:
        rule = Symptom.LINK_ANSWERS if alive else Symptom.LINK_SILENT
        yield CauseEvidence(rule=rule, interface=scene.route.interface)


def blocking(scene: Scene) -> tuple[Chain, ...]:
    """Chains of this machine's filter that block something."""
    return tuple(chain for chain in scene.machine.firewall.chains or () if chain.blocking)


def _what_our_filter_holds(scene: Scene) -> Iterator[CauseEvidence]:
    if scene.machine.firewall.chains is None:
        return
    chains = blocking(scene)
    rule = Symptom.LOCAL_FILTER_BLOCKS if chains else Symptom.LOCAL_FILTER_CLEAR
    yield CauseEvidence(rule=rule, chains=chains[:_FEW_CHAINS])


def _how_strict_we_are(scene: Scene) -> Iterator[CauseEvidence]:
    link = scene.machine.link(scene.route.interface)
    passage = scene.exam.passage
    if passage is not None and (passage.reverse_path_drops or 0) >= passage.probes * MOST > 0:
        yield CauseEvidence(rule=Symptom.REVERSE_PATH_DROPS, packets=passage.reverse_path_drops)
        return
    if link is None or link.reverse_path is None or scene.ip.version != 4:  # noqa: PLR2004 - IPv4 has the check
        return
    strict = link.reverse_path == _STRICT
    rule = Symptom.REVERSE_PATH_STRICT if strict else Symptom.REVERSE_PATH_LOOSE
    yield CauseEvidence(rule=rule, interface=link.name)


def _who_claims_it(scene: Scene) -> Iterator[CauseEvidence]:
    names = tuple(link.name for link in scene.claiming())
    if names:
        rule = Symptom.NETWORK_OVERLAPS if len(names) > 1 else Symptom.NETWORK_UNIQUE
        yield CauseEvidence(rule=rule, address=str(scene.ip), interfaces=names)


def _who_answers(scene: Scene) -> Iterator[CauseEvidence]:
    if scene.condition is Condition.WRONG_HOST:
        yield CauseEvidence(rule=Symptom.OTHER_MACHINE, address=str(scene.ip))


def _what_the_name_gives(scene: Scene) -> Iterator[CauseEvidence]:
    name, given = scene.exam.address.name, [a for a in scene.exam.names if a.failure is None]
    if name is None:
        yield CauseEvidence(rule=Symptom.NO_NAME, address=str(scene.ip))
        return
    if not given:
        return
    sets = {frozenset(answer.addresses) for answer in given}
    if len(sets) > 1:
        answers_given = tuple(map(_name_answer, given))
        yield CauseEvidence(rule=Symptom.NAMES_DISAGREE, name=name, answers=answers_given)
    elif scene.wants_vpn and not scene.by_tunnel and scene.meant is None:
        addresses = _texts(given[0].addresses)
        yield CauseEvidence(rule=Symptom.NAME_OUTSIDE_TUNNEL, name=name, addresses=addresses)
    else:
        yield CauseEvidence(rule=Symptom.NAME_FITS, name=name)


def _name_answer(answer: NameAnswer) -> NameServerAnswer:
    return NameServerAnswer(
        server=None if answer.server is None else str(answer.server),
        addresses=_texts(answer.addresses),
    )


def _texts(addresses: Sequence[IPAddress]) -> tuple[str, ...]:
    return tuple(map(str, addresses))


_READERS: tuple[Callable[[Scene], Iterator[CauseEvidence]], ...] = (
    how_it_answers,
    by_what_it_leaves,
    which_kind_of_tunnel,
    as_it_was_meant,
    what_the_tunnel_reports,
    how_the_far_end_answers,
    _what_the_interface_counted,
    _which_way_it_came,
    _how_the_others_do,
    _how_the_link_does,
    _what_our_filter_holds,
    _how_strict_we_are,
    _who_claims_it,
    _who_answers,
    _what_the_name_gives,
)
