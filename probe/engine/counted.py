"""Openings of ports where they are counted. Pure.

An sshd logs each, and `ufw limit` refuses the sixth within 30 s, half-open ones too.
From one source address such a port has at most `MOST_OPENINGS` in a run, over all addresses of the target:
tries, what is asked again, raw SYNs and connections of clients together. The user needs one after that. More
are taken only where more addresses than that are reached from one source, one each.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from probe.model.facts import AddressSurvey, Route
from probe.model.plan import FollowUp
from probe.model.probing import Observation, Question, Shape
from probe.model.target import IPAddress, Port
from probe.services.selection import is_counted

MOST_OPENINGS = 4
_Source = IPAddress | None


def tries_beside(routes: Mapping[IPAddress, Route]) -> Mapping[IPAddress, int]:
    """How often such a port of each address may be tried where it keeps silent: three times at most."""
    sharing = Counter(route.source for route in routes.values())
    return {
        ip: max(1, min(MOST_OPENINGS - 1, MOST_OPENINGS // sharing[route.source]))
        for ip, route in routes.items()
    }


class OpeningBudget(Struct):
    """What is left of the openings of counted ports, by source address and port.

    Args:
        counted: the ports whose openings are counted.
        sources: this machine's address towards each of the target's.
        short: how many hops towards each address have reported that a packet ended there.
        spent: openings so far.
    """

    counted: frozenset[Port]
    sources: Mapping[IPAddress, _Source]
    short: Mapping[IPAddress, int]
    spent: Counter[tuple[_Source, Port]]

    def affords(self, question: Question) -> bool:
        """Take one opening for a question, if it is one and there is any left; whether it may be asked."""
        if not self.is_opening(question):
            return True
        return self.take(question.address, question.port, self._source(question))

    def take(self, address: IPAddress, port: Port, source: _Source = None) -> bool:
        """Take one opening of a port; whether there was any left."""
        place = (source or self.sources.get(address), port)
        if port in self.counted:
            if self.spent[place] >= MOST_OPENINGS:
                return False
            self.spent[place] += 1
        return True

    def is_opening(self, question: Question) -> bool:
        """Whether a question opens a counted port: a SYN that may come as far as its address."""
        ends_before = (
            question.hop is None
            and question.ttl is not None
            and question.ttl <= self.short.get(question.address, 0)
        )
        return question.port in self.counted and question.shape is Shape.OPENING and not ends_before

    def note(self, observation: Observation) -> None:
        """Count the openings that an observation took."""
        question = observation.question
        if self.is_opening(question):
            self.spent[self._source(question), question.port] += observation.attempts

    def _source(self, question: Question) -> _Source:
        return self.sources.get(question.address) if question.hop is None else question.hop.source


def budget_of(
    surveys: Sequence[AddressSurvey], connections: Collection[tuple[IPAddress, Port]] = ()
) -> OpeningBudget:
    """What is left after surveys, and after connections of clients to these ports of these addresses."""
    seen = [o for survey in surveys for o in survey.observations]
    by_port: dict[Port, list[Observation]] = {}
    for o in seen:
        by_port.setdefault(o.question.port, []).append(o)
    budget = OpeningBudget(
        frozenset(port for port, few in by_port.items() if is_counted(port, few)),
        {s.address.ip: None if s.route is None else s.route.source for s in surveys},
        {s.address.ip: len(s.path) for s in surveys},
        Counter(),
    )
    for o in (*seen, *(trace.observation for survey in surveys for trace in survey.traces)):
        budget.note(o)
    for address, port in connections:
        if port in budget.counted:
            budget.spent[budget.sources.get(address), port] += 1
    return budget


def affordable(
    wanted: Mapping[IPAddress, Sequence[FollowUp]], budget: OpeningBudget
) -> Mapping[IPAddress, Sequence[FollowUp]]:
    """The follow-ups that the budget allows; addresses of which none is left are left out."""
    within = {ip: tuple(one for one in few if budget.affords(one.question)) for ip, few in wanted.items()}
    return {ip: few for ip, few in within.items() if few}
