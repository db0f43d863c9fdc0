"""This machine's network interfaces: addresses, MTU, and what kind of link each one is."""

import sys
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.model.facts import LinkKind
from probe.model.target import IPAddress

_SYSFS = Path("/sys/class/net")
_IFF_TUN = 0x1  # linux/if_tun.h; a tap device (0x2) carries Ethernet and resolves neighbours

# ARPHRD_* of linux/if_arp.h, as /sys/class/net/X/type
_KIND_BY_HARDWARE: dict[int, LinkKind] = {
    1: LinkKind.ETHERNET,
    772: LinkKind.LOOPBACK,
    65534: LinkKind.TUNNEL,  # NONE: tun and WireGuard
    512: LinkKind.TUNNEL,  # PPP
    768: LinkKind.TUNNEL,  # IP in IP
    769: LinkKind.TUNNEL,  # IPv6 tunnels
    776: LinkKind.TUNNEL,  # SIT
    778: LinkKind.TUNNEL,  # GRE
    823: LinkKind.TUNNEL,  # GRE over IPv6
}

# Beginnings or parts of names, where the system has no more: macOS and BSD devices, Windows adapters.
_TUNNEL_NAMES = ("utun", "tun", "ipsec", "ppp", "gif", "wg")
_TUNNEL_WORDS = ("wireguard", "tailscale", "openvpn", "wintun", "vpn", "zerotier")


class Interface(Struct, frozen=True):
    """One interface. `mtu` in bytes, None where the system does not report it.

    `up`: switched on; `running`: its carrier is there too (IFF_UP, IFF_RUNNING of netdevice(7)).
    """

    name: str
    kind: LinkKind
    mtu: int | None
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    up: bool = True
    running: bool = True

    def own(self) -> frozenset[IPAddress]:
        """The interface's addresses; link-local ones name it, as `fe80::1%eth0`."""
        return frozenset(
            IPv6Address(f"{a.ip}%{self.name}") if isinstance(a, IPv6Interface) and a.is_link_local else a.ip
            for a in self.addresses
        )

    def holds(self, address: IPAddress) -> bool:
        """Whether an address is the interface's own."""
        return any(own.ip.packed == address.packed for own in self.addresses)

    def covers(self, address: IPAddress) -> bool:
        """Whether an address lies in one of the interface's networks."""
        return any(ip_address(address.packed) in own.network for own in self.addresses)


def interfaces() -> tuple[Interface, ...]:
    """All interfaces that have an address, in the system's order."""
    import psutil  # noqa: PLC0415 - only a scan needs it; keeps `--help` fast

    stats = psutil.net_if_stats()
    found = []
    for name, entries in psutil.net_if_addrs().items():
        addresses = tuple(a for a in map(address_of, entries) if a is not None)
        stat = stats.get(name)
        flags = getattr(stat, "flags", "")
        mtu = (stat.mtu or None) if stat else None
        found.append(Interface(name, kind_of(name, flags), mtu, addresses, *_state(stat, flags)))
    return tuple(found)


def _state(stat: Any, flags: str) -> tuple[bool, bool]:  # noqa: ANN401 - psutil's is not typed
    """Whether an interface is on, and has its carrier; taken to be so where the system does not report it."""
    words = flags.split(",")
    if flags:
        return "up" in words, "running" in words
    is_up = stat is None or stat.isup
    return is_up, is_up


def kind_of(name: str, flags: str) -> LinkKind:
    """What kind of link an interface is, by psutil's flags and sysfs."""
    return link_kind(name, flags, _hardware_type(name), _tun_flags(name))


def link_kind(name: str, flags: str, hardware: int | None, tun_flags: int | None) -> LinkKind:
    """What kind of link an interface is; Ethernet where nothing shows otherwise.

    Args:
        name: the interface's name; on Windows the adapter's.
        flags: as psutil gives them, such as `up,pointopoint,running`.
        hardware: Linux: ARPHRD number.
        tun_flags: Linux: /sys/class/net/X/tun_flags.
    """
    words = frozenset(flags.split(","))
    if tun_flags is not None and tun_flags & _IFF_TUN:
        return LinkKind.TUNNEL
    if "loopback" in words:
        return LinkKind.LOOPBACK
    if "pointopoint" in words:
        return LinkKind.TUNNEL
    if hardware is not None:
        return _KIND_BY_HARDWARE.get(hardware, LinkKind.ETHERNET)
    return _kind_by_name(name.lower())


def _kind_by_name(name: str) -> LinkKind:
    if name == "lo" or (name.startswith("lo") and name[2:].isdecimal()) or name.startswith("loopback"):
        return LinkKind.LOOPBACK
    if name.startswith(_TUNNEL_NAMES) or any(word in name for word in _TUNNEL_WORDS):
        return LinkKind.TUNNEL
    return LinkKind.ETHERNET


def _hardware_type(name: str) -> int | None:
    return _sysfs_number(name, "type", base=10)


def _tun_flags(name: str) -> int | None:
    return _sysfs_number(name, "tun_flags", base=16)


def _sysfs_number(name: str, attribute: str, base: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return int((_SYSFS / name / attribute).read_text(encoding="ascii"), base)
    except (OSError, ValueError):  # no such attribute, or no sysfs
        return None


def address_of(entry: Any) -> IPv4Interface | IPv6Interface | None:  # noqa: ANN401 - psutil's is not typed
    """One psutil entry as an address with its prefix; None for hardware addresses."""
    try:
        address = ip_address(entry.address)
    except ValueError:
        return None
    mask = entry.netmask
    length: int = address.max_prefixlen
    if mask:
        length = int.from_bytes(ip_address(mask.split("/")[0]).packed, "big").bit_count()
    return ip_interface(f"{address}/{length}")
