"""The score from end to end: a few worlds, in memory and as real hosts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probe.app.engines import Engine
from probe.cli.options import WorldKind
from probe.lab.netns import enter
from score import nmap
from score.__main__ import main as command
from score.generate import PORTS
from score.run import score

TOP = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}"}


def test_score_in_memory() -> None:
    """Every port of every world is graded; nmap has no network to run in, and the card names the reason."""
    card = score(5, 1, "connect", "sim")
    assert card.ours.grade.ports == 5 * PORTS
    assert card.ours.grade.decided > 0
    assert card.ours.grade.log_loss is not None
    assert (card.nmap, card.skipped) == (None, "it needs a real network")


@pytest.mark.netns
@pytest.mark.nmap
def test_score_on_real_hosts() -> None:
    """Both probers see the same two worlds, and the program finds its way into the namespaces."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    if not nmap.available():
        pytest.skip("nmap is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "score", "--worlds", "2", "--seed", "1"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert lines["ports"].split() == ["ports", "20", "20"]
    assert "skipped" not in done.stdout


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """One random world in memory is graded, by the engine that was asked for."""
    command(1, 1, Engine.AUTO, WorldKind.SIM)
    assert "1 random worlds from seed 1, world sim, engine connect" in capsys.readouterr().out
    command(1, 1, Engine.RAW, WorldKind.SIM)
    assert "world sim, engine raw" in capsys.readouterr().out


def test_worlds_are_drawn_without_a_look_at_the_inference() -> None:
    """What makes them loads nothing of it."""
    loaded = "[name for name in sys.modules if name.startswith('probe.inference')]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, score.generate; print(*{loaded})"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == []
