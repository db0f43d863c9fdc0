"""Verdicts on 14 ways to bind under 10 kinds of filter: the truth is never excluded, no point is wrong."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from binds_by_filters import BINDS, FILTERS, REACHES
from score.grade import Claim, Fact

from probe.lab.netns import enter
from probe.model.binding import Binding

pytestmark = [pytest.mark.netns, pytest.mark.takes_minutes]

SCRIPT = Path(__file__).with_name("binds_by_filters.py")
LEAST = 0.005  # probability with which the truth stays listed
FORGED = 0.97
SURE = 0.8  # from here on a verdict names one binding

Row = dict[str, Any]

# How many of the 140 truths evidence separates, at least.
CLASSES = [
    ("--engine connect --reach whole", 25),
    ("--engine connect --reach tested", 25),
    ("--engine raw --reach whole", 56),
    ("--engine raw --reach tested", 56),
]

MATRICES = [
    "--engine connect --reach whole",
    "--engine connect --reach tested",
    "--engine connect --reach tested --loss 0.05",
    "--engine connect --reach whole --loss 0.2",
    "--engine raw --reach whole",
    "--engine raw --reach tested",
    "--engine raw --reach whole --bleached",
    "--engine raw --reach tested --bleached",
    "--engine raw --reach tested --loss 0.05",
    "--engine raw --reach whole --loss 0.2",
]

# Answers of a filter that sockets take for the stack's own, and filters that hide the one address that
# answers: what refuses everywhere else then looks like a port of nobody's.
HIDES_A_LISTENER = {"rst", "rst_vpn", "drop_vpn", "adm_vpn", "out_drop"}


@functools.cache
def matrix(options: str) -> tuple[Row, ...]:
    """Every truth, with what was seen and concluded of it."""
    why_not = enter.available()
    if why_not:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


def probability(row: Row) -> float:
    """Probability that the candidates give to the truth."""
    truth = row["truth"]
    return sum(
        p for binding, bound_to, p in row["verdict"]["candidates"] if bind(binding, bound_to) == bind(**truth)
    )


def bind(binding: str, bound_to: list[str]) -> tuple[str, tuple[str, ...]]:
    return binding, tuple(sorted(bound_to)) if binding == Binding.SPECIFIC else ()


def is_true(row: Row) -> bool:
    """Whether the verdict names the truth, or names nothing."""
    verdict, truth = row["verdict"], row["truth"]
    claim = Claim(Binding(verdict["binding"]), frozenset(verdict["bound_to"]))
    return not claim.decided or claim.names(Fact(Binding(truth["binding"]), frozenset(truth["bound_to"])))


@pytest.mark.parametrize("reach", REACHES)
def test_the_matrix_has_every_truth(reach: str) -> None:
    """Each bind meets each filter once."""
    rows = matrix(f"--engine connect --reach {reach}")
    assert [(row["filter"], row["bind"]) for row in rows] == [(f, b) for f in FILTERS for b in BINDS]
    assert len(rows) == 140


@pytest.mark.parametrize(("options", "least"), CLASSES)
def test_evidence_separates_truths(options: str, least: int) -> None:
    """As many classes of evidence as were measured before, or more."""
    assert len({tuple(row["evidence"]) for row in matrix(options)}) >= least


@pytest.mark.parametrize("options", MATRICES)
def test_the_truth_is_among_the_candidates(options: str) -> None:
    """Whatever a filter hides, the truth stays listed."""
    lost = {
        (row["bind"], row["filter"]): probability(row) for row in matrix(options) if probability(row) < LEAST
    }
    assert lost == {}


def sure(row: Row) -> float:
    """From where on a verdict is sure: where a filter forges resets, which no socket can see, later."""
    return FORGED if row["filter"].startswith("rst") else SURE


@pytest.mark.parametrize("options", MATRICES)
def test_no_point_is_wrong(options: str) -> None:
    """A verdict that names one binding for sure is right; only a refusal by nobody may be a filter's work."""
    wrong = [row for row in matrix(options) if not is_true(row) and row["verdict"]["confidence"] >= sure(row)]
    points = [row for row in wrong if row["verdict"]["binding"] != Binding.LOOPBACK_OR_NOT_LISTENING]
    assert [(row["bind"], row["filter"], row["verdict"]) for row in points] == []
    assert {row["filter"] for row in wrong} <= HIDES_A_LISTENER


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("path", ["", "--bleached"])
def test_raw_packets_make_no_mistake(reach: str, path: str) -> None:
    """With raw packets and without loss every verdict is right, also that nobody listens."""
    rows = matrix(f"--engine raw --reach {reach} {path}".rstrip())
    assert [(row["bind"], row["filter"], row["verdict"]) for row in rows if not is_true(row)] == []
