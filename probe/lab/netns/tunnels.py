"""Real tunnels between the prober and the target: WireGuard in userspace, and OpenVPN. Linux only.

A tunnel is raised in steps, between those of the world: `lay` before the hosts build themselves, `join` when
they serve, `trouble` when all is up. Every step ends when what it did can be seen, never after a fixed time.
"""

import functools
import hashlib
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from probe.errors import BackendError
from probe.lab.netns import enter, programs, tunnel_plan
from probe.lab.netns.programs import Program, run
from probe.lab.netns.tunnel_plan import CUT, DEVICE, Certificate, TunnelPlan
from probe.lab.netns.wireguard import WireGuardEnd
from probe.lab.scenario import FarEnd, Vpn, VpnKind

_TUN = "/dev/net/tun"
_SHAKEN = "Initialization Sequence Completed"
# Programs of each kind, and the Debian packages that have them.
PACKAGES: dict[VpnKind, dict[str, str]] = {
    VpnKind.WIREGUARD: {"wireguard-go": "wireguard-go", "wg": "wireguard-tools"},
    VpnKind.OPENVPN: {"openvpn": "openvpn", "openssl": "openssl"},
}
# What a tunnel takes of the machine, besides its programs; run where worlds are built.
_TRIAL = """
mount -t tmpfs none /run || exit
[ -c "$0" ] || { echo "no device $0" >&2; exit 1; }
(: <> "$0") 2> /dev/null || { echo "no permission for $0" >&2; exit 1; }
"""


def vpn_available(kind: VpnKind | None = None) -> str | None:
    """Find why no world with a tunnel of this kind can be built on this machine; None: it can.

    Without a kind: why not one of every kind.
    """
    return not_installed(*([kind] if kind else VpnKind)) or enter.available() or _machine_lacks()


def not_installed(*kinds: VpnKind) -> str | None:
    """Find which programs of these kinds are missing, with their packages; None: they are there."""
    tools = {tool: package for kind in kinds for tool, package in PACKAGES[kind].items()}
    return programs.not_installed(tools)


@functools.cache
def _machine_lacks() -> str | None:
    argv = enter.command(["unshare", "--mount", "sh", "-c", _TRIAL, _TUN])
    done = subprocess.run(argv, env=enter.environment(), capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode == 0:
        return None
    complaint = next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
    return f"this machine does not let us make tunnels: {complaint}"


class NetnsTunnel(Protocol):
    """One tunnel of a world."""

    def lay(self) -> None:
        """Make the interface at the target and, where it does not wait for the other end, the prober's."""

    def join(self) -> None:
        """Have the prober's end get through to the target's, as far as it does so by itself."""

    def warm(self) -> None:
        """Have a handshake made."""

    def await_far_end(self) -> None:
        """Wait until the target's end receives what arrives."""

    def stop_far_end(self) -> None:
        """End the target's program."""

    def forget_us(self) -> None:
        """Have the target's end not know us any more."""


class WireGuardTunnel:
    """A tunnel of wireguard-go."""

    def __init__(self, plan: TunnelPlan, target: int, stack: ExitStack) -> None:
        """Start both ends, the other one on the host of process `target`; `stack` ends them."""
        self._plan = plan
        self._here, self._there = WireGuardEnd(None, stack), WireGuardEnd(target, stack)

    def lay(self) -> None:
        """Configure the interfaces of both hosts."""
        self._here.configure_here(self._plan)
        self._there.configure_there(self._plan)

    def await_far_end(self) -> None:
        """Wait until the target's UDP port is open."""
        self._there.await_open()

    def join(self) -> None:
        """Nothing: it gets through when there is something to carry."""

    def warm(self) -> None:
        """Have a handshake made."""
        self._here.warm()

    def stop_far_end(self) -> None:
        """End it; its interface goes with it."""
        self._there.end()

    def forget_us(self) -> None:
        """Remove us from its peers."""
        self._there.forget_prober()


class OpenVpn:
    """A tunnel of OpenVPN. The prober's interface is there when it has got through, and stays."""

    def __init__(self, plan: TunnelPlan, target: int, stack: ExitStack) -> None:
        """Plan one to the host of process `target`; `stack` ends its programs."""
        self._plan, self._target, self._stack = plan, target, stack
        self._here, self._there = _certificate("prober"), _certificate("target")
        self._far: Program | None = None

    def lay(self) -> None:
        """Make the target's interface and start its server."""
        run(self._target, ["ip", "tuntap", "add", "dev", DEVICE, "mode", "tun"])
        self._serve(self._here.fingerprint)

    def _serve(self, fingerprint: str) -> None:
        text = tunnel_plan.openvpn_there(self._plan, self._there, fingerprint)
        self._far = self._start(self._target, text)

    def _start(self, host: int | None, text: str) -> Program:
        program = Program(host, ["openvpn", "--config", "stdin"], text)
        self._stack.callback(program.end)
        return program

    def await_far_end(self) -> None:
        """Wait until the server reports that it is ready."""
        if self._far is not None:
            self._far.await_that(functools.partial(_is_complete, self._far))

    def join(self) -> None:
        """Start the client, and wait until it is through where a server waits for it."""
        client = self._start(None, tunnel_plan.openvpn_here(self._plan, self._here, self._there.fingerprint))
        if self._plan.vpn.warm or self._plan.vpn.far_end is FarEnd.SERVES:
            client.await_that(functools.partial(_is_complete, client))

    def warm(self) -> None:
        """Nothing: it has been warm since it got through."""

    def stop_far_end(self) -> None:
        """End the server; its interface stays, without a carrier."""
        if self._far is not None:
            self._far.end()

    def forget_us(self) -> None:
        """Have a server in its place that knows another client."""
        self.stop_far_end()
        self._serve(self._there.fingerprint)
        self.await_far_end()


_KINDS: dict[VpnKind, Callable[[TunnelPlan, int, ExitStack], NetnsTunnel]] = {
    VpnKind.WIREGUARD: WireGuardTunnel,
    VpnKind.OPENVPN: OpenVpn,
}


def lay_tunnel(plan: TunnelPlan, target: int, stack: ExitStack) -> Callable[[], None]:
    """Make the interfaces of a tunnel to the host of process `target`; `stack` takes it all down.

    Returns what joins the two ends once both hosts are built, with all the trouble that the plan asks for,
    except for what `make_trouble` does.

    Raises:
        BackendError: it cannot be made; the message names what is missing.
    """
    lacking = vpn_available(plan.vpn.kind)
    if lacking is not None:
        raise BackendError(lacking)
    tunnel = _KINDS[plan.vpn.kind](plan, target, stack)
    tunnel.lay()
    return functools.partial(_join, tunnel, plan.vpn, target)


def _join(tunnel: NetnsTunnel, vpn: Vpn, target: int) -> None:
    """Let the two ends find each other; the far end's trouble begins before that, where it is cold."""
    faults: dict[FarEnd, Callable[[], object]] = {
        FarEnd.SERVES: lambda: None,
        FarEnd.ABSENT: tunnel.stop_far_end,
        FarEnd.UNKNOWN_PEER: tunnel.forget_us,
        FarEnd.UNREACHABLE: lambda: run(target, ["nft", "-f", "-"], CUT),
    }
    steps: list[Callable[[], object]] = [tunnel.join, faults[vpn.far_end]]
    tunnel.await_far_end()
    if vpn.warm:
        steps.insert(1, tunnel.warm)
    else:
        steps.reverse()
    for step in steps:
        step()


def switch_off_here(vpn: Vpn) -> None:
    """Switch the prober's interface off if the scenario has it so, and let the time pass that it asks for."""
    if not vpn.up:
        run(None, ["ip", "link", "set", DEVICE, "down"])
    time.sleep(vpn.wait_s)


@functools.cache
def _certificate(host: str) -> Certificate:
    """Make a self-signed certificate for a host of that name; the worlds of one process share it."""
    subject = ("-subj", f"/CN={host}", "-days", "2")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/stdout")
    both = run(None, ["openssl", "req", "-x509", *key, *subject])
    begins = both.index("-----BEGIN CERTIFICATE-----")
    text = both[begins:]
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(text.strip())).hexdigest()
    return Certificate(text, both[:begins], ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)))


def _is_complete(program: Program) -> bool:
    return _SHAKEN in program.output()
