"""The table of raw evidence: its rows are distributions, and each response speaks for what it should."""

import math
from ipaddress import ip_address

import pytest

from probe.inference.likelihood import Assumed, Evidence, likelihood, raw_likelihood
from probe.inference.responses import Noise
from probe.inference.tables import (
    BARE_WINDOW,
    CROSS_LINK_LIKELIHOOD,
    ECHO_MARKS,
    EPSILON,
    LOOPBACK_LIKELIHOOD,
    MARKS_SHOW,
    RESET_MARKS,
)
from probe.inference.traces import NOTHING_RAW, CrossLinkProbe, RawEvidence, ResetMark, Tried
from probe.model.disposition import Disposition, RawResponse
from probe.model.evidence import Response
from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire.kinds import KINDS

VPN, LOOPBACK = ip_address("10.88.0.10"), ip_address("127.0.0.1")
QUIET = Noise(0, 20)
LOSSY = Noise(30, 20)
ROWS = {
    **{f"mark {key}": row for key, row in RESET_MARKS.items()},
    **{f"echo {key}": row for key, row in ECHO_MARKS.items()},
    **{
        f"{kind.title} {key} {covered}": row
        for kind in KINDS.values()
        for likelihoods in (kind.likelihood, kind.past_filter)
        for key, rows in likelihoods.items()
        for covered, row in enumerate(rows)
    },
    **{
        f"frame {key} {taken}": row
        for key, rows in CROSS_LINK_LIKELIHOOD.items()
        for taken, row in enumerate(rows)
    },
    **{f"loopback {taken}": row for taken, row in enumerate(LOOPBACK_LIKELIHOOD)},
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_distribution(name):
    """The responses under one assumption have probabilities that sum to 1."""
    row = ROWS[name]
    assert sum(row.values()) == pytest.approx(1, abs=1e-6)
    assert min(row.values()) > 0


def test_every_disposition_has_its_rows():
    """A disposition that is added needs likelihoods of segments and frames."""
    segments = [kind.likelihood for kind in KINDS.values() if kind.likelihood]
    assert all(set(rows) == set(Disposition) for rows in (*segments, CROSS_LINK_LIKELIHOOD))
    assert all(
        kind.likelihood for kind in KINDS.values() if kind.after is not None or kind.purpose is not None
    )
    assert set(RESET_MARKS) == {(own, marks) for own in (True, False) for marks in (True, False)}
    assert all(0 < share < 1 for share in (*MARKS_SHOW.values(), *BARE_WINDOW.values()))


def reset(mark: ResetMark | None = None) -> Tried:
    return Tried(RawResponse.RESET, 1, mark)


SILENCE = Tried(RawResponse.SILENT, 3)
OPEN = Tried(RawResponse.OPEN, 1)
PASS, DROP, ONLY_SYN = Disposition.PASS, Disposition.DROP, Disposition.DROP_SYN


def segments(**tried: Tried) -> RawEvidence:
    """What segments of no connection met, by the names of their kinds."""
    return RawEvidence(segments=tuple((Shape(name), one) for name, one in tried.items()))


def cross_link(tried: Tried, destination=VPN) -> RawEvidence:
    return RawEvidence(cross_link=(CrossLinkProbe(destination, tried),))


# Raw evidence, an assumption that it speaks for, one that it speaks against, and how many times at least.
SPEAKS: dict[str, tuple[RawEvidence, Assumed, Assumed, float]] = {
    "a marked reset: the stack's own": (
        RawEvidence(mark=ResetMark.MARKED),
        Assumed(PASS, covered=False),
        Assumed(Disposition.RESET_HOST, covered=False),
        50,
    ),
    "a plain reset where marks show: forged": (
        RawEvidence(mark=ResetMark.PLAIN),
        Assumed(Disposition.RESET_HOST, covered=True),
        Assumed(PASS, covered=False),
        1000,
    ),
    "an odd reset where marks show: forged": (
        RawEvidence(mark=ResetMark.ODD),
        Assumed(Disposition.RESET_PATH, covered=True),
        Assumed(PASS, covered=False),
        20,
    ),
    "an ACK reset: only openings are dropped": (
        segments(ack=reset(ResetMark.MARKED)),
        Assumed(ONLY_SYN, covered=True),
        Assumed(DROP, covered=True),
        30,
    ),
    "an ACK reset: no stack that never resets": (
        segments(ack=reset(ResetMark.MARKED)),
        Assumed(PASS, covered=True, stealth=True),
        Assumed(PASS, covered=False, stealth=True),
        30,
    ),
    "an ACK dropped: all is dropped": (
        segments(ack=SILENCE),
        Assumed(DROP, covered=True),
        Assumed(ONLY_SYN, covered=True),
        50,
    ),
    "an ACK rejected: a filter that rejects": (
        segments(ack=Tried(RawResponse.REJECTED, 1)),
        Assumed(Disposition.REJECT_HOST, covered=True),
        Assumed(DROP, covered=True),
        50,
    ),
    "a FIN reset: nothing listens": (
        segments(ack=reset(ResetMark.MARKED), fin=reset(ResetMark.MARKED)),
        Assumed(ONLY_SYN, covered=False),
        Assumed(ONLY_SYN, covered=True),
        15,
    ),
    "a FIN kept where an ACK is reset: something listens": (
        segments(ack=reset(ResetMark.MARKED), fin=SILENCE),
        Assumed(ONLY_SYN, covered=True),
        Assumed(ONLY_SYN, covered=False),
        50,
    ),
    "a frame accepted: a socket takes it": (
        cross_link(OPEN),
        Assumed(PASS, covered=True, cross_link=(True,)),
        Assumed(PASS, covered=True, cross_link=(False,)),
        100,
    ),
    "a frame refused: none does": (
        cross_link(reset(ResetMark.MARKED)),
        Assumed(PASS, covered=True, cross_link=(False,)),
        Assumed(PASS, covered=True, cross_link=(True,)),
        50,
    ),
    "a frame refused without the mark: a filter, perhaps": (
        cross_link(reset(ResetMark.PLAIN)),
        Assumed(Disposition.RESET_HOST, covered=True, cross_link=(True,)),
        Assumed(PASS, covered=True, cross_link=(False,)),
        100,
    ),
    "a frame for loopback accepted": (
        cross_link(OPEN, LOOPBACK),
        Assumed(PASS, covered=False, cross_link=(True,)),
        Assumed(PASS, covered=False, cross_link=(False,)),
        20,
    ),
    "a frame for loopback refused": (
        cross_link(reset(ResetMark.MARKED), LOOPBACK),
        Assumed(PASS, covered=False, cross_link=(False,)),
        Assumed(PASS, covered=False, cross_link=(True,)),
        10,  # other loopback addresses than 127.0.0.1 are not asked
    ),
}
# Raw evidence, and two assumptions between which it does not decide.
UNINFORMATIVE: dict[str, tuple[RawEvidence, Assumed, Assumed]] = {
    "a plain reset where no mark shows": (
        RawEvidence(mark=ResetMark.PLAIN),
        Assumed(PASS, covered=False, marks=False),
        Assumed(Disposition.RESET_HOST, covered=True, marks=False),
    ),
    "a frame that nobody answers": (
        cross_link(SILENCE),
        Assumed(PASS, covered=True, cross_link=(True,)),
        Assumed(PASS, covered=True, cross_link=(False,)),
    ),
    "a frame that would be sent on": (
        cross_link(Tried(RawResponse.PASSED_ON, 1)),
        Assumed(PASS, covered=True, cross_link=(True,)),
        Assumed(PASS, covered=True, cross_link=(False,)),
    ),
    "a frame for loopback that nobody answers": (
        cross_link(SILENCE, LOOPBACK),
        Assumed(PASS, covered=True, cross_link=(True,)),
        Assumed(PASS, covered=True, cross_link=(False,)),
    ),
    "a FIN dropped like the ACK": (
        segments(ack=SILENCE, fin=SILENCE),
        Assumed(DROP, covered=True),
        Assumed(DROP, covered=False),
    ),
    "a frame where a stack never resets and nothing listens is as good as dropped": (
        cross_link(SILENCE),
        Assumed(PASS, covered=True, stealth=True, cross_link=(False,)),
        Assumed(DROP, covered=True, stealth=True, cross_link=(False,)),
    ),
}


@pytest.mark.parametrize("name", SPEAKS)
def test_raw_evidence_speaks_for(name):
    """It is so many times as likely where it should be."""
    raw, this, that, times = SPEAKS[name]
    assert raw_likelihood(raw, this, QUIET) > times * raw_likelihood(raw, that, QUIET)


HERE = Tried(RawResponse.HERE, 1)
# Beside an accepted connection: what a raw opening brought, and which of two acceptors it favours.
OPENINGS = {
    "no window: a SYN proxy": (RawEvidence(bare_window=True), Disposition.SPOOFED, PASS, 100),
    "a window: rather no SYN proxy": (RawEvidence(bare_window=False), PASS, Disposition.SPOOFED, 1.5),
    "refused: a program of this machine": (RawEvidence(opening=reset()), Disposition.TAKEN_HERE, PASS, 50),
    "refused: a box on the way hardly": (
        RawEvidence(opening=reset()),
        Disposition.TAKEN_HERE,
        Disposition.SPOOFED,
        4,
    ),
    "answered by this machine": (RawEvidence(opening=HERE), Disposition.TAKEN_HERE, PASS, 10_000),
    "accepted: rather the address": (RawEvidence(opening=OPEN), PASS, Disposition.TAKEN_HERE, 100),
}


@pytest.mark.parametrize("name", OPENINGS)
def test_a_raw_opening_shows_who_accepts(name):
    """It is so many times as likely where it should be, nothing listening behind what takes connections."""
    raw, this, that, times = OPENINGS[name]

    def share(disposition: Disposition) -> float:
        evidence, assumed = Evidence(Response.OPEN, 1, raw), Assumed(disposition, covered=disposition is PASS)
        plain = likelihood(Evidence(Response.OPEN, 1), Protocol.TCP, assumed, QUIET)
        return likelihood(evidence, Protocol.TCP, assumed, QUIET) / plain

    assert share(this) > times * share(that)


def test_a_nearer_box_is_as_bare_as_a_proxy_for_all():
    """A window of none shows a SYN proxy, and not what is behind one that answers for this port."""
    bare, assumed = RawEvidence(bare_window=True), Assumed(PASS, covered=True)
    with_it = likelihood(Evidence(Response.OPEN_NEARER, 1, bare), Protocol.TCP, assumed, QUIET)
    assert with_it > 0.4 * likelihood(Evidence(Response.OPEN_NEARER, 1), Protocol.TCP, assumed, QUIET)


@pytest.mark.parametrize("name", UNINFORMATIVE)
def test_raw_evidence_that_decides_nothing(name):
    """Between these two it decides nothing."""
    raw, this, that = UNINFORMATIVE[name]
    ratio = raw_likelihood(raw, this, QUIET) / raw_likelihood(raw, that, QUIET)
    assert abs(math.log(ratio)) < math.log(1.2)


def test_loss_makes_silence_cheap():
    """On a lossy way silence shows less, and where ICMP errors are rationed that of a rejector too."""
    ack, frame = segments(ack=SILENCE), cross_link(SILENCE)
    open_, taken = Assumed(ONLY_SYN, covered=True), Assumed(PASS, covered=True, cross_link=(True,))
    assert raw_likelihood(ack, open_, LOSSY) > 3 * raw_likelihood(ack, open_, QUIET)
    assert raw_likelihood(frame, taken, LOSSY) > raw_likelihood(frame, taken, QUIET)
    rejects = Assumed(Disposition.REJECT_HOST, covered=True)
    limited = Noise(0, 20, icmp_limited=True)
    assert raw_likelihood(ack, rejects, limited) > 3 * raw_likelihood(ack, rejects, QUIET)


def test_no_raw_evidence_changes_nothing_and_nothing_is_impossible():
    """Without raw the answer alone counts; with any raw the likelihood is above 0."""
    for disposition in Disposition:
        assumed = Assumed(disposition, covered=False, cross_link=(False,))
        assert raw_likelihood(NOTHING_RAW, assumed, QUIET) == 1.0
        for raw, *_ in (*SPEAKS.values(), *UNINFORMATIVE.values()):
            if len(raw.cross_link) == 1:
                assert raw_likelihood(raw, assumed, QUIET) >= EPSILON**2
    evidence = Evidence(Response.CLOSED, 1)
    assert likelihood(evidence, Protocol.TCP, Assumed(PASS, covered=False), QUIET) > 0.9


def test_frames_are_left_out_while_a_policy_is_learned():
    """Whether a socket takes a frame is a question of the port: without it frames count for nothing."""
    assert raw_likelihood(cross_link(OPEN), Assumed(PASS, covered=False), QUIET) == 1.0
