"""The lab's commands in this process: scenarios and scores of worlds in memory."""

from typing import NoReturn

import pytest

from probe.cli.main import main
from probe.cli.options import WorldKind
from probe.cli.scenarios import chosen
from probe.errors import BackendError
from probe.lab.scenario import parse_scenario


def test_lab_lists_and_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios are listed with their subject; one that holds exits with 0, one that does not with 1."""
    assert main(["lab", "list"]) == 0
    assert "loopback-only" in capsys.readouterr().out
    assert main(["lab", "run", "loopback-only"]) == 0
    assert "0 failed" in capsys.readouterr().out
    monkeypatch.setattr("probe.lab.result.CheckResult.ok", property(lambda _: False))
    assert main(["lab", "run", "loopback-only"]) == 1


@pytest.mark.parametrize(
    ("command", "told"), [(["run", "demo"], "check"), (["score", "--worlds", "1", "--world", "sim"], "score")]
)
def test_the_lab_passes_the_engine_on(command: list[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw packets are sent where they are asked for, and only there."""
    engines = []

    def spy(*arguments: object, engine: str = "") -> NoReturn:
        engines.append(engine or arguments[2])
        raise BackendError("seen")

    monkeypatch.setattr(
        {"check": "probe.cli.scenarios.check", "score": "probe.lab.score.run.score"}[told], spy
    )
    for wanted in ("raw", "connect", "auto"):
        assert main(["lab", *command, "--engine", wanted]) == BackendError.exit_code
    assert engines == ["raw", "connect", "connect"]


def test_lab_runs_only_what_fits_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    """Without names, scenarios that a kind of world cannot hold are left out, and named unless -q."""
    everything = chosen((), WorldKind.SIM, quiet=False)
    assert all("sim" in scenario.worlds for scenario in everything)
    err = capsys.readouterr().err
    chosen((), WorldKind.SIM, quiet=True)
    assert capsys.readouterr().err == ""
    assert all(line.startswith("not run in sim") for line in err.splitlines())


def test_lab_says_why_there_are_no_tunnels(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this machine has no tunnels, scenarios that need one are left out with the reason."""
    document = {"about": "x", "addresses": ["vpn"], "scan": {"ports": "80"}, "expect": {}}
    tunnel = parse_scenario("tunnel", {**document, "vpn": {"kind": "openvpn"}})
    plain = parse_scenario("plain", document)
    monkeypatch.setattr("probe.cli.scenarios.every_scenario", lambda: [plain, tunnel])
    asked: list[str | None] = ["not installed: openvpn", None]
    monkeypatch.setattr("probe.lab.netns.tunnels.vpn_available", lambda kind: asked.pop(0))
    assert chosen((), WorldKind.NETNS, quiet=False) == [plain]
    assert capsys.readouterr().err == "not run in netns: tunnel (not installed: openvpn)\n"
    assert chosen((), WorldKind.NETNS, quiet=False) == [plain, tunnel]


def test_lab_says_why_there_are_no_services(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this machine lacks their packages, scenarios with real services are left out with the reason."""
    document = {"about": "x", "addresses": ["lan"], "scan": {"ports": "80"}, "expect": {}}
    services = [{"kind": "redis", "bind": ["lan"]}]
    real = parse_scenario("real", {**document, "target": {"services": services}})
    monkeypatch.setattr("probe.cli.scenarios.every_scenario", lambda: [real])
    asked: list[str | None] = ["not installed: redis-server", None]
    monkeypatch.setattr("probe.lab.netns.daemons.daemons_available", lambda kinds: asked.pop(0))
    assert chosen((), WorldKind.NETNS, quiet=False) == []
    assert capsys.readouterr().err == "not run in netns: real (not installed: redis-server)\n"
    assert chosen((), WorldKind.NETNS, quiet=False) == [real]
    assert chosen((), WorldKind.SIM, quiet=False) == [real]


def test_lab_without_scenarios(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An installation without scenario files says so."""
    monkeypatch.setattr("probe.cli.scenarios.scenario_paths", dict)
    assert main(["lab", "list"]) == 2
    assert "no scenario files" in capsys.readouterr().err


def test_lab_scores(capsys: pytest.CaptureFixture[str]) -> None:
    """One random world in memory is graded."""
    assert main(["lab", "score", "--worlds", "1", "--world", "sim", "--engine", "auto"]) == 0
    assert "1 random worlds from seed 1, world sim, engine connect" in capsys.readouterr().out
