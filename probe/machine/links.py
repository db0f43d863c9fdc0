"""This machine's links, with their counters, and its main routing table; other tables are not read.

Links are every interface, also those without an address and those that are off. On Linux `ip` reports
both, in the network namespace of the calling thread. psutil's counters are those of the process's first
thread, and /sys/class/net may show another namespace's devices: they are for systems without `ip`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from probe.machine.interfaces import address_of, kind_of
from probe.machine.ip_json import MadeLink, parse_links, parse_routes
from probe.machine.tools import ask
from probe.model.facts import LinkKind
from probe.model.machine import Link, RouteEntry, Traffic

_SYSCTL = Path("/proc/sys/net/ipv4/conf")
_SYSFS = Path("/sys/class/net")
_ASK_ALL = ("ip", "-json", "-details", "-statistics", "address", "show")


def read_links(interface: str | None = None) -> tuple[MadeLink, ...]:
    """All links, or the one of that name; those of the system where there is no `ip`."""
    found = _links_of_ip(interface) if sys.platform == "linux" else None
    if found is None:
        found = tuple(made for made in _links_of_psutil() if interface in {None, made.link.name})
    return tuple(replace(made, link=_with_reverse_path(_with_radio(made.link))) for made in found)


def _links_of_ip(interface: str | None) -> tuple[MadeLink, ...] | None:
    answer = ask(_ASK_ALL if interface is None else (*_ASK_ALL, "dev", interface))
    return None if answer.failure else parse_links(answer.output) or None


def _links_of_psutil() -> tuple[MadeLink, ...]:
    import psutil  # noqa: PLC0415 - 45 ms, and not needed where `ip` reports it

    addresses = psutil.net_if_addrs()
    counters = psutil.net_io_counters(pernic=True, nowrap=False)
    return tuple(
        MadeLink(_link(name, stat, addresses.get(name, ()), counters.get(name)))
        for name, stat in psutil.net_if_stats().items()
    )


def _link(name: str, stat: Any, held: Sequence[Any], counters: Any) -> Link:  # noqa: ANN401 - psutil's types differ by system
    """One interface as psutil reports it; Windows has no flags, only whether it is up."""
    flags = stat.flags
    return Link(
        name=name,
        kind=kind_of(name, flags),
        up="up" in flags.split(",") if flags else stat.isup,
        running=stat.isup,
        addresses=tuple(address for address in map(address_of, held) if address is not None),
        mtu=stat.mtu or None,
        traffic=_traffic(counters) if counters is not None else None,
    )


def _traffic(counters: Any) -> Traffic:  # noqa: ANN401 - psutil's types differ by system
    return Traffic(counters.packets_sent, counters.packets_recv, counters.bytes_sent, counters.bytes_recv)


def _with_radio(link: Link) -> Link:
    """Add whether it is wireless, where nothing shows it yet (Linux: its folder names its radio)."""
    folder = _SYSFS / link.name
    if link.wireless is not None or link.kind is not LinkKind.ETHERNET or not folder.is_dir():
        return link
    return structs.replace(link, wireless=(folder / "phy80211").exists())


def _with_reverse_path(link: Link) -> Link:
    """Add the reverse path filter in force: of `all` and the interface's own the greater number.

    So 2 (loose) beats 1 (strict); Linux, Documentation/networking/ip-sysctl.rst.
    """
    numbers = [_sysctl_number(where) for where in ("all", link.name)]
    if None in numbers:
        return link
    return structs.replace(link, reverse_path=max(filter(None, numbers), default=0))


def _sysctl_number(interface: str) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return int((_SYSCTL / interface / "rp_filter").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no /proc, no IPv4, or the interface has gone
        return None


# --- routes ---


_FAMILIES = (4, 6)


def read_routes() -> tuple[RouteEntry, ...] | None:
    """The main routing table of both families; None where the system does not report it (no iproute2)."""
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
