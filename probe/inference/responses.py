"""What an observation amounts to for the inference: one symbol, and how much a silence means."""

from collections.abc import Iterable
from dataclasses import dataclass

from probe.model.evidence import Response
from probe.model.facts import AddressSurvey, LinkKind
from probe.model.probing import CUT_SHORT, TCP_ANSWERS, Observation, Origin, Reason, Role, State
from probe.model.target import Protocol

_BY_ORIGIN = {
    (Reason.SYN_ACK, Origin.BEHIND): Response.OPEN_BEHIND,
    (Reason.SYN_ACK, Origin.NEARER): Response.OPEN_NEARER,
    (Reason.RESET, Origin.BEHIND): Response.CLOSED_BEHIND,
    (Reason.RESET, Origin.NEARER): Response.CLOSED_NEARER,
}
_BY_REASON = {
    Reason.SYN_ACK: Response.OPEN,
    Reason.UDP_RESPONSE: Response.OPEN,
    Reason.RESET: Response.CLOSED,
    Reason.REFUSED: Response.REFUSED,
    Reason.NO_RESPONSE: Response.SILENT,
    Reason.NO_ROUTE: Response.LOCAL,
    Reason.NOT_SENT: Response.UNMEASURED,
}


def response_of(observation: Observation, survey: AddressSurvey) -> Response:
    """Reduce an observation to its symbol."""
    if survey.is_our_own(observation):
        return Response.LOCAL
    by_box = _by_box(observation)
    if by_box is not None:
        return by_box
    if observation.state is State.CLOSED and observation.question.port.protocol is Protocol.UDP:
        return Response.CLOSED
    symbol = _BY_REASON.get(observation.reason)
    if symbol is not None:
        return symbol
    return Response.ICMP_HOST if observation.sender == observation.question.address else Response.ICMP_PATH


def _by_box(observation: Observation) -> Response | None:
    """The symbol of an answer by the box that gave it; None where that makes no difference."""
    if comes_back_otherwise(observation):
        return _BY_ORIGIN[observation.reason, Origin.BEHIND]
    if observation.aftermath in CUT_SHORT and observation.origin is not Origin.BEHIND:
        return Response.CUT_NEARER if observation.origin is Origin.NEARER else Response.CUT
    return _BY_ORIGIN.get((observation.reason, observation.origin)) if observation.origin else None


def comes_back_otherwise(observation: Observation) -> bool:
    """A TCP answer that comes from another address than the one asked: connect() never receives it."""
    tcp = observation.reason in TCP_ANSWERS
    return tcp and observation.raw_only and observation.sender not in {None, observation.question.address}


@dataclass(frozen=True, slots=True)
class Noise:
    """How often an address fails to answer although it would: by loss, and by its limit on ICMP errors."""

    lost: float = 0.0  # tries that stayed unanswered before an answer came
    answered: float = 0.0
    icmp_limited: bool = False
    banned: bool = False  # it stopped answering while it was probed

    def silence(self, attempts: int) -> float:
        """Probability that `attempts` tries all stay unanswered at a port that answers.

        The loss rate has a Beta(0.3, 12) prior updated by what was lost and answered; the answer is the
        expectation of rate**attempts under its posterior.
        """
        if self.banned:
            return _BANNED_SILENCE
        alpha, total = _LOSS_ALPHA + self.lost, _LOSS_ALPHA + _LOSS_BETA + self.lost + self.answered
        out = 1.0
        for k in range(attempts):
            out *= (alpha + k) / (total + k)
        return max(out, _SILENCE_FLOOR)

    def icmp_silence(self, attempts: int, *, rationed: bool | None = None) -> float:
        """The same for a port that answers with an ICMP error.

        `rationed`: whether every try left while the sender had no error to give; None: that is not known.
        """
        usual = self.silence(attempts)
        if rationed or (rationed is None and self.icmp_limited):
            return max(usual, _LIMITED_SILENCE)
        return max(usual, _IN_ITS_TURN) if self.icmp_limited else usual


_LOSS_ALPHA, _LOSS_BETA = 0.3, 12.0
_SILENCE_FLOOR = 1e-4
_BANNED_SILENCE = 0.5
_LIMITED_SILENCE = 0.6
_IN_ITS_TURN = 0.02  # ... although a try left when a sender that rations had an error to give
_QUEUED = 100  # packets that a cold tunnel surely keeps
_ICMP_BURST = 4  # errors after which a sender may have run into its limit (Linux: 6, then 1 a second)


def noise_of(survey: AddressSurvey, icmp_errors: int) -> Noise:
    """Learn the noise of one address; `icmp_errors` counts those received from the whole target.

    What this machine answered itself, or kept from its sockets, is no measure of loss; nor is an ICMP error
    that came late, for its sender rations them.
    """
    answers = [
        o
        for o in survey.observations
        if o.answered is not None and not o.raw_only and not survey.is_our_own(o)
    ]
    if survey.route is not None and survey.route.kind is LinkKind.TUNNEL:
        answers = _without_overflow(answers, survey.first_answer())
    lost = sum(o.answered - 1 for o in answers if o.answered is not None and o.icmp is None)
    return Noise(lost, len(answers), icmp_errors >= _ICMP_BURST, _banned(survey))


def _without_overflow(answers: list[Observation], first_answer: float | None) -> list[Observation]:
    """What measures loss on a way through a tunnel.

    Until the tunnel has its session, packets wait in a queue that holds no more than 128 (WireGuard,
    MAX_STAGED_PACKETS in drivers/net/wireguard/messages.h) and loses the oldest. Where more than that may
    have been sent before the first answer came, those tries measure the queue, not the way.
    """
    if first_answer is None:
        return answers
    later = [o for o in answers if o.started is None or o.started >= first_answer]
    return later if len(answers) - len(later) > _QUEUED else answers


def _banned(survey: AddressSurvey) -> bool:
    """A control answered at first, and its canary did not: later silences mean nothing."""
    canaries = [o for o in survey.observations if o.question.role is Role.CANARY]
    return any(o.reason is Reason.NO_RESPONSE for o in canaries)


def icmp_errors(surveys: Iterable[AddressSurvey]) -> int:
    """How many ICMP errors were received in all: a host's limit counts them over all its addresses."""
    return sum(o.icmp is not None for survey in surveys for o in survey.observations)


# Something accepted.
OPENED = frozenset({Response.OPEN, Response.OPEN_BEHIND, Response.OPEN_NEARER, Response.CUT})
# Nothing came back from the other side.
QUIET = frozenset({Response.SILENT, Response.UNMEASURED, Response.LOCAL})
