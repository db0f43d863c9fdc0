"""What a careful person concludes from the same answers, without any probability.

Compare the addresses; leave out one whose owner differs; take silence, and what a filter answers, as unknown.
"""

from probe.lab.scenario import realm_of
from probe.model.binding import Binding
from score.grade import Claim
from score.hosts import ip_of
from score.made_up import MadeUpHost

_OPEN, _REFUSED = frozenset("OBX"), frozenset("RF")


def conclude(host: MadeUpHost) -> list[Claim]:
    """Read all ports of a host."""
    others = frozenset(symbol for symbol in host.answers if _of_another(host, symbol))
    return [_port(host, index, others) for index in range(len(host.truth))]


def _of_another(host: MadeUpHost, symbol: str) -> bool:
    """An address off the link that answers at the first hop is a gateway's."""
    return realm_of(symbol) == "public" and host.zones[symbol].hops == 1


def _port(host: MadeUpHost, index: int, others: frozenset[str]) -> Claim:
    shown = {symbol: letters[index] for symbol, letters in host.answers.items() if symbol not in others}
    opened = frozenset(ip_of(symbol) for symbol, letter in shown.items() if letter in _OPEN)
    unknown = [letter for letter in shown.values() if letter not in _OPEN | _REFUSED]
    if len(opened) == len(shown):
        return Claim(Binding.WILDCARD)
    if unknown:
        return Claim(Binding.UNDETERMINED)
    return Claim(Binding.SPECIFIC, opened) if opened else Claim(Binding.LOOPBACK_OR_NOT_LISTENING)
