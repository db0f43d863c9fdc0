"""Backends for who watches: what answers as it should is asked once in a while, all else each time."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest

from probe.engine.backend import Done, NoClients
from probe.engine.sparing import HEALTHY_S, SparingBackend, SparingClients
from probe.model.exam import MtuTrial, Transfer
from probe.model.greeting import Approach, Call, Greeting
from probe.model.machine import Resolvers
from probe.model.probing import Aftermath, Probe, Question, Reason, Reply, Role
from probe.model.target import Port, Protocol

HOST = ip_address("192.168.77.10")
SSH, WEB, DNS = Port(Protocol.TCP, 22), Port(Protocol.TCP, 80), Port(Protocol.UDP, 53)


class TableBackend:
    """Answers each port as a table has it, 0.01 s after the probe was sent; notes what it was sent."""

    capacity = 7

    def __init__(self, reasons: dict[Port, Reason]) -> None:
        self.reasons = reasons
        self.time = 0.0
        self.sent: list[Port] = []
        self.forgotten: list[frozenset[int]] = []
        self.closed = False
        self._replies: list[Reply] = []

    def now(self) -> float:
        return self.time

    def send(self, probe: Probe) -> float:
        port = probe.question.port
        self.sent.append(port)
        reason = self.reasons[port]
        self._replies.append(Reply(probe.id, reason, self.time + 0.01, HOST))
        if reason is Reason.SYN_ACK:
            self._replies.append(Reply(probe.id, reason, self.time + 0.02, HOST, aftermath=Aftermath.HELD))
        return self.time

    def receive(self, until: float) -> Sequence[Reply]:
        del until
        replies, self._replies = self._replies, []
        return replies

    def interrupted(self) -> bool:
        return True

    def forget(self, probe_ids: frozenset[int]) -> None:
        self.forgotten.append(probe_ids)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def table() -> TableBackend:
    return TableBackend({SSH: Reason.SYN_ACK, WEB: Reason.RESET, DNS: Reason.UDP_RESPONSE})


def asked(backend: SparingBackend, numbers: Iterator[int], role: Role = Role.TESTED) -> list[Reply]:
    """Ask every port once, and forget it."""
    probes = [Probe(next(numbers), Question(HOST, port, role)) for port in (SSH, WEB, DNS)]
    for probe in probes:
        backend.send(probe)
    replies = [*backend.receive(1.0), *backend.receive(1.0)]
    backend.forget(probe.id for probe in probes)
    return replies


def test_what_accepted_is_asked_once_in_a_minute(table: TableBackend) -> None:
    """In later rounds its replies are those of before, for the new probe; the others are asked each time."""
    backend, numbers = SparingBackend(table), iter(range(100))
    first = asked(backend, numbers)
    backend.begin_round()
    table.time = 30.0
    again = asked(backend, numbers, Role.CONTROL)
    assert table.sent == [SSH, WEB, DNS, WEB, DNS]
    assert [(r.probe_id - 3, r.reason, r.aftermath) for r in again] == [
        (r.probe_id, r.reason, r.aftermath) for r in first
    ]
    assert {r.at for r in again if r.reason is Reason.SYN_ACK} == {30.0}
    backend.begin_round()
    table.time = HEALTHY_S
    asked(backend, numbers)
    assert table.sent[5:] == [SSH, WEB, DNS]


def test_its_round_trip_is_kept(table: TableBackend) -> None:
    """An answer from memory seems to have been sent one round trip ago."""
    backend, numbers = SparingBackend(table), iter(range(100))
    asked(backend, numbers)
    backend.begin_round()
    table.time = 10.0
    assert backend.send(Probe(50, Question(HOST, SSH))) == pytest.approx(9.99)


def test_within_a_round_all_is_asked(table: TableBackend) -> None:
    """A repeat is there to see a change."""
    backend, numbers = SparingBackend(table), iter(range(100))
    asked(backend, numbers)
    asked(backend, numbers)
    assert table.sent.count(SSH) == 2


def test_a_port_that_closed_is_forgotten(table: TableBackend) -> None:
    """After its minute it is asked, and from then on each time."""
    backend, numbers = SparingBackend(table), iter(range(100))
    asked(backend, numbers)
    table.reasons[SSH] = Reason.RESET
    for second in (HEALTHY_S, HEALTHY_S + 1):
        backend.begin_round()
        table.time = second
        asked(backend, numbers)
    assert table.sent.count(SSH) == 3


def test_what_is_forgotten_brings_nothing(table: TableBackend) -> None:
    """A reply from memory that nobody waits for any more; the rest is the backend's own."""
    backend, numbers = SparingBackend(table), iter(range(100))
    asked(backend, numbers)
    backend.begin_round()
    backend.send(Probe(77, Question(HOST, SSH)))
    backend.forget([77])
    assert backend.receive(1.0) == []
    assert table.forgotten[-1] == {77}
    assert (backend.capacity, backend.interrupted(), backend.now()) == (7, True, 0.0)
    backend.close()
    assert table.closed


class CountingClients(NoClients):
    """Notes which open ports it is asked to meet; the first brings something."""

    def __init__(self) -> None:
        self.met: list[object] = []

    def try_mtu(self, ports):
        self.met.append(dict(ports))
        trial = MtuTrial(SSH, Transfer.ARRIVED, Transfer.ARRIVED, 1448)
        return Done({ip: trial for ip in ports if ip == HOST})

    def keys(self, wanted):
        self.met.append(list(wanted))
        return Done({one: () for one in wanted if one[1] == SSH})

    def greetings(self, calls):
        self.met.append(list(calls))
        return Done({(c.address, c.port): Greeting("hello") for c in calls if c.port == SSH})


def test_services_are_met_once_in_a_minute() -> None:
    """What they brought stands; one that brought nothing is not met again either."""
    inner, clock = CountingClients(), [0.0]
    clients = SparingClients(inner, lambda: clock[0])
    other = ip_address("10.88.0.10")
    calls = [Call(HOST, port, Approach.LISTEN) for port in (SSH, WEB)]
    ends = [(HOST, SSH), (HOST, WEB)]
    for second, met in ((0.0, 3), (59.0, 0), (60.0, 3)):
        clock[0] = second
        inner.met.clear()
        tasks = [clients.try_mtu({HOST: SSH, other: WEB}), clients.keys(ends), clients.greetings(calls)]
        clients.wait(tasks)
        trials, keys, greetings = (task.result() for task in tasks)
        assert (list(trials or {}), keys, list(greetings or {})) == ([HOST], {(HOST, SSH): ()}, [(HOST, SSH)])
        assert len(inner.met) == met
    inner.met.clear()
    clients.try_mtu({HOST: WEB}).result()
    assert inner.met == [{HOST: WEB}]


class Endless(NoClients):
    """Nothing that it begins ends."""

    def keys(self, wanted):
        del wanted
        return Done(None)


def test_a_result_that_is_not_there_yet() -> None:
    """Is none, and nothing is remembered."""
    assert SparingClients(Endless(), lambda: 0.0).keys([(HOST, SSH)]).result() is None


def test_all_else_is_passed_on() -> None:
    """Names and ping cost nobody a connection."""
    clients = SparingClients(NoClients(), lambda: 0.0)
    tasks = [
        clients.ping([HOST]),
        clients.look_up(["a.test"], [4]),
        clients.ask_name_servers(["a.test"], Resolvers()),
    ]
    assert [task.result() for task in tasks] == [{}, {}, {}]
