"""The page on the library: its examples run, in their order, on a network in memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import probe
from probe.app.session import Session
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def refuse(*_: object) -> None:
    raise AssertionError("an example leaves the network in memory")


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Sessions are of the demo's network; what engines they were opened with."""
    asked: list[object] = []

    @contextmanager
    def open_session(engine: object = "auto") -> Iterator[Session]:
        asked.append(engine)
        with open_world(find_scenario("demo"), "sim") as world:
            yield Session(backends_of(world, "connect"), reader=world.reader)

    for module in ("scan", "checkup", "session"):
        monkeypatch.setattr(f"probe.app.{module}.open_session", open_session)
    monkeypatch.setitem(probe.__dict__, "open_session", open_session)
    monkeypatch.setattr("probe.backends.connect.ConnectBackend", refuse)
    monkeypatch.setattr("probe.backends.system_host.SystemHost", refuse)
    return asked


def test_every_example_runs(
    in_memory: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Each does what it asserts, and prints what it prints."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, example in enumerate(EXAMPLES):
        exec(compile(example, f"example {number}", "exec"), names)  # noqa: S102 - that is what is tested
    out, err = capsys.readouterr()
    assert "'0x16'" in out
    assert "443/tcp" in out
    assert err == ""
    assert len(in_memory) >= len(EXAMPLES) - 1
    assert names["first"].ports == names["again"].ports


def test_every_public_name_is_on_the_page() -> None:
    """What can be imported is in the table, and nothing else is imported from the package."""
    public = {name for name in probe.__all__ if not name.startswith("_")}
    lines = re.findall(r"^from probe import (.+)", "".join(EXAMPLES), re.MULTILINE)
    imported = {name.strip() for line in lines for name in line.split(",")}
    table = set(re.findall(r"`(\w+)", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert table == public
    assert imported <= public


def test_five_lines_are_enough() -> None:
    """The first example, blank lines aside."""
    assert len([line for line in EXAMPLES[0].splitlines() if line]) == 4
