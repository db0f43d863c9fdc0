"""Which program made a tun or tap device, by the processes of this machine.

Lives here: three ways to find whose a device is. The kernel has it of each open
/dev/net/tun (`iff:` in /proc/PID/fdinfo, for the owner and root only), else the program's own words do, else
what it would have called the device.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probe.model.machine import TunnelKind
from probe.model.tunnel_kinds import kind_where

_PROC = Path("/proc")
_FAMILIES = ("tun", "tap")  # openvpn(8): `--dev tun` is the next free tun device


@dataclass(frozen=True, slots=True)
class Holder:
    """One VPN program at work. `devices`: what it holds by the kernel; None: may not be read."""

    kind: TunnelKind
    arguments: tuple[str, ...]
    devices: frozenset[str] | None = None

    def holds(self, device: str) -> bool:
        """Whether a device is this program's, as far as is known."""
        if self.devices is not None:
            return device in self.devices
        named = _named(self.kind, self.arguments)
        if named in {None, *_FAMILIES}:
            return self.kind is TunnelKind.OPENVPN and device.startswith(named or _FAMILIES)
        return device == named


def kinds(devices: Iterable[str]) -> Mapping[str, TunnelKind]:
    """Find whose each device is; left out where no known program has it."""
    holders = _holders()
    found = {device: next((h.kind for h in holders if h.holds(device)), None) for device in devices}
    return {device: kind for device, kind in found.items() if kind is not None}


def _named(kind: TunnelKind, arguments: Sequence[str]) -> str | None:
    """Name of the device in a program's command line; None where it stands elsewhere (a configuration)."""
    if kind is TunnelKind.OPENVPN:
        where = next((n for n, word in enumerate(arguments) if word == "--dev"), len(arguments))
        return next(iter(arguments[where + 1 : where + 2]), None)
    return next((word for word in arguments[:0:-1] if not word.startswith("-")), None)


def _holders() -> list[Holder]:
    import psutil  # noqa: PLC0415 - only where a tun device is

    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        kind = _kind_by_program(process.info["name"])
        if kind is not None and _is_near(process.pid):
            found.append(Holder(kind, tuple(process.info["cmdline"] or ()), _devices(process.pid)))
    return found


def _kind_by_program(name: str | None) -> TunnelKind | None:
    return kind_where(lambda row: name in row.programs)


def _is_near(pid: int) -> bool:
    """Whether a process is in this thread's network namespace; yes where that is not known."""
    try:
        return (_PROC / f"{pid}/ns/net").readlink() == (_PROC / "thread-self/ns/net").readlink()
    except OSError:  # another user's process, one that has ended, or another system
        return True


def _devices(pid: int) -> frozenset[str] | None:
    """Return the devices that a process holds; None where that is not known (another user's process)."""
    try:
        texts = [_text(entry) for entry in (_PROC / f"{pid}/fdinfo").iterdir()]
    except OSError:
        return None
    return frozenset(name for text in texts for name in devices_in(text))


def _text(entry: Path) -> str:
    try:
        return entry.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # closed just now
        return ""


def devices_in(fdinfo: str) -> list[str]:
    """Read the device that an open /dev/net/tun belongs to (drivers/net/tun.c, tun_chr_show_fdinfo)."""
    lines = (line.partition(":") for line in fdinfo.splitlines())
    return [value.strip() for key, _, value in lines if key == "iff" and value.strip()]
