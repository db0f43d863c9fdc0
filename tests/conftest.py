"""What this machine must be able to run, and what begins first.

A test that needs namespaces, Docker, nmap, tshark or root skips itself where it is missing, with its reason.
Where they must be there, `BINDPROBE_REQUIRE=docker,netns,nmap,nobody,tshark` in the environment names
markers whose tests may not be skipped, and of which at least one must have passed.
"""

import functools
import os
import signal
from collections.abc import Callable, Generator

import pytest
from hypothesis import is_hypothesis_test, settings

from probe import interruption
from probe.lab import scenario

REQUIRED = frozenset(filter(None, os.environ.get("BINDPROBE_REQUIRE", "").split(",")))
GROUP = "required group"
LONG = ("docker", "takes_minutes")
NOT_COUNTED = "no_cover"  # of pytest-cov
WALL_TIME = "wall_time"
_passed: set[str] = set()
scenario._parse = functools.cache(scenario._parse)  # tests load every scenario many times

settings.register_profile("without-wall-time", deadline=None)  # a busy machine is no failure
settings.register_profile("repeatable", deadline=None, derandomize=True)  # CI: the same examples every time
settings.load_profile("without-wall-time")


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
    report.user_properties += [(GROUP, group) for group in sorted(groups)]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the required groups of which something passed, in whichever process it ran."""
    if report.when == "call" and report.passed:
        _passed.update(str(group) for what, group in report.user_properties if what == GROUP)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: the other processes run the rest beside it.

    What asserts real seconds is left out where it is not asked for by name. What draws its cases at random,
    or goes through very many, counts for no coverage: that comes of cases that somebody wrote.
    """
    if WALL_TIME not in config.option.markexpr:
        timed = [item for item in items if item.get_closest_marker(WALL_TIME)]
        config.hook.pytest_deselected(items=timed)
        items[:] = [item for item in items if not item.get_closest_marker(WALL_TIME)]
    for item in items:
        if item.get_closest_marker("takes_minutes") or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(NOT_COUNTED)
    items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the required groups of which nothing ran."""
    for group in sorted(REQUIRED - _passed):
        terminalreporter.write_line(f"required group {group!r}: not one test of it passed", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with a failure where a required group did not run at all."""
    whole = not hasattr(session.config, "workerinput")  # and not one of several processes
    if whole and REQUIRED - _passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Press Ctrl-C when called: the signal is noted, as it is while something is measured."""
    return lambda *_: monkeypatch.setattr(interruption._state, "number", signal.SIGINT)
