"""Echo by raw packets, where no socket may ask for it. Pure."""

from collections.abc import Mapping

from probe.model.exam import Echo
from probe.model.probing import Observation, Question, Reason, Role, Shape
from probe.model.target import NO_PORT, IPAddress


def echo_question(address: IPAddress) -> Question:
    """An echo request; it takes raw packets."""
    return Question(address, NO_PORT, Role.CONTROL, shape=Shape.ECHO)


def echo_of(answers: Mapping[Question, Observation], address: IPAddress) -> Echo | None:
    """How the address answered; None where it was not asked or not sent.

    That this machine's own filter refused (EPERM) is told without an ICMP error, in its own name.
    """
    seen = answers.get(echo_question(address))
    if seen is None or seen.reason is Reason.NOT_SENT:
        return None
    refused_here = seen.reason is Reason.ADMIN_PROHIBITED and seen.icmp is None
    return Echo(seen.reason, seen.attempts, seen.rtt, seen.sender, refused_here)
