"""The families of made-up hosts: what they answer, what is best possible, and how near verdicts come."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from probe.inference.responses import response_of
from probe.model.binding import Binding
from probe.model.evidence import Response
from score import careful
from score.best import best
from score.families import FAMILIES, ZONES, draw
from score.family_run import interval, overconfident, score_family
from score.family_table import render_families
from score.grade import Bin, grade
from score.hosts import ip_of, surveys_of
from score.made_up import Bound, answers_of, covered, fact_of

pytestmark = pytest.mark.takes_minutes


def hosts(name: str, count: int = 30):
    return [draw(FAMILIES[name], Random(number)) for number in range(count)]  # noqa: S311 - repeatable


@pytest.mark.parametrize("name", FAMILIES)
def test_chances_of_answers_sum_to_one(name):
    """Whatever stands before an address, some answer comes, or silence."""
    family = FAMILIES[name]
    for address in family.addresses:
        for zone in map(ZONES.get, family.zones_of(address)):
            for bind in family.all_binds():
                for rule in ("", *family.everywhere):
                    shares = answers_of(zone, bind, address, family, rule)
                    assert sum(shares.values()) == pytest.approx(1)
                    assert min(shares.values()) > 0


@pytest.mark.parametrize(
    ("bind", "binding", "where"),
    [
        ("wildcard", Binding.WILDCARD, {"lan", "lan6"}),
        ("wildcard 4", Binding.WILDCARD, {"lan"}),
        ("docker", Binding.WILDCARD, {"lan"}),
        ("docker on lan", Binding.SPECIFIC, {"lan"}),
        ("closing", Binding.WILDCARD, {"lan", "lan6"}),
        ("lan+lan6", Binding.SPECIFIC, {"lan", "lan6"}),
        ("loopback", Binding.LOOPBACK, set()),
        ("nothing", Binding.NOT_LISTENING, set()),
    ],
)
def test_what_a_bind_covers_and_is_called(bind, binding, where):
    """The truth of a port, as the report would name it."""
    assert fact_of(bind).binding is binding
    assert covered(bind, ("lan", "lan6")) == where
    assert fact_of(bind).bound_to == (where if binding is Binding.SPECIFIC else set())


def test_a_host_is_drawn_by_its_seed():
    """The same seed makes the same host, another one another."""
    one, same, other = (draw(FAMILIES["mixed"], Random(seed)) for seed in (1, 1, 2))  # noqa: S311
    assert one == same
    assert one != other


def test_letters_become_the_responses_that_they_stand_for():
    """Surveys of made-up hosts read as what was drawn."""
    meant = {
        "O": Response.OPEN,
        "X": Response.CUT,
        "B": Response.OPEN_BEHIND,
        "R": Response.CLOSED,
        "F": Response.CLOSED,
        "S": Response.SILENT,
        "I": Response.ICMP_HOST,
        "P": Response.ICMP_PATH,
    }
    seen = Counter()
    for name in FAMILIES:
        for host in hosts(name, 60):
            for survey, letters in zip(surveys_of(host, raw=False), host.answers.values(), strict=True):
                for o, letter in zip(survey.tested().values(), letters, strict=True):
                    assert response_of(o, survey) is meant[letter]
                    seen[letter] += 1
    assert seen.keys() == meant.keys()


@pytest.mark.parametrize("name", ["plain", "one firewall", "fronts", "udp filtered"])
def test_the_best_possible_is_calibrated(name):
    """Of what it holds likely, as much is true as it claims: it knows how the hosts were drawn."""
    claimed = true = 0.0
    for host in hosts(name, 60):
        for posterior, fact in zip(best(host, raw=False), host.truth, strict=True):
            assert sum(posterior.values()) == pytest.approx(1)
            likeliest = max(posterior, key=lambda one: posterior[one])
            claimed += posterior[likeliest]
            true += likeliest == fact
    assert true == pytest.approx(claimed, abs=2 * (600 * 0.25) ** 0.5)


def test_raw_packets_see_what_sockets_do_not():
    """The best possible by raw packets is better where resets are forged."""
    found = [score_family("forged resets", 20, 1, raw=raw).best.log_loss for raw in (False, True)]
    assert found[1] < found[0]


def test_a_careful_person_compares_and_leaves_out():
    """A gateway's address counts for nothing, silence leaves a port open, and the rest is compared."""
    (host,) = hosts("fronts", 1)
    ours = {"lan": ZONES["open"], "vpn": ZONES["open"], "public": ZONES["nat"]}
    answers = {"lan": tuple("OORRS"), "vpn": tuple("ORORO"), "public": tuple("RRRRR")}
    truth = (Bound(Binding.WILDCARD),) * 5
    claims = careful.conclude(replace(host, answers=answers, zones=ours, truth=truth))
    assert [one.binding for one in claims] == [
        Binding.WILDCARD,
        Binding.SPECIFIC,
        Binding.SPECIFIC,
        Binding.LOOPBACK_OR_NOT_LISTENING,
        Binding.UNDETERMINED,
    ]
    assert claims[1].bound_to == {ip_of("lan")}


@pytest.mark.parametrize("name", ["plain", "mixed", "docker", "cloud", "rootless", "udp plain"])
def test_verdicts_keep_close_to_the_best_possible(name):
    """By sockets, on 60 hosts: log loss within 0.25 of the best possible, and hardly ever surely wrong."""
    found = score_family(name, 60, 4711, raw=False)
    assert found.gap < 0.25
    assert found.ours.confidently_wrong <= found.best.confidently_wrong + 0.02 * found.ours.ports
    if name == "plain":
        assert found.ours.decided >= 0.93 * found.ours.ports
        assert found.ours.wrong <= 0.003 * found.ours.ports


def test_the_table_of_families():
    """Four rows a family, with intervals, and the bins that claim too much."""
    text = render_families([score_family("forged resets", 4, 1, raw=False)])
    assert "4 hosts a family, engine connect" in text
    assert [line for line in text.splitlines() if line.startswith("forged resets~")]
    assert {"best possible", "careful person", "nmap, plain rule"} <= {
        line.split("  ")[i].strip() for line in text.splitlines() for i in range(line.count("  ") + 1)
    }


def test_a_run_goes_on_where_another_ended(tmp_path, monkeypatch):
    """Hosts of a file are not graded again; files of two ranges make one table; a cut line is left out."""
    first, whole = tmp_path / "first", tmp_path / "whole"
    score_family("mixed", 2, 1, raw=False, file=first)
    score_family("mixed", 1, 3, raw=False, file=whole)
    whole.write_text(first.read_text() + whole.read_text() + '{"family": "mixed", "engi')
    monkeypatch.setattr("score.family_run._grade_host", lambda *_: pytest.fail("graded again"))
    merged = score_family("mixed", 3, 1, raw=False, file=whole)
    monkeypatch.undo()
    fresh = score_family("mixed", 3, 1, raw=False)
    assert merged.hosts == 3
    assert (merged.ours.decided, merged.ours.wrong) == (fresh.ours.decided, fresh.ours.wrong)
    assert merged.ours.log_loss == pytest.approx(fresh.ours.log_loss, abs=1e-5)
    assert merged.best.log_loss == pytest.approx(fresh.best.log_loss, abs=1e-5)


def test_intervals_and_bins():
    """Wilson's interval, and bins with more errors than they claim."""
    assert interval(0, 0) == 0
    assert interval(50, 100) == pytest.approx(0.0962, abs=1e-3)
    empty = grade([])
    low = Bin(0.9, 1.0, 100, 0.95, 0.5)
    assert overconfident(empty) == []
    assert len(overconfident(replace(empty, bins=(low, replace(low, right=0.94))))) == 1
