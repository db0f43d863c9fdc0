"""Bindings in words: candidates, what was not excluded, an open question, and what would decide it."""

from collections.abc import Mapping, Sequence
from typing import Final

from probe.explain.phrases import listed
from probe.explain.subject import Subject
from probe.model.advice import NextTest, NextTestRule, Rival, RivalRule
from probe.model.binding import Binding, Candidate
from probe.model.target import Protocol

_WORTH_NAMING = 0.05  # probability of an explanation that is named for an open question
_MOST_NAMED = 3
_MOST_RANGES = 6  # that the filter of a command takes

_BINDINGS: Mapping[Binding, str] = {
    Binding.WILDCARD: "bound to all interfaces",
    Binding.LOOPBACK: "bound to loopback",
    Binding.NOT_LISTENING: "not listening",
}
THROUGH_VPN_PROGRAM: Final = "behind a VPN program that hands connections to 127.0.0.1"
RIVALS: Mapping[RivalRule, str] = {
    RivalRule.CANDIDATE: "{candidate} ({probability:.1%})",
    RivalRule.THROUGH_VPN_PROGRAM: "{candidate}, " + THROUGH_VPN_PROGRAM + " ({probability:.1%})",
    RivalRule.FULL_ACCEPT_QUEUE: (
        "no filter, but a hung service with a full accept queue ({probability:.0%})"
    ),
}
NEXT_TESTS: Mapping[NextTestRule, str] = {
    NextTestRule.LIST_SOCKETS: "on the target: {command}",
    NextTestRule.LOGIN_TO_LOOPBACK: "through a login on the target: {command}",
    NextTestRule.ANOTHER_ADDRESS: ("probe another address of the target, with no filter in between"),
}


def candidate_words(binding: Binding, bound_to: Sequence[str]) -> str:
    """A candidate as a phrase."""
    return f"bound to {listed(bound_to)} only" if binding is Binding.SPECIFIC else _BINDINGS[binding]


def rival_words(rival: Rival) -> str:
    """What was not excluded, with its probability."""
    candidate = "" if rival.binding is None else candidate_words(rival.binding, rival.bound_to)
    return RIVALS[rival.rule].format(candidate=candidate, probability=rival.probability)


def undecided(candidates: Sequence[Candidate]) -> str:
    """The likeliest explanations of a port for which no binding is named."""
    likely = [c for c in candidates if c.probability >= _WORTH_NAMING][:_MOST_NAMED]
    return " or ".join(
        f"{candidate_words(c.binding, tuple(map(str, c.bound_to)))} ({c.probability:.0%})" for c in likely
    )


def next_test_command(test: NextTest, subject: Subject) -> str | None:
    """The command of a test, to be run on the target or beside it; None where there is none."""
    if test.rule is NextTestRule.LIST_SOCKETS:
        return _list_sockets(subject)
    if test.rule is NextTestRule.LOGIN_TO_LOOPBACK:
        port = subject.ports if subject.ports.isdecimal() else "PORT"
        return f"ssh -W 127.0.0.1:{port} HOST"
    return None


def next_test_words(test: NextTest, command: str | None) -> str:
    """What would decide, with its command."""
    return NEXT_TESTS[test.rule].format(command=command)


def _list_sockets(subject: Subject) -> str:
    """The sockets that listen on the ports, by the filter language of ss (iproute2)."""
    flag = "-tlnp" if subject.protocol is Protocol.TCP else "-ulnp"
    ranges = subject.ports.split(",")
    if len(ranges) > _MOST_RANGES:
        return f"ss {flag}"
    return f"ss {flag} '{' or '.join(map(_filter, ranges))}'"


def _filter(ports: str) -> str:
    first, _, last = ports.partition("-")
    return f"( sport >= :{first} and sport <= :{last} )" if last else f"sport = :{first}"
