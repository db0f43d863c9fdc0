"""Which open ports are worth asking for keys, to tell whether the addresses are one machine: a short list.

Pure. A few ordinary connections, and only where their answers can be compared: on two addresses or more.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from probe.model.facts import AddressSurvey
from probe.model.probing import Aftermath, Observation, Reason
from probe.model.target import IPAddress, Port, Protocol
from probe.services import SSH_PORTS, TLS_PORTS, find_service

MOST_PORTS = 4
_CUT = frozenset({Aftermath.CLOSED, Aftermath.RESET})


def keyed_ports(surveys: Sequence[AddressSurvey]) -> tuple[tuple[IPAddress, Port], ...]:
    """Where to ask for keys: at most four ports, each on every address that holds it open."""
    ranked = sorted(
        (rank, port, tuple(seen))
        for port, seen in opened_on_several(surveys).items()
        if (rank := _rank(port, {o.aftermath for o in seen.values()})) is not None
    )
    return tuple((ip, port) for _, port, seen in ranked[:MOST_PORTS] for ip in seen)


def opened_on_several(surveys: Sequence[AddressSurvey]) -> Mapping[Port, Mapping[IPAddress, Observation]]:
    """The TCP ports that two addresses or more hold open, with the answer of each of these."""
    opened: defaultdict[Port, dict[IPAddress, Observation]] = defaultdict(dict)
    for survey in surveys:
        for port, observation in survey.tested().items():
            accepted = observation.reason is Reason.SYN_ACK and port.protocol is Protocol.TCP
            if accepted and observation.aftermath not in _CUT:
                opened[port][survey.address.ip] = observation
    return {port: seen for port, seen in opened.items() if len(seen) > 1}


def may_show_keys(ports: Collection[Port]) -> bool:
    """Whether any of these could be asked for keys, as far as the numbers tell."""
    return any(
        port.protocol is Protocol.TCP and (port.number in SSH_PORTS | TLS_PORTS or find_service(port) is None)
        for port in ports
    )


def _rank(port: Port, aftermaths: Collection[Aftermath | None]) -> int | None:
    """SSH first, for host keys tell most, then TLS, then what may be SSH on another port; None: not asked.

    In TLS the client speaks first (RFC 8446 section 2), in SSH both do (RFC 4253 section 4.2): a server that
    keeps quiet on every address is none. A port with a customary service of another kind is not asked whether
    it is SSH, although it speaks first: mail and FTP do too.
    """
    spoke = Aftermath.SPOKE in aftermaths
    quiet = set(aftermaths) == {Aftermath.HELD}
    if port.number in SSH_PORTS:
        return None if quiet else 0
    if port.number in TLS_PORTS:
        return None if spoke else 1
    return 2 if spoke and find_service(port) is None else None
