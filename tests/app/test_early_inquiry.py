"""When services are asked while their addresses are still being surveyed."""

from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from msgspec import structs

from probe import interruption
from probe.app.scan_context import ScanContext
from probe.app.service_inquiry import EarlyInquiry, ask_services
from probe.app.session import Backends
from probe.engine.backend import Done, NoClients
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.model.facts import AddressSurvey, Route
from probe.model.greeting import Greeting
from probe.model.plan import USUAL_TIMING, AddressPlan, Plan, Timing
from probe.model.probing import Observation, Question, Reason, Role
from probe.model.target import Port, Protocol, TargetAddress

HERE, THERE, SILENT = (ip_address(f"127.0.0.{n}") for n in (1, 2, 3))
WEB, OTHER, SSH = (Port(Protocol.TCP, number) for number in (80, 8080, 22))


def plan(*addresses, timing: Timing = USUAL_TIMING) -> Plan:
    planned = (AddressPlan(TargetAddress(ip, "lan"), Route(ip), (WEB, OTHER), ()) for ip in addresses)
    return Plan(tuple(planned), timing, deadline=60.0)


@dataclass
class NotedClients(NoClients):
    """Clients that note each round of calls, and a clock that stands still."""

    rounds: list = field(default_factory=list)
    at: float = 100.0

    def greetings(self, calls):
        self.rounds.append([(call.address, call.port) for call in calls])
        return Done({(call.address, call.port): Greeting("HTTP/1.1 200 OK") for call in calls})

    def interrupted(self) -> bool:
        return interruption.requested()

    def now(self) -> float:
        return self.at


def context_of(clients: NotedClients, planned: Plan) -> ScanContext:
    return ScanContext(planned, Backends(clients, clients, clients=clients))


def seen(ip, port: Port, reason: Reason = Reason.SYN_ACK, **question) -> Observation:
    answered = None if reason is Reason.NO_RESPONSE else 1
    return Observation(Question(ip, port, **question), reason, attempts=1, answered=answered)


def test_they_are_asked_when_all_that_answer_have_answered():
    """A silent address is waited for long: services are asked meanwhile, and once."""
    clients = NotedClients()
    context = context_of(clients, plan(HERE, THERE, SILENT))
    early = EarlyInquiry(context)
    early.take([seen(HERE, WEB), seen(HERE, OTHER, Reason.RESET), seen(THERE, WEB)])
    assert clients.rounds == []  # there is one answer to come
    early.take([seen(THERE, OTHER, Reason.RESET)])
    assert clients.rounds == [[(HERE, WEB), (THERE, WEB)]]
    surveys = tuple(
        AddressSurvey(TargetAddress(ip, "lan"), (seen(ip, WEB), seen(ip, OTHER, Reason.RESET)))
        for ip in (HERE, THERE)
    )
    outcome = ask_services(Outcome(surveys, Counts(), 1.0, complete=True), context)
    assert len(clients.rounds) == 1
    assert [sorted(survey.greetings) for survey in outcome.surveys] == [[WEB], [WEB]]


def test_what_comes_later_is_asked_beside():
    """An address that answers late is asked in a round of its own, and nobody is asked twice."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, plan(HERE, THERE, SILENT)))
    early.take([seen(ip, port) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    early.take([seen(SILENT, port) for port in (WEB, OTHER)])
    assert clients.rounds == [
        [(HERE, WEB), (THERE, WEB), (HERE, OTHER), (THERE, OTHER)],
        [(SILENT, WEB), (SILENT, OTHER)],
    ]


def test_a_second_answer_of_a_port_is_no_second_address():
    """Silent ports are asked again: one address alone is nothing to compare, however often it answers."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, plan(HERE, THERE)))
    for _ in range(2):
        assert early.take([seen(HERE, WEB), seen(HERE, OTHER)])
    assert clients.rounds == []


@pytest.mark.parametrize("role", [Role.CONTROL, Role.CANARY])
def test_other_answers_count_for_nothing(role):
    """Controls, and questions about the distance, are no answers of the tested ports."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, plan(HERE, THERE)))
    early.take([seen(ip, port, role=role) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    early.take([seen(ip, port, ttl=1) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    assert clients.rounds == []


def test_others_do_not_wait_for_ssh():
    """What it sends first is waited for; they are asked meanwhile, and it is when that is known."""
    clients = NotedClients()
    planned = plan(HERE, THERE)
    ports = (*planned.addresses[0].tested, SSH)
    planned = structs.replace(
        planned, addresses=tuple(structs.replace(one, tested=ports) for one in planned.addresses)
    )
    context = context_of(clients, planned)
    early = EarlyInquiry(context)
    assert early.take([seen(ip, port) for ip in (HERE, THERE) for port in ports if port != SSH])
    assert len(clients.rounds) == 1
    assert context.begun.keyed == set()
    early.take([seen(ip, SSH) for ip in (HERE, THERE)])
    assert context.begun.keyed == {(HERE, SSH), (THERE, SSH)}


def test_under_a_cap_of_the_rate_nothing_begins_early():
    """The survey has the rate for itself."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, plan(HERE, THERE, timing=Timing(rate=100.0))))
    early.take([seen(ip, port) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    assert clients.rounds == []


def test_nothing_begins_after_a_signal(interrupt):
    """What was cut short ends at once."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, plan(HERE, THERE)))
    interrupt()
    early.take([seen(ip, port) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    assert clients.rounds == []


def test_nothing_begins_where_no_time_is_left():
    """Near the deadline of the scan there is no time for services."""
    clients = NotedClients()
    early = EarlyInquiry(context_of(clients, structs.replace(plan(HERE, THERE), deadline=3.0)))
    clients.at += 2.0
    early.take([seen(ip, port) for ip in (HERE, THERE) for port in (WEB, OTHER)])
    assert clients.rounds == []
