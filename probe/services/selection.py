"""Which open ports are worth asking for keys, and which for a greeting. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from probe.model.facts import AddressSurvey
from probe.model.greeting import Approach, Call, Greeting
from probe.model.identity import Key, KeyKind
from probe.model.probing import CUT_SHORT, TCP_ANSWERS, Aftermath, Observation, Reason, Role
from probe.model.target import IPAddress, Port, Protocol
from probe.services.banner_text import parse_greeting
from probe.services.registry import SSH_PORTS, TLS_PORTS, UNSPOKEN_PORTS, WEB_PORTS, find_service

# --- where openings are counted ---


GREETS_AS_SSH = b"SSH-"


def is_ssh_by_number(port: Port) -> bool:
    """Whether openings of a port are likely to be counted, as far as its number shows."""
    return port.protocol is Protocol.TCP and port.number in SSH_PORTS


def greets_as_ssh(seen: Iterable[Observation]) -> bool:
    """Whether a port began as SSH does: what the survey's own connection read of it."""
    return any(o.first_bytes.startswith(GREETS_AS_SSH) for o in seen)


def is_counted(port: Port, seen: Iterable[Observation]) -> bool:
    """Whether openings of a port are likely to be counted: ssh by its number, or by what it sends first."""
    return is_ssh_by_number(port) or greets_as_ssh(seen)


def is_outcome_of_port(o: Observation) -> bool:
    """Whether this is what a port is known by, while a survey is under way.

    That is what was asked without a limit, or, of a neighbour's port of ssh, what answered within a hop.
    """
    question = o.question
    within_a_hop = is_ssh_by_number(question.port) and o.reason in TCP_ANSWERS
    plain = question.ttl is None or within_a_hop
    return question.role is Role.TESTED and plain and question.min_ttl is None


# --- keys ---


MOST_PORTS = 4


def keyed_ports(surveys: Sequence[AddressSurvey]) -> tuple[tuple[IPAddress, Port], ...]:
    """Where to ask for keys: at most four ports, each on every address that holds it open."""
    ranked = sorted(
        (rank, port, tuple(seen))
        for port, seen in opened_on_several(surveys).items()
        if (rank := _rank(port, seen.values())) is not None
    )
    return tuple((ip, port) for _, port, seen in ranked[:MOST_PORTS] for ip in seen)


def opened_on_several(surveys: Sequence[AddressSurvey]) -> Mapping[Port, Mapping[IPAddress, Observation]]:
    """The TCP ports that two addresses or more hold open, with the answer of each of these."""
    opened: defaultdict[Port, dict[IPAddress, Observation]] = defaultdict(dict)
    for survey in surveys:
        for port, observation in survey.tested().items():
            accepted = observation.reason is Reason.SYN_ACK and port.protocol is Protocol.TCP
            if accepted and observation.aftermath not in CUT_SHORT:
                opened[port][survey.address.ip] = observation
    return {port: seen for port, seen in opened.items() if len(seen) > 1}


def may_show_keys(ports: Collection[Port]) -> bool:
    """Whether any of these could be asked for keys, as far as the numbers show."""
    return any(
        port.protocol is Protocol.TCP and (port.number in SSH_PORTS | TLS_PORTS or find_service(port) is None)
        for port in ports
    )


def _rank(port: Port, seen: Collection[Observation]) -> int | None:
    """SSH first, for host keys are the best, then TLS, then what may be SSH on another port; None: not asked.

    In TLS the client speaks first (RFC 8446 section 2), in SSH both do (RFC 4253 section 4.2): a server that
    keeps quiet on every address is none. A port with a customary service of another kind is not asked whether
    it is SSH, although it speaks first: mail and FTP do too. Nor is what was seen to begin otherwise.
    """
    aftermaths = {o.aftermath for o in seen}
    spoke = Aftermath.SPOKE in aftermaths
    quiet = aftermaths == {Aftermath.HELD}
    if port.number in TLS_PORTS:
        return None if spoke else 1
    if quiet or any(o.first_bytes and not _begins_as_ssh(o.first_bytes) for o in seen):
        return None
    if port.number in SSH_PORTS:
        return 0
    return 2 if spoke and find_service(port) is None else None


def _begins_as_ssh(first_bytes: bytes) -> bool:
    """Whether this may be an identification string; other lines before it are of the past (RFC 4253 4.2)."""
    return GREETS_AS_SSH.startswith(first_bytes[: len(GREETS_AS_SSH)])


# --- greetings ---


MOST_GREETED = 12
_PRIVILEGED = 1024  # below these a port without a customary service is left alone
_GREETS_IN_TLS = frozenset({465, 993, 995})  # RFC 8314: mail, where the server speaks first


def greeted_ports(surveys: Sequence[AddressSurvey]) -> tuple[Call, ...]:
    """Whom to call: at most twelve ports, each on every address that holds it open; no port of SSH.

    An sshd counts connections; what it sends first is read already (`greetings_of_ssh`).
    """
    ranked = sorted(
        (not likely, port, approach, tuple(seen))
        for port, seen in opened_on_several(surveys).items()
        if not is_counted(port, seen.values())
        for approach, likely in _approach(port, {o.aftermath for o in seen.values()})
    )
    return tuple(
        Call(ip, port, approach, likely=not unlikely)
        for unlikely, port, approach, seen in ranked[:MOST_GREETED]
        for ip in seen
    )


def greetings_of_ssh(surveys: Sequence[AddressSurvey]) -> Mapping[tuple[IPAddress, Port], Greeting]:
    """What ports of SSH sent on the survey's own connections, where several addresses hold them open.

    What showed a host key is known better than by its greeting.
    """
    keyed = {(s.address.ip, port) for s in surveys for port, keys in s.keys.items() if _has_ssh(keys)}
    found = {
        (ip, port): parse_greeting(o.first_bytes)
        for port, seen in opened_on_several(surveys).items()
        for ip, o in seen.items()
        if greets_as_ssh((o,)) and (ip, port) not in keyed
    }
    return {place: greeting for place, greeting in found.items() if greeting is not None}


def may_greet(ports: Collection[Port]) -> bool:
    """Whether any of these could be asked for a greeting, as far as the numbers show."""
    return any(port.protocol is Protocol.TCP and port.number not in UNSPOKEN_PORTS for port in ports)


def _has_ssh(keys: Collection[Key]) -> bool:
    return any(key.kind is KeyKind.SSH for key in keys)


def _approach(port: Port, aftermaths: Collection[Aftermath | None]) -> Iterator[tuple[Approach, bool]]:
    """How a port is met, and whether it is likely to answer; nothing where it is left alone."""
    number = port.number
    if number in UNSPOKEN_PORTS:
        return
    if Aftermath.SPOKE in aftermaths:
        yield Approach.LISTEN, True
    elif number in _GREETS_IN_TLS:
        yield Approach.LISTEN_TLS, True
    elif number in WEB_PORTS:
        yield (Approach.WEB_TLS if number in TLS_PORTS else Approach.WEB), True
    elif find_service(port) is None and number >= _PRIVILEGED:
        yield Approach.WEB, False
