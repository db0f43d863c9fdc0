"""Names looked up by the system's resolver, which is scripted: no test asks a name server."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_address

import pytest

from probe import interruption
from probe.backends import resolver
from probe.backends.clients import SystemClients
from probe.engine.backend import LOOKUP_S, Done
from probe.model.exam import NameAnswer
from probe.model.unread import NameFailureRule

BOTH = (4, 6)
Script = Callable[[object], list[tuple]]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Script the resolver: what it answers or raises, and what it was asked."""
    asked = []

    def script(outcome: object) -> list[tuple]:
        def getaddrinfo(*arguments):
            asked.append(arguments)
            if isinstance(outcome, Exception):
                raise outcome
            return [(None, None, None, "", (text, 0)) for text in outcome]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return script


def looked_up(*names: str, families=BOTH) -> dict[str, NameAnswer]:
    with closing(SystemClients()) as clients:
        task = clients.look_up(names, families)
        clients.wait([task])
        return dict(task.result() or {})


def test_names_keep_the_order_and_lose_doubles(scripted: Script) -> None:
    """Every address of both families once, in the resolver's order; the answer is the system's own."""
    scripted(["2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2"])
    found = tuple(map(ip_address, ("2001:db8::1", "192.0.2.1", "192.0.2.2")))
    assert looked_up("server.example") == {"server.example": NameAnswer(None, found)}


def test_no_name_is_asked_for_twice(scripted: Script) -> None:
    """A name that is given twice is one question; without any there is none, and no wait."""
    asked = scripted(["192.0.2.1"])
    assert list(looked_up("a.example", "b.example", "a.example")) == ["a.example", "b.example"]
    assert len(asked) == 2
    assert looked_up() == {}


@pytest.mark.parametrize(
    ("families", "asked_for"),
    [((4, 6), socket.AF_UNSPEC), ((4,), socket.AF_INET), ((6,), socket.AF_INET6)],
)
def test_only_wanted_families_are_asked_for(families, asked_for, scripted: Script) -> None:
    """The resolver is asked for what the options leave, and for the name as it is, its dot included."""
    asked = scripted(["192.0.2.1"])
    looked_up("server.example.", families=families)
    assert asked[0][0] == "server.example."
    assert asked[0][2] == asked_for


@pytest.mark.parametrize(
    ("error", "rule", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), NameFailureRule.NO_SUCH_NAME, None),
        (socket.gaierror(socket.EAI_AGAIN, "later"), NameFailureRule.NO_ANSWER, None),
        (socket.gaierror(socket.EAI_FAIL, "failed"), NameFailureRule.UNREACHABLE, "failed"),
    ],
)
def test_names_that_lead_nowhere(error, rule, code, scripted: Script) -> None:
    """Unknown, unanswered and an error of the resolver's are kept apart."""
    scripted(error)
    answer = looked_up("server.example")["server.example"]
    assert (answer.server, answer.addresses) == (None, ())
    assert answer.failure is not None
    assert (answer.failure.rule, answer.failure.code) == (rule, code)


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up while the system still waits; what other names have by then stays."""
    answered = threading.Event()

    def getaddrinfo(name: str, *_: object) -> list:
        if name == "box.test":
            answered.wait()
        return [(None, None, None, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(resolver, "LOOKUP_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    began = time.monotonic()
    try:
        found = looked_up("box.test", "known.test")
    finally:
        answered.set()
    assert 0.2 <= time.monotonic() - began < LOOKUP_S
    assert found["known.test"].addresses == (ip_address("192.0.2.1"),)
    assert found["box.test"].failure is not None
    assert found["box.test"].failure.rule is NameFailureRule.NO_ANSWER


def test_names_are_looked_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names whose server is silent are waited for together; more than 16 in turns, and none is forgotten."""
    begun = threading.Barrier(16, timeout=10)

    def getaddrinfo(name: str, *_: object) -> list:
        if int(name) < 16:
            begun.wait()
        return [(None, None, None, "", (f"192.0.2.{name}", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = looked_up(*map(str, range(40)))
    assert [str(one.addresses[0]) for one in found.values()] == [f"192.0.2.{n}" for n in range(40)]


def test_a_signal_ends_the_wait(monkeypatch: pytest.MonkeyPatch, interrupt: Callable[..., None]) -> None:
    """There is no result then, and the threads hold up nobody."""
    over = threading.Event()

    def getaddrinfo(*_: object) -> list:
        interrupt()
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    began = time.monotonic()
    try:
        assert looked_up("box.test") == {}
    finally:
        over.set()
    assert interruption.requested()
    assert time.monotonic() - began < LOOKUP_S


def test_other_tasks_are_waited_for_too(scripted: Script) -> None:
    """A look-up, the task of a pool and one that has ended."""
    scripted(["192.0.2.1"])
    with closing(SystemClients()) as clients:
        tasks = (clients.look_up(["a.example"], BOTH), clients.ping([]), Done({}))
        clients.wait(tasks)
        assert [len(task.result() or {}) for task in tasks] == [1, 0, 0]
