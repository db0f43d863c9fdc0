"""Which program has set up this machine's packet filter: by its chains, or without root by what is at work.

ufw names its chains ufw-..., firewalld its table (of nft) or its chains (of iptables), Docker its chains.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from probe.model.machine import FirewallTool

_PROC = Path("/proc")
_UFW = Path("/etc/ufw/ufw.conf")  # everybody may read it
_MARKS: Mapping[FirewallTool, Callable[[str], bool]] = {
    FirewallTool.UFW: lambda name: name.startswith(("ufw-", "ufw6-")),
    FirewallTool.FIREWALLD: lambda name: name in {"firewalld", "INPUT_ZONES"},
    FirewallTool.DOCKER: lambda name: name in {"DOCKER", "DOCKER-USER"},
}
_PROGRAMS = {"firewalld": FirewallTool.FIREWALLD, "dockerd": FirewallTool.DOCKER}


def tools_of(names: Iterable[str]) -> tuple[FirewallTool, ...]:
    """Recognise the tools that have made tables and chains of these names."""
    listed = tuple(names)
    return tuple(tool for tool, made in _MARKS.items() if any(map(made, listed)))


def tools_at_work(proc: Path = _PROC, ufw: Path = _UFW) -> tuple[FirewallTool, ...]:
    """Find the tools without a look at the filter: ufw's setting, and daemons among the processes."""
    found = {_PROGRAMS.get(name) for name in _programs(proc)} | {_ufw(ufw)}
    return tuple(tool for tool in FirewallTool if tool in found)


def _programs(proc: Path) -> Iterable[str]:
    for entry in proc.glob("[0-9]*/comm"):
        try:
            yield entry.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # ended just now
            continue


def _ufw(path: Path) -> FirewallTool | None:
    """Whether ufw is switched on (ufw(8), ENABLED)."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not installed
        return None
    return FirewallTool.UFW if "enabled=yes" in {line.strip().lower() for line in lines} else None
