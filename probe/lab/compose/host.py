"""What runs in a container of the lab: `python -m probe.lab.compose.host ROLE`.

`$SCENARIO` names the scenario. The container becomes that host of its layout, by the code that makes hosts in
network namespaces, and serves until a signal ends it.
"""

import functools
import json
import os
import signal
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from probe.errors import BackendError, BindprobeError
from probe.lab.compose.limits import (
    INTERFACES,
    ContainerPlace,
    leaving,
    place_of,
    settings_that_count,
    taking_over,
)
from probe.lab.files import find_scenario
from probe.lab.netns import tunnels
from probe.lab.netns.daemons import RunningDaemon, not_installed, start_daemons
from probe.lab.netns.hosts import build, configure, finish
from probe.lab.netns.listeners import serving
from probe.lab.netns.programs import run
from probe.lab.netns.tunnel_plan import CUT, TunnelPlan
from probe.lab.netns.tunnels import switch_off_here
from probe.lab.netns.wireguard import WireGuardEnd
from probe.lab.scenario import FarEnd, Vpn

# --- its end of the tunnel ---


_TUN = Path("/dev/net/tun")
_NUMBER = os.makedev(10, 200)  # of this device (Documentation/admin-guide/devices.txt of Linux)
_PATIENCE = 40.0  # seconds for a handshake: the other container may begin later


def lay_end(role: str, plan: TunnelPlan, stack: ExitStack) -> Callable[[], None]:
    """Make the interface of the prober's container, or of the target's; `stack` ends its program.

    Returns what completes it once the host is built.

    Raises:
        BackendError: this container may not make one.
    """
    make_device(_TUN)
    end = WireGuardEnd(None, stack)
    if role == "prober":
        end.configure_here(plan)
        return functools.partial(_complete_here, end, plan.vpn)
    end.configure_there(plan)
    return functools.partial(_complete_there, end, plan.vpn)


def make_device(place: Path) -> None:
    """Make the device that tunnels are made with, where the container engine has not: it needs no other.

    Raises:
        BackendError: not allowed.
    """
    if place.exists():
        return
    place.parent.mkdir(exist_ok=True)
    try:
        os.mknod(place, stat.S_IFCHR | 0o600, _NUMBER)
    except OSError as error:
        raise BackendError(f"cannot make {place}: {error.strerror}; see docker-compose.yml") from None


def _complete_here(end: WireGuardEnd, vpn: Vpn) -> None:
    if vpn.warm:
        end.warm(_PATIENCE)
    switch_off_here(vpn)


def _complete_there(end: WireGuardEnd, vpn: Vpn) -> None:
    faults: dict[FarEnd, Callable[[], object]] = {
        FarEnd.SERVES: lambda: None,
        FarEnd.ABSENT: end.end,
        FarEnd.UNKNOWN_PEER: end.forget_prober,
        FarEnd.UNREACHABLE: lambda: run(None, ["nft", "-f", "-"], CUT),
    }
    end.await_open()
    faults[vpn.far_end]()


# --- the container ---


READY = Path("/run/bindprobe-ready")


def main(argv: Sequence[str]) -> int:
    """Be one host until SIGTERM; a problem is one line on stderr, and its exit code."""
    signal.signal(signal.SIGTERM, _end)
    if len(argv) != 1 or argv[0] not in INTERFACES:
        sys.stderr.write(f"usage: python -m probe.lab.compose.host {'|'.join(INTERFACES)}\n")
        return 2
    try:
        _live(place_of(argv[0], find_scenario(os.environ.get("SCENARIO", "demo"))))
    except BindprobeError as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        return error.exit_code


def _end(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _live(place: ContainerPlace) -> NoReturn:
    READY.unlink(missing_ok=True)
    _require_programs(place)
    _require_settings(place)
    configure("ip", taking_over(place, _names()))
    try:
        _serve(place)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a service that ended has been reported
        configure("ip", leaving(place))


def _serve(place: ContainerPlace) -> NoReturn:
    """Be the host, with all that runs on it; the programs end with the container."""
    stack = ExitStack()  # never closed: ending another user's processes would take CAP_KILL
    complete = lay_end(place.role, place.tunnel, stack) if place.tunnel is not None else _nothing
    build(place.host)
    finish(place.host)
    serve = serving(place.host)
    daemons = start_daemons(place.host.daemons, None, stack)
    complete()
    for daemon in daemons:
        daemon.await_answers()
    signal.signal(signal.SIGCHLD, lambda *_: _require_alive(daemons))
    _require_alive(daemons)
    READY.touch()
    serve()


def _nothing() -> None:
    """Complete a tunnel that there is not."""


def _require_alive(daemons: Sequence[RunningDaemon]) -> None:
    """Make sure that all services run: one that broke down must not pass for one that is not there."""
    for daemon in daemons:
        daemon.program.require_alive()


def _require_programs(place: ContainerPlace) -> None:
    """Make sure that this is the image for it.

    Raises:
        BackendError: programs are missing.
    """
    kinds = () if place.tunnel is None else (place.tunnel.vpn.kind,)
    services = [daemon.kind for daemon in place.host.daemons]
    lacking = tunnels.not_installed(*kinds) or not_installed(services)
    if lacking is not None:
        raise BackendError(f"{lacking}; the image for it is built and chosen by HOST=services")


def _names() -> dict[str, str]:
    """Interface by address, as the container engine made them."""
    links = json.loads(run(None, ["ip", "-json", "addr"]))
    return {one["local"]: link["ifname"] for link in links for one in link["addr_info"]}


def _require_settings(place: ContainerPlace) -> None:
    """Compare the kernel's settings with what the scenario needs: /proc/sys is read-only in here."""
    for name, value in settings_that_count(place):
        found = Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
        if found != value:
            raise BackendError(f"{name} is {found}, and the scenario needs {value}: see docker-compose.yml")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
