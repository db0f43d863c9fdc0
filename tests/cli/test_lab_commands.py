"""The lab's commands in this process: scenarios in memory."""

import json
from pathlib import Path
from typing import NoReturn

import pytest

from probe.cli.main import main
from probe.cli.options import WorldKind
from probe.cli.scenarios import chosen
from probe.errors import BackendError
from probe.lab.files import scenario_paths
from probe.lab.result import CheckResult
from probe.lab.scenario import parse_scenario


def test_lab_lists_and_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios are listed with their subject; one that holds exits with 0, one that does not with 1."""
    assert main(["lab", "list"]) == 0
    assert "loopback-only" in capsys.readouterr().out
    assert main(["lab", "run", "loopback-only"]) == 0
    assert "0 failed" in capsys.readouterr().out
    monkeypatch.setattr("probe.lab.result.CheckResult.ok", property(lambda _: False))
    assert main(["lab", "run", "loopback-only"]) == 1


def test_the_lab_passes_the_engine_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw packets are sent where they are asked for, and only there."""
    engines = []

    def spy(*_: object, engine: str) -> NoReturn:
        engines.append(engine)
        raise BackendError("seen")

    monkeypatch.setattr("probe.cli.scenarios.check", spy)
    for wanted in ("raw", "connect", "auto"):
        assert main(["lab", "run", "demo", "--engine", wanted]) == BackendError.exit_code
    assert engines == ["raw", "connect", "connect"]


def test_lab_runs_only_what_fits_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    """Without names, scenarios that a kind of world cannot hold are left out, and named unless -q."""
    everything = chosen((), WorldKind.SIM, quiet=False)
    assert all("sim" in scenario.worlds for scenario in everything)
    err = capsys.readouterr().err
    chosen((), WorldKind.SIM, quiet=True)
    assert capsys.readouterr().err == ""
    assert all(line.startswith("not run in sim") for line in err.splitlines())


def test_lab_reports_why_there_are_no_tunnels(
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


def test_lab_reports_why_there_are_no_services(
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
    """An installation without scenario files is reported as one."""
    monkeypatch.setattr("probe.cli.scenarios.scenario_paths", dict)
    assert main(["lab", "list"]) == 2
    assert "no scenario files" in capsys.readouterr().err


def test_results_as_json_show_what_broke(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON, one scenario that cannot be measured does not lose the others; as text it is an error."""

    def breaks(*_: object, **__: object) -> CheckResult:
        raise BackendError("the hosts do not get ready")

    monkeypatch.setattr("probe.cli.scenarios.check", breaks)
    assert main(["lab", "run", "demo", "loopback-only", "--json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    assert [(one["scenario"], one["ok"], one["error"]) for one in results] == [
        ("demo", False, "the hosts do not get ready"),
        ("loopback-only", False, "the hosts do not get ready"),
    ]
    assert main(["lab", "run", "demo"]) == 3


def test_a_scenario_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file is run like those that came along; containers have none of it in their image."""
    mine = tmp_path / "mine.yaml"
    mine.write_bytes(scenario_paths()["loopback-only"].read_bytes())
    assert main(["lab", "run", str(mine)]) == 0
    assert "0 failed" in capsys.readouterr().out
    assert main(["lab", "run", str(mine), "--world", "compose"]) == 2
    assert main(["lab", "run", str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_the_report_of_a_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """`--show` prints what the scan reports, as a table or as JSON."""
    assert main(["lab", "run", "loopback-only", "--show"]) == 0
    assert "verdict" in capsys.readouterr().out
    assert main(["lab", "run", "loopback-only", "--show", "--json", "--engine", "raw"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["engine"] == "raw"
    assert document["ports"]


@pytest.mark.parametrize("name", ["table", "score"])
def test_grading_is_no_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It belongs to the tests."""
    assert main(["lab", name]) == 2
    assert name in capsys.readouterr().err
