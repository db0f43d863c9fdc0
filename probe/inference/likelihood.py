"""P(response | what is assumed): the tables applied to one port's evidence on one address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from probe.inference.responses import OPENED, Noise
from probe.inference.tables import (
    BARE_WINDOW,
    COMPLETERS,
    CROSS_LINK_LIKELIHOOD,
    EPSILON,
    LOOPBACK_LIKELIHOOD,
    MUTE,
    OWN_RESETS,
    REFUSED_AS,
    RESET_MARKS,
    likelihoods_of,
)
from probe.inference.traces import NOTHING_RAW, CrossLinkProbe, RawEvidence, Tried
from probe.model.disposition import Disposition, RawResponse
from probe.model.evidence import Response
from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire.kinds import kind_of

_BY_ICMP = frozenset({Disposition.REJECT_HOST, Disposition.REJECT_PATH})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one address showed of one port, to sockets and to raw packets."""

    response: Response
    attempts: int
    raw: RawEvidence = NOTHING_RAW
    rationed: bool = False  # silent, while who would send an ICMP error had given its ration of them


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of the probes to one port on one address.

    `covered`: a socket covers the address. `stealth`: its stack is silent where nothing listens. `marks`: the
    stack's own resets show the mark of the probe. `cross_link`: for each frame for another
    address that was handed to it, whether a socket takes it; None: not weighed.
    """

    disposition: Disposition
    covered: bool
    stealth: bool = False
    marks: bool = True
    cross_link: tuple[bool, ...] | None = None


def likelihood(evidence: Evidence, protocol: Protocol, assumed: Assumed, noise: Noise) -> float:
    """P(response, raw | assumed): never 0."""
    by_sockets = response_likelihood(evidence, protocol, assumed, noise)
    raw = evidence.raw
    if evidence.response in OPENED and raw is not NOTHING_RAW:
        by_sockets *= _accepted_likelihood(evidence, assumed, noise)
        raw = replace(raw, mark=None)  # a reset to another opening than the accepted one
    return by_sockets * raw_likelihood(raw, assumed, noise)


def _accepted_likelihood(evidence: Evidence, assumed: Assumed, noise: Noise) -> float:
    """What a raw opening showed of a port that a connection was accepted on."""
    out, raw = 1.0, evidence.raw
    if raw.bare_window is not None:
        by_box = assumed.disposition in COMPLETERS or evidence.response is Response.OPEN_NEARER
        out *= BARE_WINDOW[by_box] if raw.bare_window else 1 - BARE_WINDOW[by_box]
    if raw.opening is not None:
        rows = kind_of(Shape.OPENING, Protocol.TCP).likelihood[assumed.disposition]
        out *= _of(raw.opening, rows[assumed.covered], noise)
    return out


def response_likelihood(evidence: Evidence, protocol: Protocol, assumed: Assumed, noise: Noise) -> float:
    """P(response | disposition), or silence where an answer was lost or limited."""
    if evidence.response in MUTE:
        return 1.0
    disposition, covered = assumed.disposition, assumed.covered
    if _stealthy(assumed):
        return 1.0 if evidence.response is Response.SILENT else EPSILON
    table = likelihoods_of(protocol, disposition, covered=covered)
    if evidence.response is Response.REFUSED:
        return max(EPSILON, sum(table.get(one, 0.0) for one in REFUSED_AS))
    if evidence.response is Response.SILENT:
        by_icmp = protocol is Protocol.UDP and not covered
        lost = (
            noise.icmp_silence(evidence.attempts, rationed=evidence.rationed)
            if by_icmp or disposition in _BY_ICMP
            else noise.silence(evidence.attempts)
        )
        by_nature = table.get(Response.SILENT, 0.0)
        return by_nature + (1 - by_nature) * lost
    return max(EPSILON, table.get(evidence.response, 0.0))


def _stealthy(assumed: Assumed) -> bool:
    return assumed.stealth and assumed.disposition is Disposition.PASS and not assumed.covered


def raw_likelihood(raw: RawEvidence, assumed: Assumed, noise: Noise) -> float:
    """P(what raw packets showed | assumed), each given what the port answered."""
    if raw is NOTHING_RAW:
        return 1.0
    out = 1.0
    if raw.mark is not None:
        out *= RESET_MARKS[assumed.disposition in OWN_RESETS, assumed.marks][raw.mark]
    for shape, tried in raw.segments:
        out *= _segment(shape, tried, raw, assumed, noise)
    if assumed.cross_link is not None:
        for frame, taken in zip(raw.cross_link, assumed.cross_link, strict=True):
            out *= _cross_link(frame, assumed, noise, taken=taken)
    return out


def _of(tried: Tried, shares: Mapping[RawResponse, float], noise: Noise) -> float:
    """A table's share of what came back, with the silence that loss makes."""
    if tried.response is RawResponse.SILENT:
        by_nature = shares.get(RawResponse.SILENT, 0.0)
        limited = shares.get(RawResponse.REJECTED, 0.0) > 0.5  # noqa: PLR2004 - mostly answered by ICMP
        lost = noise.icmp_silence if limited else noise.silence
        return by_nature + (1 - by_nature) * lost(tried.attempts)
    return max(EPSILON, shares.get(tried.response, 0.0))


def _segment(shape: Shape, tried: Tried, raw: RawEvidence, assumed: Assumed, noise: Noise) -> float:
    """A segment of no connection. One that goes where another went is weighed beside that alone."""
    kind = kind_of(shape, Protocol.TCP)
    before = None if kind.after is None else raw.segment(kind.after)
    if kind.after is not None and before is None:
        return 1.0
    if (
        before is not None
        and before.response is RawResponse.RESET
        and assumed.disposition in kind.past_filter
    ):
        likely = _of(tried, kind.past_filter[assumed.disposition][assumed.covered], noise)
        # Linux resets none at a listener; the stacks that do show no marks.
        return likely if assumed.covered else likely * _marked(tried, assumed)
    disposition = Disposition.DROP if _stealthy(assumed) else assumed.disposition
    return _of(tried, kind.likelihood[disposition][assumed.covered], noise) * _marked(tried, assumed)


def _cross_link(frame: CrossLinkProbe, assumed: Assumed, noise: Noise, *, taken: bool) -> float:
    if frame.destination.is_loopback:
        return _of(frame.tried, LOOPBACK_LIKELIHOOD[taken], noise)
    disposition = assumed.disposition
    if assumed.stealth and not taken and disposition is Disposition.PASS:
        disposition = Disposition.DROP
    return _of(frame.tried, CROSS_LINK_LIKELIHOOD[disposition][taken], noise) * _marked(frame.tried, assumed)


def _marked(tried: Tried, assumed: Assumed) -> float:
    """Whose reset it is, where it is one."""
    if tried.mark is None:
        return 1.0
    return RESET_MARKS[assumed.disposition in OWN_RESETS, assumed.marks][tried.mark]
