"""The world that takes three minutes: it begins before the first test, and its test comes last."""

from collections.abc import Iterator

import pytest
from doctor_runs import Run

SLOW = pytest.StashKey[Run]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes minutes at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow_world") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start it, where its test is going to run."""
    wanted = [item.get_closest_marker("slow_world") for item in session.items]
    names = [name for marker in wanted if marker is not None for name in marker.args]
    if names and not session.config.option.collectonly:
        run = Run.start([("raw", name) for name in dict.fromkeys(names)])
        if run is not None:
            session.stash[SLOW] = run


@pytest.fixture(scope="session")
def slow_run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """What was started, still under way."""
    if SLOW not in request.session.stash:
        pytest.skip(Run.why_not() or "it was not started")
    return request.session.stash[SLOW]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End it where nobody waited for it."""
    if SLOW in session.stash:
        session.stash[SLOW].end()
