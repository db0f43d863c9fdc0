"""Asking the system's own tools: what they report, why they do not, and never for long."""

import os
import sys
from pathlib import Path

import pytest

from probe.machine import tools
from probe.machine.tools import ToolFailure, ToolOutput, ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tools of these tests are shell scripts")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place in PATH for a tool, and its name."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ.get('PATH', os.defpath)}")
    return tmp_path / "some-tool"


def script(path: Path, text: str, mode: int = 0o755) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)


SAYINGS = [
    ("echo out; echo in between >&2", ToolOutput("out\n", "in between\n")),
    (
        "echo part; echo; echo 'wrong word' >&2; exit 1",
        ToolOutput("part\n\n", "wrong word", ToolFailure.FAILED),
    ),
    ("exit 3", ToolOutput("", "exit code 3", ToolFailure.FAILED)),
    (
        "echo 'Operation not permitted (you must be root)' >&2; exit 1",
        ToolOutput("", "Operation not permitted (you must be root)", ToolFailure.NOT_PERMITTED),
    ),
    ("echo Permission denied >&2; exit 1", ToolOutput("", "Permission denied", ToolFailure.NOT_PERMITTED)),
    ("echo $LC_ALL", ToolOutput("C\n")),
    ("cat", ToolOutput("")),
    ("printf '\\377'", ToolOutput("\N{REPLACEMENT CHARACTER}")),
]


@pytest.mark.parametrize(("text", "expected"), SAYINGS)
def test_what_a_tool_reports(tool: Path, text: str, expected: ToolOutput) -> None:
    """Its output, and where it failed, the kind of failure with its own complaint."""
    script(tool, text)
    assert ask([tool.name]) == expected


def test_what_is_not_kept_is_nowhere(tool: Path) -> None:
    """What `keep` takes out of the output is in no part of the answer."""
    script(tool, "echo known secret; echo part >&2; exit 1")
    answer = ask([tool.name], keep=lambda text: text.replace("secret", "-"))
    assert answer == ToolOutput("known -\n", "part", ToolFailure.FAILED)
    assert "secret" not in repr(answer)


def test_first_line_has_the_reason() -> None:
    """A complaint of many lines is reported by its first one with words."""
    assert ToolOutput("", "\n  first \nsecond").why == "first"
    assert not ToolOutput("out").why


def test_words_are_no_shell_words(tool: Path) -> None:
    """What is asked reaches the tool as it is."""
    script(tool, 'printf "%s|" "$@"')
    assert ask([tool.name, "a b", "$HOME", ";", "*"]).output == "a b|$HOME|;|*|"


def test_absent_tool() -> None:
    """A tool that is not there is an answer too."""
    answer = ask(["no-such-tool-of-any-system"])
    assert answer.failure is ToolFailure.ABSENT
    assert answer.why == "no-such-tool-of-any-system is not installed"


def test_file_that_is_no_program(tool: Path) -> None:
    """A file in PATH that the kernel cannot run is a failure of that tool, no error here."""
    tool.write_bytes(b"\x7fELF")
    tool.chmod(0o755)
    assert ask([tool.name]).failure is ToolFailure.FAILED


def test_program_that_may_not_be_run(tool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that the kernel will not let us run is one that is not permitted."""
    script(tool, "true", mode=0o644)
    monkeypatch.setattr(tools.shutil, "which", lambda name, path: str(tool))
    assert ask([tool.name]).failure is ToolFailure.NOT_PERMITTED


def test_slow_tool(tool: Path) -> None:
    """A tool that does not end is ended."""
    script(tool, "exec sleep 30")
    answer = ask([tool.name], within=0.2)
    assert (answer.failure, answer.why) == (ToolFailure.FAILED, "some-tool took longer than 0.2 s")


def test_administrators_tools_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """/usr/sbin is searched even where a user's PATH lacks it; elsewhere than on Unix it is not."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert tools._search_path() == "/nowhere:/usr/sbin:/sbin"
    monkeypatch.setattr(sys, "platform", "win32")
    assert tools._search_path() == "/nowhere"
