"""Rows of a text: many ports that read alike share one, however few were scanned.

Only what is printed is folded: `probe.report.grouping` groups the ports of the report itself.
"""

from collections.abc import Hashable, Sequence

from msgspec.structs import replace

from probe.model.probing import State
from probe.model.report import PortReport, Report, RestReport
from probe.report.words import answer, port_row, verdict_words
from probe.services.port_list import format_ports

MANY = 10  # rows that read alike, from which on they are one


def folded(report: Report) -> Report:
    """The report with a row for ports that read alike on every address, where they are many.

    Open ports of services that should stay inside are apart from others.
    """
    alike: dict[Hashable, list[PortReport]] = {}
    for port in report.ports:
        alike.setdefault(_reading(port, report), []).append(port)
    groups = [members for members in alike.values() if len(members) >= MANY]
    if not groups:
        return report
    gone = {(port.protocol, port.port) for members in groups for port in members}
    return replace(
        report,
        ports=tuple(port for port in report.ports if (port.protocol, port.port) not in gone),
        rest=(*(report.rest or ()), *map(_one_row, groups)),
    )


def _reading(port: PortReport, report: Report) -> Hashable:
    """All that the text has of a port but its number, its name, and how sure the verdict is."""
    answers = tuple((o.vantage, o.address, answer(o), o.condition) for o in port.observations)
    exposed = port.private and any(o.state is State.OPEN for o in port.observations)
    return (port.protocol, verdict_words(port_row(port), report.addresses), answers, exposed)


def _one_row(members: Sequence[PortReport]) -> RestReport:
    """The row of many: that of the least sure one."""
    least = min(members, key=lambda port: port.confidence)
    fields = {name: getattr(least, name) for name in RestReport.__struct_fields__ if name != "ports"}
    return RestReport(ports=format_ports(port.port for port in members), **fields)
