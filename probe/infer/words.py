"""The words of a verdict: evidence, the rule behind each reading, rivals, what would decide."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from probe.explain.phrases import listed, named, spelled
from probe.infer.heard import Heard
from probe.infer.policy import AddressModel
from probe.infer.priors import LISTED
from probe.infer.traces import Sign
from probe.infer.way_words import way_evidence, way_reading, way_summary
from probe.model.facts import Neighbour
from probe.model.probing import Observation, Origin
from probe.model.target import Port, Protocol
from probe.model.verdict import Binding, Candidate

_WORTH_SAYING = 0.05  # probability of an explanation that is told beside the likeliest ones
_FEW = 3

# What was heard, as a sentence over the addresses where it was heard.
_SENTENCES: Mapping[Heard, str] = {
    Heard.OPEN: "accepted on {where}",
    Heard.OPEN_BEHIND: "accepted on {where} by something behind it: the address forwards this port",
    Heard.OPEN_NEARER: "accepted for {where} by a box on the way, not by the address itself",
    Heard.CUT: "accepted on {where} and closed at once, as a proxy does whose service is not there",
    Heard.CUT_NEARER: "accepted for {where} by a box on the way, then reset: what is behind it refuses",
    Heard.CLOSED: "refused on {where}",
    Heard.CLOSED_BEHIND: "refused on {where} by something behind it: the address forwards this port",
    Heard.CLOSED_NEARER: "refused for {where} by a nearer box: its reset has a higher TTL than the address's own",
    Heard.ICMP_HOST: "rejected on {where} by a filter of its own ({reason})",
    Heard.ICMP_PATH: "rejected for {where} by {sender} ({reason})",
    Heard.LOCAL: "not sent to {where}: this machine itself answered {reason}",
    Heard.SILENT: "no answer from {where} in {tries} tries",
    Heard.REFUSED: "refused on {where}, by a reset or an ICMP error: this platform does not tell which",
    Heard.UNMEASURED: "not measured on {where}",
}
_UDP_SENTENCES: Mapping[Heard, str] = {
    Heard.OPEN: "answered on {where}",
    Heard.CLOSED: "refused on {where} with port-unreach, by the host or by its filter",
}
_AT_HOST = "refused by the host itself on {where}"

# The rule an answer is read by: what was heard there, and whether the address's controls answer the same way.
RULES: Mapping[Heard, tuple[str, str]] = {
    Heard.OPEN: (
        "ports that nothing uses are open too: a box on the way answers, the service is hidden",
        "an accepted connection: a socket covers this address",
    ),
    Heard.CLOSED: (
        "refused like ports that nothing uses: no socket covers this address, or resets are forged for all",
        "refused where ports that nothing uses are not: the filter lets it pass, no socket covers the address",
    ),
    Heard.SILENT: (
        "silent like ports that nothing uses: a filter, a stealthy stack or a dead path; the binding is hidden",
        "silent where ports that nothing uses answer: a filter or a full accept queue; the binding is hidden",
    ),
    Heard.ICMP_HOST: (
        "rejected like ports that nothing uses: a default-reject firewall; the binding is hidden",
        "rejected where ports that nothing uses are not: a filter on this port; the binding is hidden",
    ),
    Heard.ICMP_PATH: (
        "rejected on the way like ports that nothing uses: the binding is hidden",
        "rejected on the way, this port only: the binding is hidden",
    ),
}
_SINGLE_RULES: Mapping[Heard, str] = {
    Heard.CUT: "accepted, then closed at once: something listens here, perhaps a proxy without its service",
    Heard.CUT_NEARER: "a box on the way completes the handshake and then breaks it off: the port behind refuses",
    Heard.OPEN_BEHIND: "the address sends a probe on that lives exactly as long as the way to it: the port is forwarded",
    Heard.CLOSED_BEHIND: "the address forwards the port, and what it forwards to refuses",
    Heard.OPEN_NEARER: "answered from nearer than the address: a box on the way completes the handshake",
    Heard.CLOSED_NEARER: "refused from nearer than the address: a filter on the way; the binding is hidden",
    Heard.LOCAL: "this machine did not let the probe out: nothing is known of the target",
    Heard.REFUSED: "refused, by the host or by a filter: this platform does not tell which",
    Heard.UNMEASURED: "not measured: counts neither for nor against anything",
}


def evidence(port: Port, models: Sequence[AddressModel]) -> tuple[str, ...]:
    """What was heard of a port, one sentence for the addresses that say the same."""
    groups: dict[str, list[AddressModel]] = {}
    for model in models:
        observation = model.tested.get(port)
        if observation is not None:
            groups.setdefault(_template(port, observation, model), []).append(model)
    return tuple(_sentence(template, members) for template, members in groups.items())


def _template(port: Port, observation: Observation, model: AddressModel) -> str:
    symbol = model.evidence[port].heard
    udp = port.protocol is Protocol.UDP
    text = _UDP_SENTENCES.get(symbol, _SENTENCES[symbol]) if udp else _SENTENCES[symbol]
    own = model.evidence[port].hints.sign in {None, Sign.MARKED}
    if symbol is Heard.CLOSED and observation.origin is Origin.HOST and own:
        text = _AT_HOST
    text = text.replace("{reason}", observation.reason).replace("{sender}", str(observation.sender))
    lost = way_summary(port, model)
    if lost is not None:
        return f"{text.replace('{tries}', str(observation.attempts))}, which counts for nothing: {lost}"
    return text.replace("{tries}", str(observation.attempts)) + _beside_controls(
        symbol, _comparable(port, model)
    )


def _comparable(port: Port, model: AddressModel) -> list[Heard]:
    """What the address itself said on ports that nothing uses; this machine's own word is not that."""
    return [symbol for symbol in model.controls[port.protocol] if symbol is not Heard.LOCAL]


def _beside_controls(symbol: Heard, controls: Sequence[Heard]) -> str:
    """How the answer compares with ports that nothing uses on the same address."""
    same = sum(control is symbol for control in controls)
    ports = (
        f"{spelled(len(controls))} ports that nothing uses"
        if len(controls) > 1
        else "a port that nothing uses"
    )
    if symbol not in RULES or not controls:
        return ""
    if same == len(controls):
        return f", as {'were' if symbol is not Heard.SILENT else 'from'} {ports}"
    if symbol is Heard.CLOSED and all(control is Heard.SILENT for control in controls):
        return f", while {ports} stayed silent: the filter lets this port through"
    if symbol is Heard.SILENT and not any(control is Heard.SILENT for control in controls):
        return f", while {ports} answered"
    return ""


def _sentence(template: str, members: Sequence[AddressModel]) -> str:
    return template.replace("{where}", listed([named(m.address.ip, m.address.realm) for m in members]))


def reading(port: Port, model: AddressModel) -> str | None:
    """The rule by which one address's answer was read."""
    if port not in model.evidence:
        return None
    lost = way_reading(port, model)
    if lost is not None:
        return lost
    symbol = model.evidence[port].heard
    if symbol in _SINGLE_RULES:
        return _SINGLE_RULES[symbol]
    controls = _comparable(port, model)
    if not controls:
        return f"{_SUMMARY[symbol]}; no port that nothing uses was measured to compare it with"
    like_controls = 2 * sum(control is symbol for control in controls) > len(controls)
    return RULES[symbol][0 if like_controls else 1]


_BINDING_WORDS = {
    Binding.WILDCARD: "bound to all interfaces",
    Binding.LOOPBACK: "bound to loopback",
    Binding.NOT_LISTENING: "not listening",
}


def candidate_words(candidate: Candidate) -> str:
    """A candidate as a phrase."""
    if candidate.binding is Binding.SPECIFIC:
        return f"bound to {listed([str(ip) for ip in candidate.bound_to])} only"
    return _BINDING_WORDS[candidate.binding]


_THROUGH_VPN = ", behind a VPN program that hands connections to 127.0.0.1"


def rivals(candidates: Iterable[Candidate], named: frozenset[Candidate], *, opened: bool) -> tuple[str, ...]:
    """What was not excluded, most probable first; `opened` where some address accepted."""
    return tuple(
        f"{candidate_words(c)}{_THROUGH_VPN if opened and c.binding is Binding.LOOPBACK else ''}"
        f" ({c.probability:.1%})"
        for c in candidates
        if c not in named and c.probability >= LISTED
    )


def full_queue(probability: float) -> tuple[str, ...]:
    """The rival of a filter where a port is silent: a service that does not accept any more."""
    if probability < _WORTH_SAYING:
        return ()
    return (f"no filter, but a service that hangs: its accept queue is full ({probability:.0%})",)


_SUMMARY = {
    Heard.OPEN: "open",
    Heard.OPEN_BEHIND: "forwarded",
    Heard.OPEN_NEARER: "intercepted",
    Heard.CUT: "accepted and cut",
    Heard.CUT_NEARER: "intercepted and cut",
    Heard.CLOSED: "refused",
    Heard.CLOSED_BEHIND: "forwarded and refused",
    Heard.CLOSED_NEARER: "refused on the way",
    Heard.ICMP_HOST: "rejected",
    Heard.ICMP_PATH: "rejected on the way",
    Heard.LOCAL: "stopped here",
    Heard.SILENT: "silent",
    Heard.REFUSED: "refused or rejected",
    Heard.UNMEASURED: "not measured",
}


def why(port: Port, models: Sequence[AddressModel]) -> str:
    """One line: what was heard where, by realm."""
    groups: dict[str, list[str]] = {}
    for model in models:
        symbol = model.evidence[port].heard if port in model.evidence else Heard.UNMEASURED
        groups.setdefault(way_summary(port, model) or _SUMMARY[symbol], []).append(_short(model, models))
    if len(groups) == 1 and len(models) > 1:
        said = next(iter(groups))
        return f"{said} on {'both' if len(models) == 2 else f'all {len(models)}'} addresses"  # noqa: PLR2004 - two are both
    return "; ".join(f"{said} on {listed(names)}" for said, names in groups.items())


def undecided(candidates: Sequence[Candidate]) -> str:
    """The likeliest explanations of a port for which no binding is named."""
    likely = [c for c in candidates if c.probability >= _WORTH_SAYING][:_FEW]
    return " or ".join(f"{candidate_words(c)} ({c.probability:.0%})" for c in likely)


def _short(model: AddressModel, models: Sequence[AddressModel]) -> str:
    """The realm where it names one address, else realm and family, else the address."""
    realm, family = model.address.realm, model.address.family
    alike = [m for m in models if m.address.realm == realm]
    if len(alike) == 1:
        return realm
    if sum(m.address.family == family for m in alike) == 1:
        return f"{realm} IPv{family}"
    return str(model.address.ip)


def next_tests(port: Port, binding: Binding, candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """What would decide between the candidates that are left."""
    flag = "-tlnp" if port.protocol is Protocol.TCP else "-ulnp"
    tests = [f"on the target: ss {flag} 'sport = :{port.number}'"]
    likely = {c.binding for c in candidates if c.probability >= LISTED}
    if binding is Binding.LOOPBACK_OR_NOT_LISTENING and port.protocol is Protocol.TCP:
        tests.append(f"through a login on the target: ssh -W 127.0.0.1:{port.number} HOST")
    if binding is Binding.UNDETERMINED and {Binding.WILDCARD, Binding.SPECIFIC} <= likely:
        tests.append("probe another address of the target, from where no filter stands between")
    return tuple(tests)


def _manners(counts: Counter[Heard]) -> str:
    """What became of the ports that nothing uses, as "three ports that nothing uses: all refused"."""
    total = counts.total()
    ports = "ports" if total > 1 else "port"
    if len(counts) == 1:
        said = f"all {_SUMMARY[next(iter(counts))]}" if total > 1 else _SUMMARY[next(iter(counts))]
    else:
        said = ", ".join(f"{spelled(n)} {_SUMMARY[symbol]}" for symbol, n in counts.most_common())
    return f"{spelled(total)} {ports} that nothing uses: {said}"


def address_evidence(model: AddressModel) -> tuple[str, ...]:
    """How an address answers on ports that nothing uses, how far it is, and what else was seen of it."""
    survey = model.survey
    out = []
    counts = model.control_counts()
    if counts:
        out.append(_manners(counts))
    if survey.hops is not None:
        ttl = "" if survey.reply_ttl is None else f", its answers arrive with TTL {survey.reply_ttl}"
        out.append(f"answers from {survey.hops} hop{'s' if survey.hops > 1 else ''} away{ttl}")
    out += way_evidence(survey)
    if survey.neighbour is Neighbour.FAILED:
        out.append("nobody on the link answers for this address (ARP or neighbour discovery)")
    if model.noise.lost:
        tries = model.noise.lost + model.noise.answered
        out.append(f"{model.noise.lost / tries:.0%} of tries were lost")
    if model.noise.banned:
        out.append("it stopped answering while it was probed: later silences count for little")
    return tuple(out)
