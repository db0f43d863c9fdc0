"""Under sudo: whose files are written. Nothing here changes who the tests run as."""

import os

import pytest

from probe.cli.invoker import become_invoker

SUDO = {"SUDO_UID": "1000", "SUDO_GID": "1001", "SUDO_USER": "user"}
CALLS = ("initgroups", "setresgid", "setresuid")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What root would do, in its order."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in CALLS:
        monkeypatch.setattr(os, name, lambda *args, name=name: made.append((name, *args)))
    return made


def test_sudo_names_who_goes_on(calls: list[tuple[object, ...]]) -> None:
    """Groups first, the user last: after that nothing more may be changed."""
    become_invoker(SUDO)
    assert calls == [
        ("initgroups", "user", 1001),
        ("setresgid", 1001, 1001, 1001),
        ("setresuid", 1000, 1000, 1000),
    ]


@pytest.mark.parametrize("environ", [{}, SUDO | {"SUDO_UID": "-1"}, SUDO | {"SUDO_USER": ""}])
def test_without_sudo_nobody_changes(environ: dict[str, str], calls: list[tuple[object, ...]]) -> None:
    """Root by other ways stays root, without capabilities."""
    become_invoker(environ)
    assert calls == []


def test_a_user_stays_who_they_are(calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root can become somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    become_invoker(SUDO)
    assert calls == []


def test_where_it_is_not_permitted(calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a user namespace groups cannot be set: the process stays who it is."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "initgroups", refuse)
    become_invoker(SUDO)
    assert calls == []
