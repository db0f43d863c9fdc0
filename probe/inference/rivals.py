"""What the verdict on a port leaves open: the explanations not excluded, and what would decide."""

from collections.abc import Iterator, Sequence

from probe.inference.posterior import Posterior
from probe.inference.priors import LISTED
from probe.model.advice import NextTest, NextTestRule, Rival, RivalRule
from probe.model.binding import Binding, Candidate
from probe.model.target import Port, Protocol

_WORTH_NAMING = 0.05  # probability of a full accept queue that is listed beside the candidates


def rivals(posterior: Posterior, named: frozenset[Candidate], *, opened: bool) -> Iterator[Rival]:
    """What was not excluded, most probable first; `opened` where some address accepted.

    Last comes the rival of a filter where a port is silent: a service that does not accept any more.
    """
    for candidate in posterior.candidates:
        if candidate not in named and candidate.probability >= LISTED:
            through = opened and candidate.binding is Binding.LOOPBACK
            yield Rival(
                rule=RivalRule.THROUGH_VPN_PROGRAM if through else RivalRule.CANDIDATE,
                probability=candidate.probability,
                binding=candidate.binding,
                bound_to=tuple(map(str, candidate.bound_to)),
            )
    if posterior.full_queue >= _WORTH_NAMING:
        yield Rival(rule=RivalRule.FULL_ACCEPT_QUEUE, probability=posterior.full_queue)


_LIST_SOCKETS = NextTest(rule=NextTestRule.LIST_SOCKETS)
_LOGIN_TO_LOOPBACK = NextTest(rule=NextTestRule.LOGIN_TO_LOOPBACK)
_ANOTHER_ADDRESS = NextTest(rule=NextTestRule.ANOTHER_ADDRESS)


def next_tests(port: Port, binding: Binding, candidates: Sequence[Candidate]) -> Iterator[NextTest]:
    """What would decide between the candidates that are left."""
    yield _LIST_SOCKETS
    if binding is Binding.LOOPBACK_OR_NOT_LISTENING and port.protocol is Protocol.TCP:
        yield _LOGIN_TO_LOOPBACK
    likely = {c.binding for c in candidates if c.probability >= LISTED}
    if binding is Binding.UNDETERMINED and {Binding.WILDCARD, Binding.SPECIFIC} <= likely:
        yield _ANOTHER_ADDRESS
