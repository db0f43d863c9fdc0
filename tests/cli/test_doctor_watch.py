"""`bindprobe doctor --watch` with a scripted examination: what it prints, and when it ends."""

import json
from collections.abc import Callable
from ipaddress import ip_address

import pytest
from scripted_doctor import ScriptedDoctor, document_of, look_up, run

from probe.engine.backend import Done
from probe.model.diagnosis import Cause
from probe.model.exam import NameAnswer


def test_watch(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """The first report, then a line for each change; the number is the pause, but where all is well."""
    script.causes["10.88.0.10"] = [Cause.TUNNEL_STALE, Cause.TUNNEL_STALE, Cause.NONE]
    code, out, err = run(capsys, "--vpn", "10.88.0.10", "--watch", "3")
    assert (code, err) == (130, "")
    assert out.startswith("10.88.0.10  vpn  clear")
    first, _, changes = out.partition("0 of 1 address is well; 1.5 s\n")
    assert "tunnel-stale" in first
    assert changes[8:] == "  10.88.0.10  tunnel-stale -> none\n"
    assert [one for one in script.asked if isinstance(one, float)] == [3.0, 3.0, 60.0]


def test_watch_for_programs(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line: the whole report, then each change."""
    script.causes["10.88.0.10"] = [Cause.TUNNEL_STALE, Cause.NONE]
    code, out, _ = run(capsys, "--vpn", "10.88.0.10", "--watch", "--json")
    report, change = out.splitlines()
    assert (code, document_of(report)["well"]) == (130, False)
    assert json.loads(change)["schema"] == "bindprobe.doctor-change/1"
    assert json.loads(change)["well"] is True


def test_watch_sees_names_come_and_go(
    script: ScriptedDoctor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are looked up each time; without any address it goes on with this machine alone."""
    answers = iter([["192.168.77.10"], [], ["192.168.77.11"]])

    def change(clients: object, names, families) -> Done:
        found = tuple(map(ip_address, next(answers)))
        return (
            Done(dict.fromkeys(names, NameAnswer(None, found))) if found else look_up(None, names, families)
        )

    script.causes["192.168.77.10"] = [Cause.DNS]
    monkeypatch.setattr("probe.backends.clients.SystemClients.look_up", change)
    code, out, _ = run(capsys, "moving.example.org", "--watch")
    assert code == 130
    assert [line[10:] for line in out.splitlines()[-6:]] == [
        "name moving.example.org  ok -> fail",
        "moving.example.org  absent -> dns",
        "192.168.77.10  dns -> absent",
        "name moving.example.org  fail -> ok",
        "192.168.77.11  absent -> none",
        "moving.example.org  dns -> absent",
    ]


def test_ctrl_c_in_a_pause(
    script: ScriptedDoctor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    interrupt: Callable[..., None],
) -> None:
    """The watch ends with 130; what was printed stays."""
    script.causes["10.88.0.10"] = [Cause.DNS]
    monkeypatch.setattr("probe.interruption.sleep", interrupt)
    code, out, err = run(capsys, "10.88.0.10", "--watch")
    assert (code, err) == (130, "")
    assert "dns: " in out
