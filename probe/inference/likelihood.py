"""P(response | what is assumed): the tables applied to one port's evidence on one address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from probe.inference.responses import OPENED, Noise
from probe.inference.tables import (
    ACK_BACKS,
    BARE_WINDOW,
    COMPLETERS,
    CROSS_BACKS,
    EPSILON,
    FIN_AT_LISTENER,
    FIN_REACHES,
    LOOPBACK_BACKS,
    MUTE,
    OPENING_BACKS,
    OPENING_BACKS_SPOOFED,
    OPENING_BACKS_TAKEN_HERE,
    OWN_RESETS,
    REFUSED_AS,
    SIGNS,
    Fate,
    sounds,
)
from probe.inference.traces import NO_HINTS, Back, Crossed, Hints, Tried
from probe.model.evidence import Response
from probe.model.target import Protocol

_ICMP_FATES = frozenset({Fate.REJECT_HOST, Fate.REJECT_PATH})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one address showed of one port, to sockets and to raw packets."""

    response: Response
    attempts: int
    hints: Hints = NO_HINTS


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of the probes to one port on one address.

    `covered`: a socket covers the address. `stealth`: its stack is silent where nothing listens. `marks`: the
    stack's own resets show the mark of the probe. `crossed`: for each frame handed to it for another address,
    whether a socket takes it; None: not weighed.
    """

    fate: Fate
    covered: bool
    stealth: bool = False
    marks: bool = True
    crossed: tuple[bool, ...] | None = None


def likelihood(evidence: Evidence, protocol: Protocol, assumed: Assumed, noise: Noise) -> float:
    """P(response, hints | assumed): never 0."""
    by_sockets = response_likelihood(evidence, protocol, assumed, noise)
    hints = evidence.hints
    if evidence.response in OPENED and hints is not NO_HINTS:
        by_sockets *= _accepted_likelihood(evidence, assumed, noise)
        hints = replace(hints, sign=None)  # a reset to another opening than the accepted one
    return by_sockets * hints_likelihood(hints, assumed, noise)


def _accepted_likelihood(evidence: Evidence, assumed: Assumed, noise: Noise) -> float:
    """What a raw opening showed of a port that a connection was accepted on."""
    out, hints = 1.0, evidence.hints
    if hints.bare_window is not None:
        by_box = assumed.fate in COMPLETERS or evidence.response is Response.OPEN_NEARER
        out *= BARE_WINDOW[by_box] if hints.bare_window else 1 - BARE_WINDOW[by_box]
    if hints.opening is not None:
        out *= _of(hints.opening, _openings(assumed), noise)
    return out


def _openings(assumed: Assumed) -> Mapping[Back, float]:
    if assumed.fate is Fate.TAKEN_HERE:
        return OPENING_BACKS_TAKEN_HERE[assumed.covered]
    return OPENING_BACKS_SPOOFED if assumed.fate in COMPLETERS else OPENING_BACKS


def response_likelihood(evidence: Evidence, protocol: Protocol, assumed: Assumed, noise: Noise) -> float:
    """The sound of the fate, or silence where an answer was lost or limited."""
    if evidence.response in MUTE:
        return 1.0
    fate, covered = assumed.fate, assumed.covered
    if _stealthy(assumed):
        return 1.0 if evidence.response is Response.SILENT else EPSILON
    table = sounds(protocol, fate, covered=covered)
    if evidence.response is Response.REFUSED:
        return max(EPSILON, sum(table.get(sound, 0.0) for sound in REFUSED_AS))
    if evidence.response is Response.SILENT:
        limited = fate in _ICMP_FATES or (protocol is Protocol.UDP and not covered)  # answered by ICMP
        lost = noise.icmp_silence if limited else noise.silence
        by_nature = table.get(Response.SILENT, 0.0)
        return by_nature + (1 - by_nature) * lost(evidence.attempts)
    return max(EPSILON, table.get(evidence.response, 0.0))


def _stealthy(assumed: Assumed) -> bool:
    return assumed.stealth and assumed.fate is Fate.PASS and not assumed.covered


def hints_likelihood(hints: Hints, assumed: Assumed, noise: Noise) -> float:
    """P(what raw packets showed | assumed), each hint given what the port answered."""
    if hints is NO_HINTS:
        return 1.0
    out = 1.0
    if hints.sign is not None:
        out *= SIGNS[assumed.fate in OWN_RESETS, assumed.marks][hints.sign]
    if hints.ack is not None:
        out *= _ack(hints.ack, assumed, noise)
        out *= _fin(hints.fin, hints.ack, assumed, noise) if hints.fin is not None else 1.0
    if assumed.crossed is not None:
        for crossing, taken in zip(hints.crossed, assumed.crossed, strict=True):
            out *= _crossing(crossing, assumed, noise, taken=taken)
    return out


def _of(tried: Tried, backs: Mapping[Back, float], noise: Noise) -> float:
    """A table's share of what came back, with the silence that loss makes."""
    if tried.back is Back.SILENT:
        by_nature = backs.get(Back.SILENT, 0.0)
        limited = backs.get(Back.REJECTED, 0.0) > 0.5  # noqa: PLR2004 - mostly answered by ICMP
        lost = noise.icmp_silence if limited else noise.silence
        return by_nature + (1 - by_nature) * lost(tried.attempts)
    return max(EPSILON, backs.get(tried.back, 0.0))


def _ack(tried: Tried, assumed: Assumed, noise: Noise) -> float:
    backs = ACK_BACKS[Fate.DROP if _stealthy(assumed) else assumed.fate]
    return _of(tried, backs, noise) * _signed(tried, assumed)


def _fin(tried: Tried, ack: Tried, assumed: Assumed, noise: Noise) -> float:
    """A FIN goes where the ACK went: past a filter that let that through, to the socket or the stack."""
    passes = ack.back is Back.RESET and assumed.fate in FIN_REACHES
    if not passes:
        return _ack(tried, assumed, noise)
    if assumed.covered:
        return _of(tried, FIN_AT_LISTENER, noise)
    return _of(tried, ACK_BACKS[Fate.PASS], noise) * _signed(tried, assumed)


def _crossing(crossing: Crossed, assumed: Assumed, noise: Noise, *, taken: bool) -> float:
    if crossing.destination.is_loopback:
        return _of(crossing.tried, LOOPBACK_BACKS[taken], noise)
    fate = Fate.DROP if assumed.stealth and not taken and assumed.fate is Fate.PASS else assumed.fate
    return _of(crossing.tried, CROSS_BACKS[fate][taken], noise) * _signed(crossing.tried, assumed)


def _signed(tried: Tried, assumed: Assumed) -> float:
    """Whose reset it is, where it is one."""
    if tried.sign is None:
        return 1.0
    return SIGNS[assumed.fate in OWN_RESETS, assumed.marks][tried.sign]
