"""The words for what raw packets told of a port: one sentence a hint, for the addresses that share it."""

from collections.abc import Iterator, Mapping, Sequence

from probe.explain.phrases import listed, named
from probe.infer.heard import Heard
from probe.infer.policy import AddressModel
from probe.infer.priors import SURE
from probe.infer.traces import Back, Crossed, Hints, Sign, Tried
from probe.model.target import Port

_ACK: Mapping[Back, str] = {
    Back.RESET: "an ACK to {where} is reset: openings are dropped, and the stack behind the filter is there",
    Back.SILENT: "an ACK to {where} is dropped as well, as a filter does that knows its connections",
    Back.REJECTED: "an ACK to {where} is rejected with an ICMP error",
}
_FIN: Mapping[Back, str] = {
    Back.RESET: "a FIN to {where} is reset: nothing listens there behind the filter",
    Back.SILENT: "a FIN to {where} is not answered where an ACK is reset, as by a port with a listener",
}
_FIN_BESIDE: Mapping[Back, str] = {
    Back.RESET: "is reset by its own stack: no socket of the host has the port",
    Back.SILENT: "is not answered: the host has a filter or a socket on it too, as Docker's proxy is",
    Back.REJECTED: "is rejected by a filter, which what is forwarded does not meet",
}
_REACHED = "openings for {where} get as far as {hop}, hop {ttl}: they are dropped there or behind it"
_CROSSED: Mapping[Back, str] = {
    Back.OPEN: "the machine at {where} accepts for {there} on its own link",
    Back.RESET: "the machine at {where} refuses for {there} on its own link",
    Back.REJECTED: "the machine at {where} rejects what is for {there} on its own link",
    Back.PASSED_ON: "the machine at {where} would send on what is for {there}",
    Back.SILENT: "the machine at {where} does not answer for {there} on its own link",
}
_LOOPBACK: Mapping[Back, str] = {
    Back.OPEN: "the machine at {where} accepts for {there} from its link: loopback is reached from there",
    Back.RESET: "the machine at {where} refuses for {there} from its link: nothing listens on that address",
    Back.PASSED_ON: "the machine at {where} forwards the port of {there} even from its link, as Docker does",
}
_OWN_RESET = "the reset of {where} carries the mark of the probe: it is the host's own stack that refuses"
_FORGED = "the reset of {where} lacks the mark of its host's own resets: a filter forges it"
_UNSIGNED = "no reset of {where} carries the mark of the probe: a filter may forge them all"
_BARE = "the SYN/ACK of {where} offers no window, as SYN proxies do: what is behind may not be there"
_ELSEWHERE = "{where} answers from another of its addresses: its socket is bound to all interfaces"
_UNHEARD = "raw packets hear {where} answer, and this machine's sockets do not"


def raw_evidence(port: Port, models: Sequence[AddressModel]) -> tuple[str, ...]:
    """One sentence for each hint on a port."""
    groups: dict[str, list[str]] = {}
    for model in models:
        if port in model.evidence:
            for template in _templates(port, model):
                groups.setdefault(template, []).append(named(model.address.ip, model.address.realm))
    return tuple(template.replace("{where}", listed(where)) for template, where in groups.items())


def _templates(port: Port, model: AddressModel) -> Iterator[str]:
    hints = model.evidence[port].hints
    if model.tested[port].unheard:
        yield _UNHEARD
    if hints.sign is not None:
        yield from _of_sign(hints.sign, model)
    if hints.bare_window:
        yield _BARE
    if hints.elsewhere:
        yield _ELSEWHERE
    yield from _of_segments(hints, model.evidence[port].heard)
    for crossing in hints.crossed:
        yield from _of_crossing(crossing)


def _of_sign(sign: Sign, model: AddressModel) -> Iterator[str]:
    if sign is Sign.MARKED:
        yield _OWN_RESET
    elif sum(share for (_, marks), share in model.characters().items() if marks) >= SURE:
        yield _FORGED
    else:
        yield _UNSIGNED


def _of_segments(hints: Hints, heard: Heard) -> Iterator[str]:
    if heard is Heard.OPEN_BEHIND and hints.fin is not None:
        yield from _beside_forward(hints.fin)
    if heard is not Heard.SILENT:
        return
    if hints.reached is not None:
        yield _REACHED.format(where="{where}", ttl=hints.reached[0], hop=hints.reached[1])
    if hints.ack is not None and hints.ack.back in _ACK:
        yield _ACK[hints.ack.back]
    if hints.fin is not None and hints.fin.back in _FIN:
        yield _FIN[hints.fin.back]


def _beside_forward(fin: Tried) -> Iterator[str]:
    """What a FIN met where connections are forwarded. Without the mark a reset may be a filter's."""
    if fin.back in _FIN_BESIDE and fin.sign in {None, Sign.MARKED}:
        yield f"a FIN to {{where}}, which nothing forwards, {_FIN_BESIDE[fin.back]}"


def _of_crossing(crossing: Crossed) -> Iterator[str]:
    texts = _LOOPBACK if crossing.destination.is_loopback else _CROSSED
    if crossing.tried.back in texts:
        yield texts[crossing.tried.back].replace("{there}", str(crossing.destination))
