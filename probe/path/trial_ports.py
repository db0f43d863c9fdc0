"""Through which open port data is sent to try the path's size. Pure."""

from collections.abc import Iterable, Mapping

from probe.model.facts import AddressSurvey, LinkKind
from probe.model.probing import Aftermath, Reason
from probe.model.target import IPAddress, Port, Protocol
from probe.services import UNSPOKEN_PORTS

# Mail servers note who speaks before their greeting, MySQL counts failed handshakes: the last resort.
_RATHER_NOT = frozenset({25, 465, 587, 2525, 3306})
_HUNG_UP = frozenset({Aftermath.CLOSED, Aftermath.RESET})


def trial_ports(surveys: Iterable[AddressSurvey], named: frozenset[Port]) -> Mapping[IPAddress, Port]:
    """One open TCP port of each address beyond this machine; one that the user named comes first."""
    chosen = {s.address.ip: _choose(s, named) for s in surveys if not _is_here(s)}
    return {ip: port for ip, port in chosen.items() if port is not None}


def _choose(survey: AddressSurvey, named: frozenset[Port]) -> Port | None:
    """The best open port: one that keeps its connections and harms nobody, before one that was named."""
    opened = {port: o for port, o in survey.tested().items() if o.reason is Reason.SYN_ACK and not o.unheard}
    usable = [port for port in opened if port.protocol is Protocol.TCP and port.number not in UNSPOKEN_PORTS]

    def rank(port: Port) -> tuple[bool, bool, bool, Port]:
        return opened[port].aftermath in _HUNG_UP, port.number in _RATHER_NOT, port not in named, port

    return min(usable, key=rank, default=None)


def _is_here(survey: AddressSurvey) -> bool:
    return survey.route is not None and survey.route.kind is LinkKind.LOOPBACK
