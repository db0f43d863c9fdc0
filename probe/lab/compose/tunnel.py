"""A container's own end of the tunnel. Linux only.

Each of the two makes its end by itself, and nobody tells it how far the other one is: what goes wrong at the
far end goes wrong from the beginning.
"""

import functools
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from probe.errors import BackendError
from probe.lab.netns.carried import CUT, TunnelPlan
from probe.lab.netns.programs import run
from probe.lab.netns.tunnels import switch_off_here
from probe.lab.netns.wireguard import End
from probe.lab.scenario import FarEnd, Vpn

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
    end = End(None, stack)
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


def _complete_here(end: End, vpn: Vpn) -> None:
    if vpn.warm:
        end.warm(_PATIENCE)
    switch_off_here(vpn)


def _complete_there(end: End, vpn: Vpn) -> None:
    troubles: dict[FarEnd, Callable[[], object]] = {
        FarEnd.SERVES: lambda: None,
        FarEnd.ABSENT: end.end,
        FarEnd.STRANGER: end.forget_prober,
        FarEnd.UNREACHABLE: lambda: run(None, ["nft", "-f", "-"], CUT),
    }
    end.await_open()
    troubles[vpn.far_end]()
