"""`bindprobe diff`: exit codes and formats."""

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec import json as msgspec_json

from probe.app.scan import scan
from probe.cli.main import main
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.report.as_json import render_json


def save(path: Path, scenario: str) -> str:
    with open_world(find_scenario(scenario), "sim") as world:
        path.write_text(render_json(scan(world.target, Timing(), backends_of(world, "connect"))))
    return str(path)


def test_nothing_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two scans of one host end with 0."""
    old, new = save(tmp_path / "old", "demo"), save(tmp_path / "new", "demo")
    assert main(["diff", old, new]) == 0
    assert capsys.readouterr().out.startswith("Nothing changed between ")


def test_something_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of another host end with 1; the JSON meets its schema."""
    old, new = save(tmp_path / "old", "demo"), save(tmp_path / "new", "container-published")
    out = tmp_path / "out"
    assert main(["diff", old, new, "-o", str(out)]) == 1
    assert "8080/tcp (http-alt) opened on 192.168.77.10, 10.88.0.10" in " ".join(out.read_text().split())
    assert main(["diff", old, new, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["differences"][0]["rule"] == "opened"
    assert main(["schema", "--diff"]) == 0
    jsonschema.validate(document, msgspec_json.decode(capsys.readouterr().out))


@pytest.mark.parametrize("names", [("same", "same"), ("same", "missing"), ("missing", "same")])
def test_what_is_no_pair(names: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One file twice, or one that cannot be read: 2, in one line."""
    save(tmp_path / "same", "demo")
    assert main(["diff", *(str(tmp_path / name) for name in names)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
