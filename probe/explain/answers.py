"""Answers in words: what was seen of a port on which addresses, the rule of each reading, and all in one line."""

from collections.abc import Iterable, Mapping, Sequence

from probe.explain.phrases import listed, spelled
from probe.explain.subject import Places, Subject
from probe.model.binding import Condition
from probe.model.evidence import EvidenceRule, PortEvidence, Reading, ReadingRule, Response
from probe.model.probing import Reason
from probe.model.target import Protocol

SUMMARIES: Mapping[Response, str] = {
    Response.OPEN: "open",
    Response.OPEN_BEHIND: "forwarded",
    Response.OPEN_NEARER: "intercepted",
    Response.CUT: "accepted and cut",
    Response.CUT_NEARER: "intercepted and cut",
    Response.CLOSED: "refused",
    Response.CLOSED_BEHIND: "forwarded and refused",
    Response.CLOSED_NEARER: "refused on the way",
    Response.ICMP_HOST: "rejected",
    Response.ICMP_PATH: "rejected on the way",
    Response.LOCAL: "stopped here",
    Response.SILENT: "silent",
    Response.REFUSED: "refused or rejected",
    Response.UNMEASURED: "not measured",
}
_NOT_REACHED: Mapping[str, str] = {
    Condition.TUNNEL_DOWN: "tunnel down",
    Condition.WRONG_ROUTE: "wrong route",
    Condition.LINK_DOWN: "link down",
    Condition.OFF_NETWORK: "off network",
}

_ACCEPTED = "accepted on {where}"
_REFUSED = "refused on {where}"
_REJECTED = "rejected on {where} by a filter of its own ({reason})"
_REJECTED_ON_THE_WAY = "rejected for {where} by {sender} ({reason})"
_SILENT = "no answer from {where} in {tries} tries"
_AS_WERE = ", as {were} {controls}"
SENTENCES: Mapping[EvidenceRule, str] = {
    EvidenceRule.ACCEPTED: _ACCEPTED,
    EvidenceRule.ACCEPTED_LIKE_CONTROLS: _ACCEPTED + _AS_WERE,
    EvidenceRule.FORWARDED: "accepted behind {where}: the port is forwarded (NAT or container)",
    EvidenceRule.INTERCEPTED: "accepted for {where} by a box on the way, not by the address itself",
    EvidenceRule.ACCEPTED_AND_CUT: (
        "accepted on {where}, then closed at once: the program refuses this peer, or its backend is down"
    ),
    EvidenceRule.INTERCEPTED_AND_CUT: (
        "accepted for {where} by a box on the way, then reset: what is behind it refuses"
    ),
    EvidenceRule.REFUSED: _REFUSED,
    EvidenceRule.REFUSED_LIKE_CONTROLS: _REFUSED + _AS_WERE,
    EvidenceRule.REFUSED_BESIDE_SILENCE: (
        _REFUSED + ", {controls} silent: the filter lets this port through"
    ),
    EvidenceRule.FORWARDED_AND_REFUSED: (
        "refused behind {where}: the port is forwarded, and nothing listens there"
    ),
    EvidenceRule.REFUSED_ON_THE_WAY: (
        "refused for {where} by a nearer box: its reset has a higher TTL than the address's own"
    ),
    EvidenceRule.REJECTED: _REJECTED,
    EvidenceRule.REJECTED_LIKE_CONTROLS: _REJECTED + _AS_WERE,
    EvidenceRule.REJECTED_ON_THE_WAY: _REJECTED_ON_THE_WAY,
    EvidenceRule.REJECTED_ON_THE_WAY_LIKE_CONTROLS: _REJECTED_ON_THE_WAY + _AS_WERE,
    EvidenceRule.STOPPED_HERE: "not sent to {where}: this machine itself answered {reason}",
    EvidenceRule.SILENT: _SILENT,
    EvidenceRule.SILENT_LIKE_CONTROLS: _SILENT + ", as from {controls}",
    EvidenceRule.SILENT_BESIDE_ANSWERS: _SILENT + ", while {controls} answered",
    EvidenceRule.REFUSED_OR_REJECTED: (
        "refused on {where}, by a reset or an ICMP error: this platform does not show which"
    ),
    EvidenceRule.NOT_MEASURED: "not measured on {where}",
    EvidenceRule.CHANGED: "{first} on {where} at first, then {later}: it changed during the scan",
    EvidenceRule.STOPPED_LISTENING: (
        "accepted on {where} at first, then refused: it stopped listening during the scan"
    ),
}
_DID: Mapping[Reason, str] = {
    Reason.SYN_ACK: "accepted",
    Reason.UDP_RESPONSE: "answered",
    Reason.RESET: "refused",
    Reason.REFUSED: "refused",
    Reason.NO_RESPONSE: "silent",
}
_REFUSED_BY_HOST = "refused by the host itself on {where}"
_ANSWERED = "answered on {where}"
_REFUSED_BY_EITHER = "refused on {where} by port-unreach, from the host or its filter"
_UDP: Mapping[EvidenceRule, str] = {
    EvidenceRule.ACCEPTED: _ANSWERED,
    EvidenceRule.ACCEPTED_LIKE_CONTROLS: _ANSWERED + _AS_WERE,
    EvidenceRule.REFUSED: _REFUSED_BY_EITHER,
    EvidenceRule.REFUSED_LIKE_CONTROLS: _REFUSED_BY_EITHER + _AS_WERE,
    EvidenceRule.REFUSED_BESIDE_SILENCE: (
        "refused on {where} by port-unreach, {controls} silent: the filter lets this port through"
    ),
}


def answer_sentence(evidence: PortEvidence, subject: Subject) -> str | None:
    """An answer as a sentence; None for evidence of another kind."""
    template = SENTENCES.get(evidence.rule)
    if template is None:
        return None
    if evidence.origin is not None:
        template = template.replace(_REFUSED, _REFUSED_BY_HOST)
    elif subject.protocol is Protocol.UDP:
        template = _UDP.get(evidence.rule, template)
    text = template.format(
        where=subject.places.named(evidence.addresses),
        reason=evidence.reason,
        first=_did(evidence.reason),
        later=_did(evidence.later),
        sender=evidence.sender or "a box that is not known",
        tries=evidence.tries,
        controls=_ports_that_nothing_uses(evidence.controls or 0),
        were="was" if evidence.controls == 1 else "were",
    )
    if evidence.condition is None:
        return text
    return f"{text}, which shows nothing: {_NOT_REACHED[evidence.condition]}"


def _did(reason: Reason | None) -> str:
    """An answer as a participle; what has no word of its own was rejected."""
    return "silent" if reason is None else _DID.get(reason, f"rejected ({reason})")


def _ports_that_nothing_uses(count: int) -> str:
    return f"{spelled(count)} unused ports" if count > 1 else "an unused port"


# How an answer is read: like unused ports on the same address, and where these answer otherwise.
_COMPARED: Mapping[Response, tuple[str, str]] = {
    Response.OPEN: (
        "open like unused ports: a box on the way answers for all, the service is hidden",
        "an accepted connection: a socket covers this address",
    ),
    Response.CLOSED: (
        "refused exactly like unused ports: nothing listens on this address, or a firewall rejects everything",
        "refused where unused ports are not: the filter lets it through, nothing listens on this address",
    ),
    Response.SILENT: (
        "silent like unused ports: a filter, a stealthy host or a dead path; the binding is hidden",
        "silent where unused ports answer: a filter or a full accept queue; the binding is hidden",
    ),
    Response.ICMP_HOST: (
        "rejected like unused ports: a default-reject firewall; the binding is hidden",
        "rejected where unused ports are not: a filter on this port; the binding is hidden",
    ),
    Response.ICMP_PATH: (
        "rejected on the way like unused ports: the binding is hidden",
        "rejected on the way, this port only: the binding is hidden",
    ),
}
_ALONE: Mapping[Response, str] = {
    Response.CUT: "accepted, then closed at once: the program refuses this peer, or has nothing behind it",
    Response.CUT_NEARER: (
        "a box on the way completes the handshake, then resets it: the port behind refuses"
    ),
    Response.OPEN_BEHIND: ("the port is forwarded past this address, by NAT or into a container"),
    Response.CLOSED_BEHIND: "the port is forwarded, and what it is forwarded to refuses",
    Response.OPEN_NEARER: "answered from nearer than the address: a box on the way completes the handshake",
    Response.CLOSED_NEARER: "refused from nearer than the address: a filter on the way; the binding is hidden",
    Response.LOCAL: "this machine did not let the probe out: nothing is known of the target",
    Response.REFUSED: "refused, by the host or by a filter: this platform does not show which",
    Response.UNMEASURED: "not measured: no evidence either way",
}
_WITHOUT_CONTROLS = "; no unused port was measured to compare it with"
READINGS: Mapping[tuple[ReadingRule, Response], str] = {
    **{(ReadingRule.LIKE_CONTROLS, response): like for response, (like, _) in _COMPARED.items()},
    **{(ReadingRule.UNLIKE_CONTROLS, response): unlike for response, (_, unlike) in _COMPARED.items()},
    **{
        (ReadingRule.WITHOUT_CONTROLS, response): SUMMARIES[response] + _WITHOUT_CONTROLS
        for response in _COMPARED
    },
    **{(ReadingRule.ALONE, response): text for response, text in _ALONE.items()},
    **{
        (ReadingRule.TUNNEL_DOWN, response): "the tunnel is down: silence shows nothing of the service"
        for response in Response
    },
    **{
        (ReadingRule.WRONG_ROUTE, response): (
            "not sent through the tunnel: silence shows nothing of the service"
        )
        for response in Response
    },
    **{
        (ReadingRule.LINK_DOWN, response): "the link is down: silence shows nothing of the service"
        for response in Response
    },
    **{
        (ReadingRule.OFF_NETWORK, response): (
            "no link of this machine leads there: silence shows nothing of the service"
        )
        for response in Response
    },
}


def answer_word(reading: Reading, condition: Condition) -> str:
    """An answer in a word or two; where no host has the address, that is what its silence is."""
    if condition is Condition.HOST_DOWN:
        return "no host"
    return _NOT_REACHED.get(reading.rule) or SUMMARIES[reading.response]


def summary(answers: Mapping[str, str], places: Places, families: Mapping[str, int]) -> str:
    """One line: which answer where, by realm. Addresses without one were not measured."""
    groups: dict[str, list[str]] = {}
    for address in places.realms:
        groups.setdefault(answers.get(address, SUMMARIES[Response.UNMEASURED]), []).append(address)
    count = len(places.realms)
    if len(groups) == 1 and count > 1:
        return f"{next(iter(groups))} on {'both' if count == 2 else f'all {count}'} addresses"  # noqa: PLR2004 - two are both
    parts = (f"{answer} on {listed(_short(where, places, families))}" for answer, where in groups.items())
    return "; ".join(parts)


def _short(addresses: Iterable[str], places: Places, families: Mapping[str, int]) -> Sequence[str]:
    return [_short_name(address, places, families) for address in addresses]


def _short_name(address: str, places: Places, families: Mapping[str, int]) -> str:
    """The realm where it names one address, else realm and family, else the address."""
    realm, family = places.realms[address], families[address]
    alike = [other for other, its in places.realms.items() if its == realm]
    if len(alike) == 1:
        return realm
    if sum(families[other] == family for other in alike) == 1:
        return f"{realm} IPv{family}"
    return address
