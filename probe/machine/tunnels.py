"""This machine's tunnels: whose each one is, and what its own program reports of its peers.

Lives here: how the kernel's word, `wg`, Tailscale and the running programs make one fact of a tunnel. What
may not be read has its reason.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time

from probe.machine import tun_programs
from probe.machine.ip_json import MadeLink
from probe.machine.links import read_links
from probe.machine.tailscale_status import Tailscale, parse_status
from probe.machine.tools import ToolFailure, ToolOutput, ask
from probe.machine.wg_dump import WireGuard, parse_dump, refused_names, without_secrets
from probe.model.facts import LinkKind
from probe.model.machine import Link, Tunnel, TunnelKind
from probe.model.tunnel_kinds import kind_where
from probe.model.unread import Unread, UnreadRule

_CONTROL = Path("/var/run/wireguard")  # wireguard-go and its like: one socket an interface
_TUN_DRIVER = "tun"


def tunnels() -> tuple[Tunnel, ...]:
    """Every tunnel of this machine, as it is now."""
    return tunnels_of(read_links())


def tunnel(interface: str) -> Tunnel | None:
    """One tunnel as it is now; None where the interface is none, or is not there."""
    found = tunnels_of(read_links(interface), only=interface)
    return found[0] if found else None


def tunnels_of(links: Sequence[MadeLink], only: str | None = None) -> tuple[Tunnel, ...]:
    """The tunnels among these links; `only` where one is asked for: then `wg` is asked of no other."""
    candidates = [made for made in links if _may_be_tunnel(made)]
    if not candidates:
        return ()
    dump = _ask_wg(only)
    kinds = _kinds(candidates, dump)
    tailscale = _ask_tailscale() if TunnelKind.TAILSCALE in kinds.values() else None
    found = (_tunnel(made.link, kinds.get(made.link.name), dump, tailscale) for made in candidates)
    return tuple(one for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class _Dump:
    """What `wg` reported: of which interfaces, and what it complained of."""

    read: Mapping[str, WireGuard]
    refused: frozenset[str]
    answer: ToolOutput

    def knows(self, name: str) -> bool:
        return name in self.read or name in self.refused


def _may_be_tunnel(made: MadeLink) -> bool:
    """Links without neighbours, and tap devices: those only where a VPN's program has made them."""
    return made.link.kind is LinkKind.TUNNEL or _is_tap(made)


def _is_tap(made: MadeLink) -> bool:
    return made.link.kind is LinkKind.ETHERNET and (
        made.maker == _TUN_DRIVER or made.link.name.startswith("tap")
    )


def _ask_wg(only: str | None) -> _Dump:
    answer = ask(("wg", "show", only or "all", "dump"), keep=without_secrets)
    text = answer.output
    if only is not None:  # then the lines do not name the interface
        text = "".join(f"{only}\t{line}\n" for line in text.splitlines())
    return _Dump(parse_dump(text, time()), refused_names(answer.complaints), answer)


def _kinds(candidates: Sequence[MadeLink], dump: _Dump) -> Mapping[str, TunnelKind]:
    """Whose each is; tap devices of no VPN are left out (virtual machines have them too)."""
    sure = {made.link.name: _sure_kind(made, dump) for made in candidates}
    unclear = [name for name, kind in sure.items() if kind is None]
    held = tun_programs.kinds(unclear) if unclear else {}
    kinds = {
        made.link.name: sure[made.link.name] or held.get(made.link.name) or _likely_kind(made)
        for made in candidates
    }
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _sure_kind(made: MadeLink, dump: _Dump) -> TunnelKind | None:
    """What the kernel, `wg`, a control socket or a name that only one program gives shows."""
    by_driver = kind_where(lambda row: made.maker in row.drivers)
    if by_driver is not None:
        return by_driver
    name = made.link.name
    if dump.knows(name) or _has_control_socket(name):
        return TunnelKind.WIREGUARD
    return kind_where(lambda row: row.own_name is not None and name.lower().startswith(row.own_name))


def _has_control_socket(name: str) -> bool:
    """Whether WireGuard's program has one for this interface; not, where its directory is closed to us."""
    try:
        return (_CONTROL / f"{name}.sock").exists()
    except PermissionError:  # the directory is root's: its program does not show
        return False


def _likely_kind(made: MadeLink) -> TunnelKind | None:
    """What addresses and names suggest."""
    if _is_tap(made):
        return None
    link = made.link
    by_address = kind_where(
        lambda row: any(address.ip in network for address in link.addresses for network in row.networks)
    )
    by_name = kind_where(lambda row: row.has_usual_name(link.name.lower()))
    return by_address or by_name or TunnelKind.OTHER


def _ask_tailscale() -> Tailscale | Unread:
    """Tailscale's own account, or why there is none."""
    answer = ask(("tailscale", "status", "--json"))
    status = None if answer.failure else parse_status(answer.output, time())
    return status or Unread(rule=UnreadRule.TOOL_FAILED, tools=("tailscale",), complaints=answer.complained)


def _tunnel(
    link: Link, kind: TunnelKind | None, dump: _Dump, tailscale: Tailscale | Unread | None
) -> Tunnel | None:
    if kind is None:
        return None
    if kind is TunnelKind.WIREGUARD:
        return _wireguard(link, dump)
    if kind is TunnelKind.TAILSCALE:
        return _tailscale(link, tailscale)
    return Tunnel(link, kind)


def _wireguard(link: Link, dump: _Dump) -> Tunnel:
    found = dump.read.get(link.name)
    if found is None:
        return Tunnel(link, TunnelKind.WIREGUARD, unread=_why_unread(link.name, dump))
    return Tunnel(link, TunnelKind.WIREGUARD, found.public_key, found.peers)


def _tailscale(link: Link, status: Tailscale | Unread | None) -> Tunnel:
    if not isinstance(status, Tailscale):
        return Tunnel(link, TunnelKind.TAILSCALE, unread=status)
    return Tunnel(link, TunnelKind.TAILSCALE, status.public_key, status.peers, state=status.state)


def _why_unread(name: str, dump: _Dump) -> Unread:
    failure = dump.answer.failure
    if failure is ToolFailure.ABSENT:
        return Unread(rule=UnreadRule.NO_TOOL, tools=("wg",))
    if failure is ToolFailure.NOT_PERMITTED or name in dump.refused or not _is_root():
        return Unread(rule=UnreadRule.NEEDS_ROOT, tools=("wg",))
    complaints = dump.answer.complained if failure else ()
    return Unread(rule=UnreadRule.TOOL_FAILED, tools=("wg",), interface=name, complaints=complaints)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
