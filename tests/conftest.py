"""What this machine must be able to run.

A test that needs namespaces, Docker, nmap, tshark or root skips itself where it is missing, with its reason.
Where they must be there, the environment says so: `BINDPROBE_REQUIRE=docker,netns,nmap,nobody,tshark` names
markers whose tests may not be skipped, and of which at least one must have passed.
"""

import os
from collections.abc import Generator

import pytest

REQUIRED = frozenset(filter(None, os.environ.get("BINDPROBE_REQUIRE", "").split(",")))
_passed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip of a required group into a failure."""
    report = yield
    groups = REQUIRED & {marker.name for marker in item.iter_markers()}
    if groups and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"required here ({', '.join(sorted(groups))}), but: {reason}"
    if report.when == "call" and report.passed:
        _passed.update(groups)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the required groups of which nothing ran."""
    for group in sorted(REQUIRED - _passed):
        terminalreporter.write_line(f"required group {group!r}: not one test of it passed", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with a failure where a required group did not run at all."""
    if REQUIRED - _passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
