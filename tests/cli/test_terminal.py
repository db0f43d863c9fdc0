"""What the terminal is given: colour, box drawing, width, progress; and errors of one line."""

import errno
import io
import os

import pytest

from probe.cli import terminal
from probe.cli.progress import ProgressBar
from probe.cli.terminal import complain, is_terminal, style_of, wants_colour


class Screen(io.StringIO):
    """A stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("environ", "on_terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(environ, *, on_terminal: bool, colour: bool) -> None:
    """NO_COLOR wins, FORCE_COLOR colours even a pipe, otherwise the terminal decides."""
    assert wants_colour(environ, terminal=on_terminal) is colour


def test_a_pipe_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal: neither colour nor box drawing, 80 columns or what COLUMNS has."""
    style = style_of(io.StringIO(), detail=False)
    assert (style.unicode, style.colour) == (False, False)
    monkeypatch.setenv("COLUMNS", "132")
    assert style_of(None, detail=True).width == 132


def test_a_terminal_gets_what_it_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A UTF-8 terminal gets box drawing; a dumb one nothing; no colour where stderr is no terminal."""
    screen = Screen()
    monkeypatch.setattr(terminal.sys, "stderr", screen)
    assert style_of(screen, detail=False).unicode
    assert style_of(screen, detail=False).colour
    monkeypatch.setattr(terminal.sys, "stderr", io.StringIO())
    assert not style_of(screen, detail=False).colour
    monkeypatch.setenv("TERM", "dumb")
    assert not is_terminal(screen)
    assert not style_of(screen, detail=False).unicode


def test_an_error_is_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the message holds."""
    complain("two\nlines and \x1b[31m red")
    assert capsys.readouterr().err == "bindprobe: two lines and \\x1b[31m red\n"


def test_no_stderr_is_no_second_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With stderr closed the exit code has to do."""
    monkeypatch.setattr(terminal.sys, "stderr", None)
    complain("text")
    assert not is_terminal(None)


def bar_output(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, times, *, quiet: bool = False) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    ticks = iter(times)
    with ProgressBar(quiet=quiet, clock=lambda: next(ticks)) as progress:
        for done in range(len(times) - 1):
            progress(done, 10)
    return stream.getvalue()


def test_progress_shows_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of over a second shows how far it is; a shorter one shows nothing."""
    assert "probing" in bar_output(monkeypatch, Screen(), [0, 0.5, 1.5, 1.55, 2.0])
    assert bar_output(monkeypatch, Screen(), [0, 0.5, 0.9]) == ""


@pytest.mark.parametrize("case", ["no terminal", "quiet", "dumb"])
def test_progress_stays_away(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No progress in a pipe, with -q, or on a terminal that cannot move its cursor."""
    if case == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO() if case == "no terminal" else Screen()
    assert bar_output(monkeypatch, stream, [0, 5, 6], quiet=case == "quiet") == ""


class LostScreen(Screen):
    """A terminal that is gone after so many writes, as when its window is closed under nohup."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self._writes = writes

    def write(self, text: str) -> int:
        self._writes -= 1
        if self._writes < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(text)


@pytest.mark.parametrize("writes", range(4))
def test_a_terminal_that_is_gone_costs_no_result(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress ends, at its first moment or later; what runs goes on. So with a line on stderr."""
    bar_output(monkeypatch, LostScreen(writes), [0, 2, 3, 4, 5])
    monkeypatch.setattr("sys.stderr", LostScreen(0))
    complain("text")
