"""Loading modules while packets are under way."""

import sys
import threading
import time

import pytest

from probe.app.preload import _SILENCE_S, preloading

ABSENT = "probe.no_such_module"
SMALL = "this_is_loaded_meanwhile"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that nothing has loaded."""
    (tmp_path / f"{SMALL}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield SMALL
    sys.modules.pop(SMALL, None)


def wait() -> None:
    """Wait for the thread that loads."""
    for thread in threading.enumerate():
        if thread.name == "preloading":
            thread.join(10)


def test_it_loads_when_it_may(module):
    """The thread waits for its moment where answers come."""
    with preloading([module]) as preload:
        preload.answered()
        time.sleep(2 * _SILENCE_S)
        assert module not in sys.modules
        preload.begin()
        wait()
        assert module in sys.modules


def test_it_loads_in_a_long_silence(module):
    """Nothing answers: it begins by itself."""
    with preloading([module]):
        wait()
        assert module in sys.modules


def test_nothing_is_loaded_any_more_at_the_end(module):
    """What is over before the first answer needs no thread that goes on."""
    with preloading([module]):
        pass
    wait()
    assert module not in sys.modules


def test_an_error_is_left_to_who_needs_the_module(module, capfd):
    """The thread goes on with the others, and prints nothing."""
    with preloading([ABSENT, module]) as preload:
        preload.begin()
        wait()
    assert module in sys.modules
    assert capfd.readouterr() == ("", "")


def test_what_is_loaded_needs_no_thread():
    """A second scan of one process has everything."""
    before = threading.active_count()
    with preloading(["sys"]) as preload:
        preload.begin()
        assert threading.active_count() == before
