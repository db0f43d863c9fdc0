"""What a report says of each port and address, as short texts that can be compared between worlds. Pure.

Times, probabilities and what a service says of itself are left out: they differ between two runs.
"""

from collections.abc import Callable, Iterable, Iterator

from probe.lab.result import Said
from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.report import Report, VerdictReport
from probe.model.target import Protocol

NOTHING = "-"


def listed(items: Iterable[object]) -> str:
    """Write items in one order, whatever order they came in."""
    return ", ".join(sorted(map(str, items))) or NOTHING


# What is said of a port as a whole.
_OF_VERDICTS: dict[str, Callable[[VerdictReport], str]] = {
    "binding": lambda verdict: verdict.binding,
    "bound to": lambda verdict: listed(verdict.bound_to),
    "families": lambda verdict: listed(verdict.families),
    "bound by": lambda verdict: verdict.bound_by or NOTHING,
    "via": lambda verdict: verdict.via,
}
# What is said of it on each address: attributes of an observation.
_OF_OBSERVATIONS = ("state", "reason", "condition")

_SYMBOLS = {address: symbol for symbol, address in TARGET_ADDRESSES.items()}
_PREFIXES = {Protocol.TCP: "", Protocol.UDP: "U:"}  # as scenarios write ports


def said_of(report: Report) -> tuple[Said, ...]:
    """All that a report says: ports in their order, then addresses."""
    return (*_of_ports(report), *_of_addresses(report))


def _of_ports(report: Report) -> Iterator[Said]:
    for row in report.ports:
        yield from _of_verdict(f"{_PREFIXES[row.protocol]}{row.port}", row)
    for group in report.rest or ():
        yield from _of_verdict(f"{_PREFIXES[group.protocol]}{group.ports}", group)


def _of_verdict(port: str, verdict: VerdictReport) -> Iterator[Said]:
    for what, of in _OF_VERDICTS.items():
        yield Said(port, what, str(of(verdict)))
    for one in verdict.observations:
        for what in _OF_OBSERVATIONS:
            yield Said(port, f"{what} on {_symbol(one.address)}", str(getattr(one, what) or NOTHING))


def _of_addresses(report: Report) -> Iterator[Said]:
    for one in report.addresses:
        yield Said(_symbol(one.address), "address", one.condition.value)


def _symbol(address: str) -> str:
    return _SYMBOLS.get(address, address)
