"""THE TABLE of tunnels: by what each kind is known on a machine, and how it behaves.

What none of the rows fits is `TunnelKind.OTHER`, of which nothing more is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from probe.model.machine import Network, TunnelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRow:
    """One kind of tunnel.

    Args:
        drivers: the kernel's own for it, by IFLA_INFO_KIND.
        own_name: how the names of its interfaces begin, and of no other's.
        programs: those that hold a tun or tap device for it, by the name of their process.
        networks: the addresses of its interfaces.
        usual_name: how the names of its interfaces usually begin.
        word: what the names of its adapters on Windows have in them.
        keeps_session: its program keeps a session up, or there is none. Otherwise its peers shake hands when
            there is something to send.
    """

    drivers: tuple[str, ...] = ()
    own_name: str | None = None
    programs: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    usual_name: str | None = None
    word: str | None = None
    keeps_session: bool = False

    def has_usual_name(self, name: str) -> bool:
        """Whether an interface with this name, in small letters, is probably one."""
        begins = self.usual_name is not None and name.startswith(self.usual_name)
        return begins or (self.word is not None and self.word in name)


TUNNEL_KINDS: Final[Mapping[TunnelKind, TunnelRow]] = {
    TunnelKind.WIREGUARD: TunnelRow(
        drivers=("wireguard",),
        programs=("wireguard-go", "boringtun-cli", "boringtun"),
        usual_name="wg",
        word="wireguard",
    ),
    TunnelKind.OPENVPN: TunnelRow(
        drivers=("ovpn", "ovpn-dco"), programs=("openvpn",), word="openvpn", keeps_session=True
    ),
    TunnelKind.TAILSCALE: TunnelRow(
        own_name="tailscale", networks=(ip_network("100.64.0.0/10"), ip_network("fd7a:115c:a1e0::/48"))
    ),
}


def kind_where(fits: Callable[[TunnelRow], bool]) -> TunnelKind | None:
    """The first kind whose row fits; None where none does."""
    return next((kind for kind, row in TUNNEL_KINDS.items() if fits(row)), None)
