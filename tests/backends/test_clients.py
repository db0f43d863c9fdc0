"""The clients of this machine: begun together, awaited together, and ended by a signal."""

import threading
from contextlib import closing
from ipaddress import ip_address

import pytest

from probe.backends import host_keys, ping
from probe.backends.clients import SystemClients
from probe.engine.backend import Done, NoClients
from probe.model.exam import Echo
from probe.model.machine import Resolvers
from probe.model.probing import Reason

HERE = ip_address("127.0.0.1")
ECHO = Echo(Reason.ECHO_REPLY, 1, 0.01, HERE)


def test_nothing_asked_nothing_found() -> None:
    """Every client is at hand, and has nothing to do."""
    with closing(SystemClients()) as clients:
        tasks = (
            clients.ping([]),
            clients.try_mtu({}),
            clients.ask_name_servers([], Resolvers()),
            clients.keys([]),
            clients.greetings([]),
        )
        clients.wait(tasks)
        assert [task.result() for task in tasks] == [{}] * 5


def test_a_task_goes_on_beside_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no result until it has ended, and two of them wait for each other."""
    both = threading.Barrier(2, timeout=5)
    go_on = threading.Event()

    def meet(asked, **_):
        both.wait()
        go_on.wait(5)
        return {HERE: ECHO}

    monkeypatch.setattr(ping, "ping", meet)
    monkeypatch.setattr(host_keys, "read_keys", meet)
    with closing(SystemClients()) as clients:
        tasks = clients.ping([HERE]), clients.keys([])
        assert tasks[0].result() is None
        go_on.set()
        clients.wait(tasks)
        assert [task.result() for task in tasks] == [{HERE: ECHO}] * 2


def test_what_breaks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the work is raised where its result is taken."""

    def broken(asked):
        raise ValueError("broken")

    monkeypatch.setattr(ping, "ping", broken)
    with closing(SystemClients()) as clients:
        task = clients.ping([HERE])
        clients.wait([task])
        with pytest.raises(ValueError, match="broken"):
            task.result()


def test_a_signal_ends_the_wait(monkeypatch: pytest.MonkeyPatch, interrupt) -> None:
    """What has not ended a moment after it is left behind, without a result."""
    go_on = threading.Event()
    monkeypatch.setattr(ping, "ping", lambda asked: go_on.wait(20))
    with closing(SystemClients()) as clients:
        task = clients.ping([HERE])
        interrupt()
        clients.wait([task])
        assert task.result() is None
    go_on.set()


def test_no_clients_measure_nothing() -> None:
    """Their tasks have ended, with nothing; those of others end at once as well."""
    clients = NoClients()
    tasks = (
        clients.ping([HERE]),
        clients.try_mtu({}),
        clients.look_up(["a.test"], (4, 6)),
        clients.ask_name_servers(["a.test"], Resolvers()),
        clients.keys([]),
        clients.greetings([]),
    )
    clients.wait(tasks)
    assert [task.result() for task in tasks] == [{}] * 6
    assert Done(3).result() == 3
