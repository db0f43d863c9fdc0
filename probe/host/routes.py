"""This machine's main routing table, on Linux, by `ip` (iproute2). Other tables are not read."""

import sys

from probe.host.ip_json import parse_routes
from probe.host.tools import ask
from probe.model.machine import RouteEntry

_FAMILIES = (4, 6)


def read_routes() -> tuple[RouteEntry, ...] | None:
    """The main routing table of both families; None where the system does not tell (no iproute2)."""
    if sys.platform != "linux":
        return None
    found: list[RouteEntry] = []
    for family in _FAMILIES:
        answer = ask(("ip", "-json", f"-{family}", "route", "show", "table", "main"))
        entries = None if answer.failure else parse_routes(answer.output, family)
        if entries is None:
            return None
        found += entries
    return tuple(found)
