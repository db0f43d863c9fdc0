"""`BINDPROBE_REQUIRE` turns skips of what must run here into failures; tests of real seconds run by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pure import TOP

SETTINGS = "[pytest]\nmarkers =\n  docker: x\n  netns: x\n  nmap: x\n  takes_minutes: x\n  wall_time: x\n"
TESTS = """
import pytest

@pytest.mark.netns
def test_that_is_skipped():
    pytest.skip("no namespaces")

@pytest.mark.nmap
def test_that_runs():
    pass

def test_of_no_group():
    pytest.skip("never mind")

@pytest.mark.nmap
@pytest.mark.wall_time
def test_of_seconds():
    pass
"""


def outcome(folder: Path, required: str, *more: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text(SETTINGS)
    (folder / "test_sample.py").write_text(TESTS)
    shutil.copy(TOP / "tests" / "conftest.py", folder)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", *more, str(folder)],
        env={**os.environ, "BINDPROBE_REQUIRE": required, "PYTEST_ADDOPTS": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.parametrize(
    ("required", "code", "report"),
    [
        ("", 0, "1 passed, 2 skipped"),
        ("nmap", 0, "1 passed, 2 skipped"),
        ("netns", 1, "required here (netns), but: Skipped: no namespaces"),
        ("netns", 1, "required group 'netns': not one test of it passed"),
        ("nobody", 1, "required group 'nobody': not one test of it passed"),
    ],
)
def test_required_groups(tmp_path: Path, required: str, code: int, report: str, processes: str) -> None:
    """A skip fails only where its group is required, and a required group must have run."""
    ended, text = outcome(tmp_path, required, "-n", processes)
    assert report in text
    assert ended == code


@pytest.mark.parametrize(
    ("expression", "report"),
    [
        ("", "1 passed, 2 skipped, 1 deselected"),
        ("nmap", "1 passed, 3 deselected"),
        ("wall_time", "1 passed, 3 deselected"),
        ("nmap or wall_time", "2 passed, 2 deselected"),
    ],
)
def test_seconds_are_asked_for_by_name(tmp_path: Path, expression: str, report: str) -> None:
    """A test that a busy machine breaks runs only where its marker is named."""
    ended, text = outcome(tmp_path, "", "-m", expression)
    assert report in text
    assert ended == 0
