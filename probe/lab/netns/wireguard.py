"""One end of a WireGuard tunnel: wireguard-go on a host, and its settings. Linux only.

The keys are made of the names of the hosts and no secret: each end knows both, whoever starts it, and the
network that they protect leads nowhere.
"""

import functools
import socket
from contextlib import ExitStack
from pathlib import Path

from probe.lab.netns import mounts, tunnel_plan
from probe.lab.netns.programs import Program, await_that, run
from probe.lab.netns.tunnel_plan import DEVICE, PORTS, KeyPair, TunnelPlan
from probe.lab.scenario import VpnKind

_PATIENCE = 10.0  # seconds for a handshake; what is lost is sent again after 5 s


@functools.cache
def keys_of(host: str) -> KeyPair:
    """The key pair of the end at `prober` or `target`.

    Raises:
        BackendError: wireguard-tools are not installed.
    """
    private = tunnel_plan.private_key(host)
    return KeyPair(private, run(None, ["wg", "pubkey"], private).strip())


class WireGuardEnd:
    """A running wireguard-go on the host of process `host` (None: our own); `stack` ends it."""

    def __init__(self, host: int | None, stack: ExitStack) -> None:
        """Start it; its interface comes a little later.

        Raises:
            BackendError: it is not installed.
        """
        self._host = host
        self._program = Program(host, ["wireguard-go", "-f", DEVICE])
        stack.callback(self._program.end)

    def configure_here(self, plan: TunnelPlan) -> None:
        """Make it the prober's end.

        Raises:
            BackendError: the interface cannot be made; the message has the reason.
        """
        self._configure(tunnel_plan.wireguard_here(plan, keys_of("prober"), keys_of("target").public))

    def configure_there(self, plan: TunnelPlan) -> None:
        """Make it the target's end.

        Raises:
            BackendError: as above.
        """
        self._configure(tunnel_plan.wireguard_there(plan, keys_of("target"), keys_of("prober").public))

    def _configure(self, text: str) -> None:
        self._program.await_that(functools.partial(_accepts, _socket_of(self._host)))
        run(self._host, ["wg", "setconf", DEVICE, "/dev/stdin"], text)

    def await_open(self) -> None:
        """Wait until the UDP port of the target's end is open."""
        listens = functools.partial(_listens, self._host, PORTS[VpnKind.WIREGUARD])
        await_that("wireguard-go at the target", listens)

    def warm(self, patience: float = _PATIENCE) -> None:
        """Have the prober's end send a keepalive, which takes a handshake, whatever addresses are allowed.

        Raises:
            BackendError: there is none within `patience` seconds.
        """
        self._keepalive("1")
        await_that("WireGuard's handshake", self._shaken, patience)
        self._keepalive("0")

    def _keepalive(self, seconds: str) -> None:
        peer = keys_of("target").public
        run(self._host, ["wg", "set", DEVICE, "peer", peer, "persistent-keepalive", seconds])

    def _shaken(self) -> bool:
        return run(self._host, ["wg", "show", DEVICE, "latest-handshakes"]).split()[-1:] != ["0"]

    def forget_prober(self) -> None:
        """Remove the prober from the target's peers."""
        run(self._host, ["wg", "set", DEVICE, "peer", keys_of("prober").public, "remove"])

    def end(self) -> None:
        """End it; its interface goes with it."""
        self._program.end()


def _socket_of(host: int | None) -> Path:
    """Return where WireGuard's control socket of a host is, as seen from here."""
    root = Path("/" if host is None else f"/proc/{host}/root")
    return root / mounts.socket_directory().relative_to("/") / f"{DEVICE}.sock"


def _accepts(control: Path) -> bool:
    """Whether somebody listens on a socket. `wg` removes one that is there and not yet listened on."""
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(control))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def _listens(host: int | None, port: int) -> bool:
    """Whether a UDP port of a host is open (proc(5), /proc/net/udp: addresses and ports in hexadecimal)."""
    table = Path(f"/proc/{'thread-self' if host is None else host}/net/udp")
    return any(row.split()[1].endswith(f":{port:04X}") for row in table.read_text("ascii").splitlines()[1:])
