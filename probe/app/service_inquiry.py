"""Asking services which keys, banners and heads of web pages their open ports show.

Lives here: when it begins, who is asked at the same time as whom, at which rate, and how what came gets into
the surveys. It begins while addresses are surveyed, as soon as those that answer at all have answered for
every port, and ends in a stage of its own. Which ports are worth it is `services.selection`; what two
addresses show alike is judged by the inference.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from probe.app.scan_context import BegunInquiries, ScanContext
from probe.engine.backend import Clients, Endpoint, Task
from probe.engine.counted import budget_of
from probe.engine.run import Outcome
from probe.model.facts import AddressSurvey
from probe.model.greeting import Call, Greeting, Inquiry
from probe.model.identity import Key
from probe.model.probing import Observation
from probe.model.target import IPAddress, Port
from probe.services.registry import TLS_PORTS
from probe.services.selection import (
    MOST_GREETED,
    MOST_PORTS,
    greeted_ports,
    greetings_of_ssh,
    greets_as_ssh,
    is_outcome_of_port,
    is_ssh_by_number,
    keyed_ports,
)

_KEYS_S = 3.0  # that asking for keys takes at most
_GREETINGS_S = 2.0  # and for greetings
_KEY_CONNECTIONS, _GREETING_CONNECTIONS = 1, 2  # that one endpoint may cost

_Shown = Mapping[Endpoint, tuple[Key, ...]]
_Greetings = Mapping[Endpoint, Greeting]
_P = TypeVar("_P")
_K = TypeVar("_K")
_V = TypeVar("_V")


def ask_services(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask services that are open on several addresses for keys, banners and heads of web pages, all at once.

    Nothing more is asked where the time that it takes at most is not left.
    """
    try:
        return _asked(outcome, context)
    finally:
        context.backends.let_go()


def _asked(outcome: Outcome, context: ScanContext) -> Outcome:
    begun, backend = context.begun, context.backends.backend
    began = backend.now()
    calls = _begin(outcome.surveys, context, outcome.elapsed) if outcome.complete else ()
    if not (begun.keyed or begun.greeted):
        return outcome
    shown, greetings = _collected(calls, context)
    surveys = _keyed(outcome.surveys, shown) if begun.keyed else outcome.surveys
    if context.backends.inquiry is Inquiry.ALL:
        greetings = {**greetings_of_ssh(surveys), **greetings}
    elapsed = outcome.elapsed + backend.now() - began
    return context.unless_interrupted(replace(outcome, surveys=_greeted(surveys, greetings), elapsed=elapsed))


# --- while addresses are surveyed ---


_EARLY_ROUNDS = 3  # in which services are asked before their addresses are surveyed to the end


class EarlyInquiry:
    """Begins to ask services when every address that answers at all has answered for all tested ports.

    Addresses that are silent may be waited for a long time, and ports of ssh for what they send first: the
    others do not wait for either. Under a cap of the rate nothing begins early: the survey has the rate for
    itself.
    """

    def __init__(self, context: ScanContext) -> None:
        self._context = context
        self._began = context.backends.backend.now()
        self._seen: dict[IPAddress, dict[Port, Observation]] = {}
        self._left = Counter(  # ports without an outcome, by address and whether they are of ssh
            (plan.address.ip, is_ssh_by_number(port))
            for plan in context.plan.addresses
            for port in plan.tested
        )
        self._answering: set[IPAddress] = set()
        self._complete_but_ssh: set[IPAddress] = set()  # of these
        self._complete: set[IPAddress] = set()  # of these
        self._rounds = 0 if context.plan.timing.rate is not None else _EARLY_ROUNDS

    def take(self, observations: Sequence[Observation]) -> bool:
        """Take in what was settled (`probe.engine.run.Watcher`); whether all but ssh of an address was."""
        before = self._progress()
        for observation in observations:
            if is_outcome_of_port(observation):
                self._note(observation)
        others, _ = self._progress()
        more = before < self._progress() and _SEVERAL <= others == len(self._answering)
        backend = self._context.backends.backend
        if self._rounds and more and not backend.interrupted():
            self._rounds -= 1
            _begin(self._surveys(), self._context, backend.now() - self._began)
        return bool(self._complete_but_ssh)

    def _progress(self) -> tuple[int, int]:
        """How many addresses have answered for all ports but ssh, and for these too."""
        return len(self._complete_but_ssh), len(self._complete)

    def _note(self, observation: Observation) -> None:
        ip, port = observation.question.address, observation.question.port
        seen = self._seen.setdefault(ip, {})
        self._left[ip, is_ssh_by_number(port)] -= port not in seen
        seen[port] = observation
        if observation.answered is not None:
            self._answering.add(ip)
        if ip in self._answering and not self._left[ip, False]:
            self._complete_but_ssh.add(ip)
            if not self._left[ip, True]:
                self._complete.add(ip)

    def _surveys(self) -> tuple[AddressSurvey, ...]:
        return tuple(
            AddressSurvey(plan.address, tuple(self._seen.get(plan.address.ip, {}).values()), route=plan.route)
            for plan in self._context.plan.addresses
        )


_SEVERAL = 2  # addresses: there is nothing to compare before


# --- what is asked ---


def _begin(surveys: Sequence[AddressSurvey], context: ScanContext, elapsed: float) -> Sequence[Call]:
    """Begin to ask what is not asked yet; return the calls of ports that are asked for SSH keys first.

    A port with an SSH host key is known better by it than by its banner, and an sshd counts connections:
    those that are asked for one are asked for a banner only where they had none to show.
    """
    inquiry, begun, clients = context.backends.inquiry, context.begun, context.backends.clients
    wanted = () if inquiry is Inquiry.NONE else _affordable(keyed_ports(surveys), surveys, begun)
    calls = greeted_ports(surveys) if inquiry is Inquiry.ALL else ()
    if elapsed + (_KEYS_S if wanted else _GREETINGS_S) > context.plan.deadline:
        return ()
    keyed = {endpoint for endpoint in (*begun.keyed, *wanted) if endpoint[1].number not in TLS_PORTS}
    at_once = [call for call in calls if (call.address, call.port) not in keyed]
    more = _not_begun(wanted, begun.keyed, MOST_PORTS, lambda one: one)
    begun.keys += _begun(clients.keys, more, _KEY_CONNECTIONS, context)
    further = _not_begun(at_once, begun.greeted, MOST_GREETED, lambda call: (call.address, call.port))
    begun.greetings += _begun(clients.greetings, further, _GREETING_CONNECTIONS, context)
    return [call for call in calls if (call.address, call.port) in keyed]


def _affordable(
    wanted: Sequence[Endpoint], surveys: Sequence[AddressSurvey], begun: BegunInquiries
) -> Sequence[Endpoint]:
    """Those that cost no opening that is counted, or one that is left; of a port several or none.

    Who greeted as SSH is asked by the connection that it greeted on.
    """
    budget = budget_of(surveys, begun.opened)
    seen = {survey.address.ip: survey.tested() for survey in surveys}
    found: list[Endpoint] = []
    for port in dict.fromkeys(port for _, port in wanted):
        few = [place for place in wanted if place[1] == port]
        paid = {p for p in few if port in budget.counted and not greets_as_ssh((seen[p[0]][port],))}
        paid -= begun.keyed
        within = [place for place in few if place not in paid or budget.take(*place)]
        if len(within) >= _SEVERAL:
            found += within
            begun.opened += [place for place in within if place in paid]
    return found


def _not_begun(
    places: Iterable[_P], asked: set[Endpoint], most: int, endpoint: Callable[[_P], Endpoint]
) -> list[_P]:
    """Those that are not asked yet, of at most so many ports in all; they are as good as asked now."""
    places = list(places)
    ports = dict.fromkeys(port for _, port in (*asked, *map(endpoint, places)))
    allowed = set(list(ports)[:most])
    new = [one for one in places if endpoint(one) not in asked and endpoint(one)[1] in allowed]
    asked.update(map(endpoint, new))
    return new


def _collected(calls: Sequence[Call], context: ScanContext) -> tuple[_Shown, _Greetings]:
    """What was asked has brought; `calls` are made now where no SSH key came."""
    begun, clients = context.begun, context.backends.clients
    shown = _awaited(clients, begun.keys)
    left = [call for call in calls if (call.address, call.port) not in shown]
    late = _begun(clients.greetings, left, _GREETING_CONNECTIONS, context)
    return shown, _awaited(clients, begun.greetings) | _awaited(clients, late)


def _begun(
    begin: Callable[[Sequence[_P]], Task[Mapping[_K, _V]]],
    places: Sequence[_P],
    connections: int,
    context: ScanContext,
) -> list[Task[Mapping[_K, _V]]]:
    """Begin to ask all places at once, or under a cap of the rate one after the other.

    `connections`: that a place may cost.
    """
    rate, backend = context.plan.timing.rate, context.backends.backend
    if rate is None:
        return [begin(places)] if places else []
    tasks = []
    for place in places:
        if backend.interrupted():
            break
        tasks.append(begin((place,)))
        until = backend.now() + connections / rate
        while backend.now() < until and not backend.interrupted():
            backend.receive(until)
    return tasks


def _awaited(clients: Clients, tasks: Sequence[Task[Mapping[_K, _V]]]) -> dict[_K, _V]:
    """What tasks bring, or have brought when a signal asked for the end."""
    clients.wait(tasks)
    return {key: value for task in tasks for key, value in (task.result() or {}).items()}


# --- what surveys get ---


def _keyed(surveys: Sequence[AddressSurvey], shown: _Shown) -> tuple[AddressSurvey, ...]:
    """Each survey with the keys of its own address."""
    by_address = _by_address(shown)
    return tuple(replace(survey, keys=by_address.get(survey.address.ip, {})) for survey in surveys)


def _greeted(surveys: Sequence[AddressSurvey], greetings: _Greetings) -> tuple[AddressSurvey, ...]:
    """Each survey with the greetings of its own address, and the certificates that came with them."""
    by_address = _by_address(greetings)
    return tuple(_with_greetings(survey, by_address.get(survey.address.ip, {})) for survey in surveys)


def _with_greetings(survey: AddressSurvey, own: Mapping[Port, Greeting]) -> AddressSurvey:
    certificates = {port: (greeting.key,) for port, greeting in own.items() if greeting.key is not None}
    return replace(survey, greetings=own, keys=certificates | dict(survey.keys))


def _by_address(found: Mapping[Endpoint, _V]) -> Mapping[IPAddress, Mapping[Port, _V]]:
    """What came from each address, by port: one walk over everything, however many addresses there are."""
    grouped: defaultdict[IPAddress, dict[Port, _V]] = defaultdict(dict)
    for (address, port), value in found.items():
        grouped[address][port] = value
    return grouped
