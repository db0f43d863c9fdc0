"""The printed score card."""

from ipaddress import ip_address

from probe.model.binding import Binding, Candidate
from probe.model.target import Port, Protocol
from score.card import Column, Mistake, ScoreCard
from score.grade import Claim, Fact, grade
from score.table import render

A = ip_address("192.168.77.10")
PORT = Port(Protocol.TCP, 8000)
FACT = Fact(Binding.SPECIFIC, frozenset({A}))
CLAIM = Claim(
    Binding.WILDCARD, confidence=0.95, candidates=(Candidate(binding=Binding.WILDCARD, probability=0.95),)
)


def column(claim: Claim) -> Column:
    return Column(grade([(claim, FACT)]), seconds=1.5, mistakes=(Mistake(7, PORT, claim, FACT),))


def cells(text: str, label: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(label)]
    return line.removeprefix(label).split()


def test_both_probers_side_by_side() -> None:
    """Each figure has its row and each prober its column; a prober without probabilities has a dash."""
    card = ScoreCard(7, 1, "connect", "netns", ours=column(CLAIM), nmap=column(Claim(Binding.UNDETERMINED)))
    text = render(card)
    assert cells(text, "decided, of all ports") == ["1", "(100.0%)", "0", "(0.0%)"]
    assert cells(text, "wrong, of all ports") == ["1", "(100.0%)", "0", "(0.0%)"]
    assert cells(text, "wrong with confidence >= 0.9") == ["1", "(100.0%)", "-"]
    assert cells(text, "expected calibration error") == ["0.950", "-"]
    assert cells(text, "seconds a world") == ["1.50", "1.50"]
    assert cells(text, "0.9-1.0") == ["1", "0.950", "0.000"]


def test_what_was_wrong_is_named() -> None:
    """Each mistake has the seed of its world, so that it can be looked into."""
    card = ScoreCard(7, 1, "connect", "sim", ours=column(CLAIM), nmap=None, skipped="it needs a real network")
    text = render(card)
    assert "world 7, 8000/tcp: found wildcard (0.95), is specific 192.168.77.10" in text
    assert "nmap: skipped, it needs a real network" in text


def test_no_mistakes_no_list() -> None:
    """A run without mistakes has no empty list of them."""
    right = Column(grade([]), seconds=0.0, mistakes=())
    assert "Wrong:" not in render(ScoreCard(1, 0, "connect", "netns", ours=right, nmap=right))
