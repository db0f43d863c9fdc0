"""Commands run in this process: none of them may open raw sockets here, or give up what later tests need."""

import pytest
from scripted_doctor import Scripted, scripted_doctor

MISSING = "CAP_NET_RAW is missing: ask for it"


@pytest.fixture(autouse=True)
def without_raw_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("probe.engine.privilege.missing", lambda: MISSING)
    monkeypatch.setattr("probe.engine.privilege.held", lambda: False)
    monkeypatch.setattr("probe.engine.privilege.gain_none", refuse)
    monkeypatch.setattr("probe.engine.privilege.drop", refuse)
    monkeypatch.setattr("probe.engine.raw.open_raw", refuse)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    return scripted_doctor(monkeypatch)
