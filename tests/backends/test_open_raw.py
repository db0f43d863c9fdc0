"""Opening the raw backend."""

import pytest

from probe.backends import privilege, rawsockets
from probe.backends.raw import open_raw
from probe.model.facts import Route
from probe.model.target import IPAddress
from probe.wire import codec


class UnaskedRoutes:
    """A machine that is never asked."""

    def route(self, destination: IPAddress) -> Route:
        raise AssertionError(destination)


def test_nothing_is_loaded_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What packets take is loaded when the sockets are open, not within the time of the first answer."""
    done: list[str] = []
    monkeypatch.setattr(rawsockets, "RawSockets", lambda *_: done.append("sockets"))
    monkeypatch.setattr(codec, "load", lambda: done.append("codec"))
    monkeypatch.setattr(privilege, "is_supported", lambda: True)
    open_raw(UnaskedRoutes())
    assert done == ["sockets", "codec"]
