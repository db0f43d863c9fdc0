"""By which way does a silent address's host send to this machine? One raw opening over another link. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from probe.model.facts import AddressSurvey, LinkKind
from probe.model.probing import NextHop, Observation, Question, Reason, Role
from probe.model.target import Port, Protocol


def way_back_questions(silent: AddressSurvey, surveys: Iterable[AddressSurvey]) -> Sequence[Question]:
    """An opening for a silent address, handed to its host over a link on which that host is a neighbour.

    It has the source address of the silent address's own route, so the answer shows whether and by which way
    the host reaches that. At most one; none where no such link is known.
    """
    for other in surveys:
        port, hop = _answered_port(other), _hop(silent, other)
        if port is not None and hop is not None:
            return (Question(silent.address.ip, port, Role.CONTROL, hop=hop),)
    return ()


def _hop(silent: AddressSurvey, other: AddressSurvey) -> NextHop | None:
    """The other address's neighbour, with the silent address's own source; None where it is no other link."""
    here, there, link_address = silent.route, other.route, other.link_address
    if (
        here is None
        or here.source is None
        or there is None
        or there.interface is None
        or link_address is None
    ):
        return None
    is_neighbour = bool(there.on_link) and there.kind is LinkKind.ETHERNET
    if not is_neighbour or there.interface == here.interface or other.address.family != silent.address.family:
        return None
    return NextHop(there.interface, here.source, link_address)


def _answered_port(survey: AddressSurvey) -> Port | None:
    """A TCP port that the host itself answers there: an open one before a closed one."""
    told = [
        o
        for o in survey.observations
        if o.reason in {Reason.SYN_ACK, Reason.RESET}
        and o.question.port.protocol is Protocol.TCP
        and not survey.is_our_own(o)
    ]
    best = min(told, key=lambda o: (o.reason is not Reason.SYN_ACK, o.question.port), default=None)
    return None if best is None else best.question.port


def way_back(
    answers: Mapping[Question, Observation], silent: AddressSurvey, surveys: Iterable[AddressSurvey]
) -> Observation | None:
    """What the opening brought; None where it was not asked or not sent."""
    found = (answers.get(question) for question in way_back_questions(silent, surveys))
    return next((o for o in found if o is not None and o.reason is not Reason.NOT_SENT), None)
