"""Commands run in this process: none of them may open raw sockets here, or give up what later tests need."""

from collections.abc import Iterator

import pytest
from scripted_doctor import ScriptedDoctor, scripted_doctor
from sudo_user import Home, home_of_the_user

MISSING = "CAP_NET_RAW is missing: ask for it"


@pytest.fixture(autouse=True)
def without_raw_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("probe.backends.privilege.missing", lambda: MISSING)
    monkeypatch.setattr("probe.backends.privilege.held", lambda: False)
    monkeypatch.setattr("probe.backends.privilege.gain_none", refuse)
    monkeypatch.setattr("probe.backends.privilege.drop", refuse)
    monkeypatch.setattr("probe.backends.raw.open_raw", refuse)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ScriptedDoctor:
    return scripted_doctor(monkeypatch)


@pytest.fixture
def home() -> Iterator[Home]:
    with home_of_the_user() as home:
        yield home
