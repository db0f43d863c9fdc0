"""From what was measured on an address to its symptoms, each with its values."""

from collections.abc import Callable, Iterator, Sequence

from probe.diagnosis.read_ways import (
    as_it_was_meant,
    by_what_it_leaves,
    errors_of_boxes,
    how_the_far_end_answers,
    how_the_link_is,
    what_the_far_end_shows,
    what_the_tunnel_reports,
    where_hops_lie,
    whether_its_network_is_known,
    which_kind_of_tunnel,
)
from probe.diagnosis.subject import MOST, ExamContext
from probe.engine.distance import is_answer
from probe.model.binding import Condition
from probe.model.exam import AddressExam, NameAnswer
from probe.model.facts import LinkKind, Neighbour
from probe.model.machine import Chain
from probe.model.probing import ErrorKind, Observation, Reason, reasons_of
from probe.model.symptoms import CauseEvidence, NameServerAnswer, Symptom
from probe.model.target import IPAddress

# --- how the address answers ---


_GONE = reasons_of(ErrorKind.UNREACHABLE, ErrorKind.EXPIRED)
_PROHIBITED = reasons_of(ErrorKind.PROHIBITED)


def answers(exam: AddressExam) -> bool:
    """Whether the address itself answers anything that a socket gets, or resolves on the link."""
    echo = exam.echo is not None and exam.echo.reason is Reason.ECHO_REPLY
    if echo or exam.answering or exam.survey.neighbour is Neighbour.RESOLVED:
        return True
    return any(_reached_a_socket(o, exam) for o in exam.survey.observations)


def _reached_a_socket(observation: Observation, exam: AddressExam) -> bool:
    own = exam.survey.is_our_own(observation)
    return is_answer(observation) and not observation.raw_only and not own


def how_it_answers(scene: ExamContext) -> Iterator[CauseEvidence]:
    """The one symptom of how the address answers; none where nothing was asked."""
    if not scene.exam.survey.observations:
        return
    for read in (_own_stack, _kept_from_sockets, _this_machine, _echo, _beside, _other_boxes, _on_the_link):
        found = read(scene)
        if found is not None:
            yield found
            return
    yield _of_all(Symptom.PORTS_SILENT if scene.exam.echo is None else Symptom.SILENT, scene)


def _of_all(rule: Symptom, scene: ExamContext) -> CauseEvidence:
    """What holds for the address as a whole."""
    return CauseEvidence(rule=rule, address=str(scene.ip))


def _own_stack(scene: ExamContext) -> CauseEvidence | None:
    answered = any(_reached_a_socket(o, scene.exam) for o in scene.exam.survey.observations)
    return _of_all(Symptom.ANSWERS, scene) if answered else None


def _kept_from_sockets(scene: ExamContext) -> CauseEvidence | None:
    if not any(o.raw_only and is_answer(o) for o in scene.exam.survey.observations):
        return None
    return _of_all(Symptom.WITHHELD, scene)


def _this_machine(scene: ExamContext) -> CauseEvidence | None:
    survey = scene.exam.survey
    own = [o for o in survey.observations if survey.is_our_own(o)]
    if not scene.route.reachable or (own and all(o.reason is Reason.NO_ROUTE for o in own)):
        return _of_all(Symptom.NO_ROUTE, scene)
    unresolved = [o for o in own if o.reason is Reason.HOST_UNREACH]
    if survey.neighbour is Neighbour.FAILED or (unresolved and scene.route.kind is LinkKind.ETHERNET):
        return CauseEvidence(
            rule=Symptom.NEIGHBOUR_FAILED, address=str(scene.ip), interface=scene.route.interface
        )
    echo = scene.exam.echo
    if own or (echo is not None and echo.refused_here):
        return _of_all(Symptom.REFUSED_HERE, scene)
    return None


def _echo(scene: ExamContext) -> CauseEvidence | None:
    echo = scene.exam.echo
    if echo is None or echo.reason is not Reason.ECHO_REPLY:
        return None
    if any(o.reason in _PROHIBITED and o.sender == scene.ip for o in scene.exam.survey.observations):
        return None
    return _of_all(Symptom.ECHO_ONLY, scene)


def _beside(scene: ExamContext) -> CauseEvidence | None:
    """Usual ports that answer, where everything that was named is silent."""
    answering = scene.exam.answering
    if not answering:
        return None
    ports = tuple(map(str, answering))
    return CauseEvidence(rule=Symptom.OTHER_PORTS_ANSWER, address=str(scene.ip), ports=ports)


def _on_the_link(scene: ExamContext) -> CauseEvidence | None:
    """That a neighbour resolves shows that its machine is there, whatever keeps it silent."""
    if scene.exam.survey.neighbour is not Neighbour.RESOLVED:
        return None
    interface = scene.route.interface
    return CauseEvidence(rule=Symptom.NEIGHBOUR_ONLY, address=str(scene.ip), interface=interface)


def _other_boxes(scene: ExamContext) -> CauseEvidence | None:
    for reason, sender in errors_of_boxes(scene):
        rule = _rule_of(reason, by_target=sender == scene.ip)
        if rule is not None:
            return CauseEvidence(rule=rule, address=str(scene.ip), sender=str(sender), reason=reason)
    return None


def _rule_of(reason: Reason, *, by_target: bool) -> Symptom | None:
    if reason in _PROHIBITED:
        return Symptom.TARGET_PROHIBITS if by_target else Symptom.REPORTED_PROHIBITED
    return Symptom.REPORTED_UNREACHABLE if reason in _GONE and not by_target else None


# --- everything that was seen ---


_STRICT = 1  # rp_filter, RFC 3704 section 2.2
_FEW_CHAINS = 2  # that are shown as evidence


def findings(scene: ExamContext) -> tuple[CauseEvidence, ...]:
    """Everything that was seen of the address; each question answered once or not at all.

    Of this machine's own address only what can be in the way of packets that never leave it.
    """
    readers = _OF_OWN_ADDRESS if scene.exam.survey.is_this_machine else _READERS
    return tuple(finding for read in readers for finding in read(scene))


def _what_the_interface_counted(scene: ExamContext) -> Iterator[CauseEvidence]:
    passage, name = scene.exam.passage, scene.route.interface
    if passage is None or passage.probes == 0:
        return
    if scene.is_kept:
        yield CauseEvidence(
            rule=Symptom.PROBES_NOT_SENT, interface=name, probes=passage.probes, packets=passage.sent_packets
        )
        return
    yield CauseEvidence(rule=Symptom.PROBES_SENT, interface=name)
    if passage.answered:
        return
    received = passage.received_packets
    if received >= passage.probes * MOST:
        yield CauseEvidence(rule=Symptom.PACKETS_RECEIVED, interface=name, packets=received)
    elif received == 0:
        yield CauseEvidence(rule=Symptom.NOTHING_RECEIVED, interface=name)


def _which_way_it_came(scene: ExamContext) -> Iterator[CauseEvidence]:
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


def _how_the_others_do(scene: ExamContext) -> Iterator[CauseEvidence]:
    if not scene.others:
        return
    alive = _texts([other.address.ip for other in scene.others if answers(other)])
    yield CauseEvidence(rule=Symptom.OTHERS_ANSWER if alive else Symptom.OTHERS_SILENT, addresses=alive)


def _how_the_link_does(scene: ExamContext) -> Iterator[CauseEvidence]:
    alive = scene.exam.link_alive
    if alive is not None:
        rule = Symptom.LINK_ANSWERS if alive else Symptom.LINK_SILENT
        yield CauseEvidence(rule=rule, interface=scene.route.interface)


def blocking(scene: ExamContext) -> tuple[Chain, ...]:
    """Chains of this machine's filter that block something."""
    return tuple(chain for chain in scene.machine.firewall.chains or () if chain.blocking)


def _what_our_filter_holds(scene: ExamContext) -> Iterator[CauseEvidence]:
    if scene.machine.firewall.chains is None:
        return
    chains = blocking(scene)
    rule = Symptom.LOCAL_FILTER_BLOCKS if chains else Symptom.LOCAL_FILTER_CLEAR
    yield CauseEvidence(rule=rule, chains=chains[:_FEW_CHAINS])


def _how_strict_we_are(scene: ExamContext) -> Iterator[CauseEvidence]:
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


def _who_claims_it(scene: ExamContext) -> Iterator[CauseEvidence]:
    names = tuple(link.name for link in scene.claiming())
    if names:
        rule = Symptom.NETWORK_OVERLAPS if len(names) > 1 else Symptom.NETWORK_UNIQUE
        yield CauseEvidence(rule=rule, address=str(scene.ip), interfaces=names)


def _who_answers(scene: ExamContext) -> Iterator[CauseEvidence]:
    if scene.condition is Condition.WRONG_HOST:
        yield CauseEvidence(rule=Symptom.OTHER_MACHINE, address=str(scene.ip))


def _whose_it_is(scene: ExamContext) -> Iterator[CauseEvidence]:
    yield _of_all(Symptom.OWN_ADDRESS, scene)


def _what_the_name_gives(scene: ExamContext) -> Iterator[CauseEvidence]:
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


_READERS: tuple[Callable[[ExamContext], Iterator[CauseEvidence]], ...] = (
    how_it_answers,
    by_what_it_leaves,
    how_the_link_is,
    whether_its_network_is_known,
    where_hops_lie,
    what_the_far_end_shows,
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
_OF_OWN_ADDRESS = (_whose_it_is, how_it_answers, _what_our_filter_holds, _what_the_name_gives)
