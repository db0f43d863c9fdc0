"""The table of raw evidence: its rows are distributions, and each hint speaks for what it should."""

import math
from ipaddress import ip_address

import pytest

from probe.inference.likelihood import Assumed, Evidence, hints_likelihood, likelihood
from probe.inference.responses import Noise
from probe.inference.tables import (
    ACK_BACKS,
    BARE_WINDOW,
    CROSS_BACKS,
    ECHO_SIGNS,
    EPSILON,
    FIN_AT_LISTENER,
    LOOPBACK_BACKS,
    MARKS_SHOW,
    OPENING_BACKS,
    OPENING_BACKS_SPOOFED,
    OPENING_BACKS_TAKEN_HERE,
    SIGNS,
    Fate,
)
from probe.inference.traces import NO_HINTS, Back, Crossed, Hints, Sign, Tried
from probe.model.evidence import Response
from probe.model.target import Protocol

VPN, LOOPBACK = ip_address("10.88.0.10"), ip_address("127.0.0.1")
QUIET = Noise(0, 20)
LOSSY = Noise(30, 20)
ROWS = {
    **{f"sign {key}": row for key, row in SIGNS.items()},
    **{f"echo {key}": row for key, row in ECHO_SIGNS.items()},
    **{f"ack {key}": row for key, row in ACK_BACKS.items()},
    "fin": FIN_AT_LISTENER,
    "opening": OPENING_BACKS,
    "opening, spoofed": OPENING_BACKS_SPOOFED,
    **{f"opening, taken here {covered}": row for covered, row in enumerate(OPENING_BACKS_TAKEN_HERE)},
    **{f"frame {key} {taken}": row for key, rows in CROSS_BACKS.items() for taken, row in enumerate(rows)},
    **{f"loopback {taken}": row for taken, row in enumerate(LOOPBACK_BACKS)},
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_distribution(name):
    """The responses under one assumption have probabilities that sum to 1."""
    row = ROWS[name]
    assert sum(row.values()) == pytest.approx(1, abs=1e-6)
    assert min(row.values()) > 0


def test_every_fate_has_its_rows():
    """A fate that is added needs likelihoods of segments and frames."""
    assert set(ACK_BACKS) == set(CROSS_BACKS) == set(Fate)
    assert set(SIGNS) == {(own, marks) for own in (True, False) for marks in (True, False)}
    assert all(0 < share < 1 for share in (*MARKS_SHOW.values(), *BARE_WINDOW.values()))


def reset(sign: Sign | None = None) -> Tried:
    return Tried(Back.RESET, 1, sign)


SILENCE = Tried(Back.SILENT, 3)
OPEN = Tried(Back.OPEN, 1)
PASS, DROP, ONLY_SYN = Fate.PASS, Fate.DROP, Fate.DROP_SYN


def crossed(tried: Tried, destination=VPN) -> Hints:
    return Hints(crossed=(Crossed(destination, tried),))


# A hint, an assumption that it speaks for, one that it speaks against, and how many times at least.
SPEAKS: dict[str, tuple[Hints, Assumed, Assumed, float]] = {
    "a marked reset: the stack's own": (
        Hints(sign=Sign.MARKED),
        Assumed(PASS, covered=False),
        Assumed(Fate.RESET_HOST, covered=False),
        50,
    ),
    "a plain reset where marks show: forged": (
        Hints(sign=Sign.PLAIN),
        Assumed(Fate.RESET_HOST, covered=True),
        Assumed(PASS, covered=False),
        1000,
    ),
    "an odd reset where marks show: forged": (
        Hints(sign=Sign.ODD),
        Assumed(Fate.RESET_PATH, covered=True),
        Assumed(PASS, covered=False),
        20,
    ),
    "an ACK reset: only openings are dropped": (
        Hints(ack=reset(Sign.MARKED)),
        Assumed(ONLY_SYN, covered=True),
        Assumed(DROP, covered=True),
        30,
    ),
    "an ACK reset: no stack that never resets": (
        Hints(ack=reset(Sign.MARKED)),
        Assumed(PASS, covered=True, stealth=True),
        Assumed(PASS, covered=False, stealth=True),
        30,
    ),
    "an ACK dropped: all is dropped": (
        Hints(ack=SILENCE),
        Assumed(DROP, covered=True),
        Assumed(ONLY_SYN, covered=True),
        50,
    ),
    "an ACK rejected: a filter that rejects": (
        Hints(ack=Tried(Back.REJECTED, 1)),
        Assumed(Fate.REJECT_HOST, covered=True),
        Assumed(DROP, covered=True),
        50,
    ),
    "a FIN reset: nothing listens": (
        Hints(ack=reset(Sign.MARKED), fin=reset(Sign.MARKED)),
        Assumed(ONLY_SYN, covered=False),
        Assumed(ONLY_SYN, covered=True),
        15,
    ),
    "a FIN kept where an ACK is reset: something listens": (
        Hints(ack=reset(Sign.MARKED), fin=SILENCE),
        Assumed(ONLY_SYN, covered=True),
        Assumed(ONLY_SYN, covered=False),
        50,
    ),
    "a frame accepted: a socket takes it": (
        crossed(OPEN),
        Assumed(PASS, covered=True, crossed=(True,)),
        Assumed(PASS, covered=True, crossed=(False,)),
        100,
    ),
    "a frame refused: none does": (
        crossed(reset(Sign.MARKED)),
        Assumed(PASS, covered=True, crossed=(False,)),
        Assumed(PASS, covered=True, crossed=(True,)),
        50,
    ),
    "a frame refused without the mark: a filter, perhaps": (
        crossed(reset(Sign.PLAIN)),
        Assumed(Fate.RESET_HOST, covered=True, crossed=(True,)),
        Assumed(PASS, covered=True, crossed=(False,)),
        100,
    ),
    "a frame for loopback accepted": (
        crossed(OPEN, LOOPBACK),
        Assumed(PASS, covered=False, crossed=(True,)),
        Assumed(PASS, covered=False, crossed=(False,)),
        20,
    ),
    "a frame for loopback refused": (
        crossed(reset(Sign.MARKED), LOOPBACK),
        Assumed(PASS, covered=False, crossed=(False,)),
        Assumed(PASS, covered=False, crossed=(True,)),
        10,  # other loopback addresses than 127.0.0.1 are not asked
    ),
}
# A hint, and two assumptions between which it does not decide.
UNINFORMATIVE: dict[str, tuple[Hints, Assumed, Assumed]] = {
    "a plain reset where no mark shows": (
        Hints(sign=Sign.PLAIN),
        Assumed(PASS, covered=False, marks=False),
        Assumed(Fate.RESET_HOST, covered=True, marks=False),
    ),
    "a frame that nobody answers": (
        crossed(SILENCE),
        Assumed(PASS, covered=True, crossed=(True,)),
        Assumed(PASS, covered=True, crossed=(False,)),
    ),
    "a frame that would be sent on": (
        crossed(Tried(Back.PASSED_ON, 1)),
        Assumed(PASS, covered=True, crossed=(True,)),
        Assumed(PASS, covered=True, crossed=(False,)),
    ),
    "a frame for loopback that nobody answers": (
        crossed(SILENCE, LOOPBACK),
        Assumed(PASS, covered=True, crossed=(True,)),
        Assumed(PASS, covered=True, crossed=(False,)),
    ),
    "a FIN dropped like the ACK": (
        Hints(ack=SILENCE, fin=SILENCE),
        Assumed(DROP, covered=True),
        Assumed(DROP, covered=False),
    ),
    "a frame where a stack never resets and nothing listens is as good as dropped": (
        crossed(SILENCE),
        Assumed(PASS, covered=True, stealth=True, crossed=(False,)),
        Assumed(DROP, covered=True, stealth=True, crossed=(False,)),
    ),
}


@pytest.mark.parametrize("name", SPEAKS)
def test_a_hint_speaks_for(name):
    """The hint is so many times as likely where it should be."""
    hints, this, that, times = SPEAKS[name]
    assert hints_likelihood(hints, this, QUIET) > times * hints_likelihood(hints, that, QUIET)


HERE = Tried(Back.HERE, 1)
# Beside an accepted connection: what a raw opening brought, and which of two acceptors it favours.
OPENINGS = {
    "no window: a SYN proxy": (Hints(bare_window=True), Fate.SPOOFED, PASS, 100),
    "a window: rather no SYN proxy": (Hints(bare_window=False), PASS, Fate.SPOOFED, 1.5),
    "refused: a program of this machine": (Hints(opening=reset()), Fate.TAKEN_HERE, PASS, 50),
    "refused: a box on the way hardly": (Hints(opening=reset()), Fate.TAKEN_HERE, Fate.SPOOFED, 4),
    "answered by this machine": (Hints(opening=HERE), Fate.TAKEN_HERE, PASS, 10_000),
    "accepted: rather the address": (Hints(opening=OPEN), PASS, Fate.TAKEN_HERE, 100),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_raw_opening_shows_who_accepts(name):
    """It is so many times as likely where it should be, nothing listening behind what takes connections."""
    hints, this, that, times = OPENINGS[name]

    def share(fate: Fate) -> float:
        evidence, assumed = Evidence(Response.OPEN, 1, hints), Assumed(fate, covered=fate is PASS)
        plain = likelihood(Evidence(Response.OPEN, 1), Protocol.TCP, assumed, QUIET)
        return likelihood(evidence, Protocol.TCP, assumed, QUIET) / plain

    assert share(this) > times * share(that)


def test_a_nearer_box_is_as_bare_as_a_proxy_for_all():
    """A window of none shows a SYN proxy, and not what is behind one that answers for this port."""
    bare, assumed = Hints(bare_window=True), Assumed(PASS, covered=True)
    with_it = likelihood(Evidence(Response.OPEN_NEARER, 1, bare), Protocol.TCP, assumed, QUIET)
    assert with_it > 0.4 * likelihood(Evidence(Response.OPEN_NEARER, 1), Protocol.TCP, assumed, QUIET)


@pytest.mark.parametrize("name", UNINFORMATIVE)
def test_a_hint_that_decides_nothing(name):
    """Between these two the hint decides nothing."""
    hints, this, that = UNINFORMATIVE[name]
    ratio = hints_likelihood(hints, this, QUIET) / hints_likelihood(hints, that, QUIET)
    assert abs(math.log(ratio)) < math.log(1.2)


def test_loss_makes_silence_cheap():
    """On a lossy way silence shows less, and where ICMP errors are rationed that of a rejector too."""
    ack, frame = Hints(ack=SILENCE), crossed(SILENCE)
    open_, taken = Assumed(ONLY_SYN, covered=True), Assumed(PASS, covered=True, crossed=(True,))
    assert hints_likelihood(ack, open_, LOSSY) > 3 * hints_likelihood(ack, open_, QUIET)
    assert hints_likelihood(frame, taken, LOSSY) > hints_likelihood(frame, taken, QUIET)
    rejects = Assumed(Fate.REJECT_HOST, covered=True)
    limited = Noise(0, 20, icmp_limited=True)
    assert hints_likelihood(ack, rejects, limited) > 3 * hints_likelihood(ack, rejects, QUIET)


def test_no_hints_change_nothing_and_nothing_is_impossible():
    """Without hints the answer alone counts; with any hints the likelihood is above 0."""
    for fate in Fate:
        assumed = Assumed(fate, covered=False, crossed=(False,))
        assert hints_likelihood(NO_HINTS, assumed, QUIET) == 1.0
        for hints, *_ in (*SPEAKS.values(), *UNINFORMATIVE.values()):
            if len(hints.crossed) == 1:
                assert hints_likelihood(hints, assumed, QUIET) >= EPSILON**2
    evidence = Evidence(Response.CLOSED, 1)
    assert likelihood(evidence, Protocol.TCP, Assumed(PASS, covered=False), QUIET) > 0.9


def test_frames_are_left_out_while_a_policy_is_learned():
    """Whether a socket takes a frame is a question of the port: without it frames count for nothing."""
    assert hints_likelihood(crossed(OPEN), Assumed(PASS, covered=False), QUIET) == 1.0
