"""`bindprobe infer`: from saved reports to verdicts in every format, and what is wrong with other files."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from probe.app.scan import Reporting, scan
from probe.cli.main import main
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.report.as_json import render_json

TOP = Path(__file__).parents[2]
FORMATS = ("--json", "--ndjson", "--csv", "--md", "--picture")


def save(folder: Path, vantage: str) -> Path:
    """The report of a scan of the demo, saved as `scan --json -o` does."""
    with open_world(find_scenario("demo"), "sim") as world:
        report = scan(world.target, Timing(), backends_of(world, "connect"), how=Reporting(vantage=vantage))
    path = folder / f"{vantage}.json"
    path.write_text(render_json(report))
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save(tmp_path, "laptop")


def test_the_report_is_printed_again(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON is the one that was read, byte by byte."""
    assert main(["infer", str(saved), "--json"]) == 0
    assert capsys.readouterr().out == saved.read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form: str, saved: Path, tmp_path: Path) -> None:
    """Formats and -o are those of a scan."""
    out = tmp_path / "out"
    assert main(["infer", str(saved), form, "-o", str(out)]) == 0
    assert "3306" in out.read_text()


def test_from_stdin(saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A report may come by a pipe."""
    with saved.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["infer", "-"]) == 0
    assert "3306/tcp" in capsys.readouterr().out


def test_strictly(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was judged as usual may be judged strictly: an open question ends with 5."""
    assert main(["infer", str(saved), "--strict", "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["facts"]["strict"] is True


def test_redacted(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No address of the report is printed, and the verdicts are."""
    assert main(["infer", str(saved), "--redact", "--json"]) == 0
    text = capsys.readouterr().out
    before, after = json.loads(saved.read_text()), json.loads(text)
    assert not [a["address"] for a in before["addresses"] if f'"{a["address"]}"' in text]
    assert "laptop" not in text
    assert [p["binding"] for p in after["ports"]] == [p["binding"] for p in before["ports"]]


def test_two_vantages(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reports from two places are one report."""
    assert main(["infer", str(saved), str(save(tmp_path, "office")), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [m["vantage"] for m in report["measurements"]] == ["laptop", "office"]


def changed(path: Path, **parts: object) -> Path:
    other = path.with_name("other.json")
    other.write_bytes(msgspec.json.encode(json.loads(path.read_text()) | parts))
    return other


WRONG = [
    ({"schema": "bindprobe.report/1"}, "written by another version of bindprobe"),
    ({"schema": "bindprobe.doctor/1"}, "no bindprobe.report/2 report"),
    ({"schema": "bindprobe.doctor/2"}, "is no bindprobe report: "),
    ({"measurements": []}, "a report has no measurements to infer from"),
    ({"measurements": [{"version": 1}]}, "is no bindprobe report: Object missing required field"),
    ({"facts": {"running": "nosuch"}}, "'nosuch' is no port"),
]


@pytest.mark.parametrize(("parts", "message"), WRONG)
def test_what_is_no_report(
    parts: dict[str, object], message: str, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line, and exit code 2."""
    assert main(["infer", str(changed(saved, **parts))]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1


def test_one_vantage_twice(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two reports of one vantage would count every answer twice."""
    assert main(["infer", str(saved), str(saved)]) == 2
    assert "two measurements are of the vantage 'laptop'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The doctor's report on this machine's own loopback address; its process gives up privileges."""
    path = tmp_path_factory.mktemp("doctor") / "doctor.json"
    argv = ["doctor", "127.0.0.1", "--timeout", "0.2", "--json", "-q", "-o", str(path)]
    done = subprocess.run([sys.executable, "-m", "probe", *argv], cwd=TOP, timeout=60, check=False)
    assert done.returncode in {0, 1}
    return path


def test_what_the_doctor_measured(examined: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its report is printed again, byte by byte, with the exit code that it had."""
    report = json.loads(examined.read_text())
    assert main(["infer", str(examined), "--json"]) == (0 if report["well"] else 1)
    assert capsys.readouterr().out == examined.read_text()
    main(["infer", str(examined)])
    assert "127.0.0.1" in capsys.readouterr().out


def test_a_doctors_report_has_two_formats(examined: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are tables of ports."""
    assert main(["infer", str(examined), "--csv"]) == 2
    assert "no format csv" in capsys.readouterr().err


def test_a_doctors_report_alone(examined: Path, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not merged with others."""
    assert main(["infer", str(examined), str(saved)]) == 2
    assert "give one file" in capsys.readouterr().err
