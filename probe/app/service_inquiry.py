"""The stage that asks services: which keys, banners and heads of web pages open ports show.

Lives here: who is asked at the same time as whom, at which rate, and how what came gets into the surveys.
Which ports are worth it is `services.selection`; what two addresses show alike is judged by the inference.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TypeVar

from probe.app.scan_context import ScanContext
from probe.engine.backend import Clients, Endpoint, Task
from probe.engine.run import Outcome
from probe.model.facts import AddressSurvey
from probe.model.greeting import Call, Greeting, Inquiry
from probe.model.identity import Key
from probe.model.target import IPAddress, Port
from probe.services.registry import TLS_PORTS
from probe.services.selection import greeted_ports, keyed_ports

_KEYS_S = 3.0  # that asking for keys takes at most
_GREETINGS_S = 2.0  # and for greetings
_KEY_CONNECTIONS, _GREETING_CONNECTIONS = 3, 2  # that one endpoint may cost

_Shown = Mapping[Endpoint, tuple[Key, ...]]
_Greetings = Mapping[Endpoint, Greeting]
_P = TypeVar("_P")
_K = TypeVar("_K")
_V = TypeVar("_V")


def ask_services(outcome: Outcome, context: ScanContext) -> Outcome:
    """Ask services that are open on several addresses for keys, banners and heads of web pages, all at once.

    Nothing is asked where the time that it takes at most is not left.
    """
    inquiry, backend = context.backends.inquiry, context.backends.backend
    wanted = () if inquiry is Inquiry.NONE else keyed_ports(outcome.surveys)
    calls = greeted_ports(outcome.surveys) if inquiry is Inquiry.ALL else ()
    longest = _KEYS_S if wanted else _GREETINGS_S
    late = outcome.elapsed + longest > context.plan.deadline
    if not (wanted or calls) or not outcome.complete or late:
        return outcome
    began = backend.now()
    shown, greetings = _asked(wanted, calls, context)
    surveys = _keyed(outcome.surveys, shown) if wanted else outcome.surveys
    elapsed = outcome.elapsed + backend.now() - began
    return context.unless_interrupted(replace(outcome, surveys=_greeted(surveys, greetings), elapsed=elapsed))


# --- what is asked ---


def _asked(
    wanted: Sequence[Endpoint], calls: Sequence[Call], context: ScanContext
) -> tuple[_Shown, _Greetings]:
    """Ask for keys and greetings at the same time.

    A port with an SSH host key is known better by it than by its banner, and an sshd counts connections:
    those that are asked for one are asked for a banner only where they had none to show.
    """
    clients = context.backends.clients
    keyed = {endpoint for endpoint in wanted if endpoint[1].number not in TLS_PORTS}
    at_once = [call for call in calls if (call.address, call.port) not in keyed]
    keys = _begun(clients.keys, wanted, _KEY_CONNECTIONS, context)
    first = _begun(clients.greetings, at_once, _GREETING_CONNECTIONS, context)
    import_module("probe.app.infer")  # while services think about it
    shown = _awaited(clients, keys)
    keyless = keyed - shown.keys()
    left = [call for call in calls if (call.address, call.port) in keyless]
    greetings = _awaited(clients, first)
    return shown, greetings | _awaited(
        clients, _begun(clients.greetings, left, _GREETING_CONNECTIONS, context)
    )


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
