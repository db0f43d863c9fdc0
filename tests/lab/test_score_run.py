"""The score from end to end: a few worlds, in memory and as real hosts."""

import subprocess
import sys

import pytest

from probe.lab.netns import enter
from probe.lab.score import nmap
from probe.lab.score.generate import PORTS
from probe.lab.score.run import score


def test_score_in_memory() -> None:
    """Every port of every world is graded; nmap has no network to run in, and the card says so."""
    card = score(5, 1, "connect", "sim")
    assert card.ours.grade.ports == 5 * PORTS
    assert card.ours.grade.told > 0
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
        [sys.executable, "-m", "probe", "lab", "score", "--worlds", "2", "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert lines["ports"].split() == ["ports", "20", "20"]
    assert "skipped" not in done.stdout
