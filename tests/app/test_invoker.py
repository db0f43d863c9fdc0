"""Under sudo: whose files are written, and as whom the program goes on. The tests stay who they are."""

import os

import pytest

from probe.app.invoker import Invoker, invoker_of
from probe.errors import PrivilegeError, UsageError

SUDO = {"SUDO_UID": "1000", "SUDO_GID": "1001", "SUDO_USER": "user"}
CALLS = ("setgroups", "setgid", "setuid", "setegid", "seteuid")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What root would do, in its order."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getegid", lambda: 0)
    monkeypatch.setattr(os, "getgroups", lambda: [0, 7])
    for name in CALLS:
        monkeypatch.setattr(os, name, lambda *args, name=name: made.append((name, *args)))
    return made


def test_sudo_names_who_goes_on(calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups first, the user last: after that nothing more may be changed."""
    invoker = invoker_of(SUDO)
    assert invoker == Invoker(1000, 1001)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    invoker.become()
    assert calls == [("setgroups", [1001]), ("setgid", 1001), ("setuid", 1000)]


def test_files_are_written_as_who_called(calls: list[tuple[object, ...]]) -> None:
    """For a moment, and then it is root again, whatever happened."""

    def fail() -> None:
        with Invoker(1000, 1001).acting():
            assert calls == [("setgroups", [1001]), ("setegid", 1001), ("seteuid", 1000)]
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert calls[3:] == [("seteuid", 0), ("setegid", 0), ("setgroups", [0, 7])]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("environ", [{}, {"SUDO_USER": "user"}, SUDO | {"SUDO_UID": "0", "SUDO_GID": "0"}])
def test_without_sudo_nobody_changes(environ: dict[str, str]) -> None:
    """Root by other ways, or root who called sudo, stays root."""
    assert invoker_of(environ) is None


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("text", ["", "-1", "1e3", "x", "4294967295", "9" * 30, " 1"])
@pytest.mark.parametrize("name", ["SUDO_UID", "SUDO_GID"])
def test_what_makes_no_sense_is_named(name: str, text: str) -> None:
    """One line, and nothing is done as the wrong user."""
    with pytest.raises(UsageError, match=name) as raised:
        invoker_of(SUDO | {name: text})
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("calls")
def test_one_without_the_other_makes_no_sense() -> None:
    """The user without the group."""
    with pytest.raises(UsageError, match="SUDO_GID"):
        invoker_of({"SUDO_UID": "1000"})


def test_a_user_stays_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root can become somebody else; `sudo -u` changes nothing here."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert invoker_of(SUDO) is None
    assert invoker_of({"SUDO_UID": "x"}) is None


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("call", ["setgroups", "setgid", "setuid"])
def test_where_it_is_not_permitted_nothing_goes_on(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a user namespace without that user: it is refused, in one line that shows how to go on."""

    def refuse(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(PrivilegeError, match="unset SUDO_UID and SUDO_GID"):
        Invoker(1000, 1001).become()


@pytest.mark.usefixtures("calls")
def test_who_is_still_root_does_not_go_on() -> None:
    """Should the system take the change and not make it, that is found out."""
    with pytest.raises(PrivilegeError, match="did not become user 1000"):
        Invoker(1000, 1001).become()
