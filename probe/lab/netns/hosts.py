"""Held hosts: child processes, each alone in a network namespace of its own. Linux only.

A child makes its namespace, waits until the wires are laid, then builds itself and serves until it is
ended. Nothing outlives the parent: the kernel ends the children with it, and a namespace with its process.
"""

import contextlib
import gc
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from probe import interruption
from probe.errors import BackendError
from probe.lab.netns import mounts, syscalls
from probe.lab.netns.links import addressing, routing
from probe.lab.netns.plans import HostPlan

_PATIENCE = 10.0  # seconds for any step of building
_LONGEST_MESSAGE = 4096
_MADE, _GO, _UP, _ERROR = b"made", b"go", b"up", b"error "

Serve = Callable[[], NoReturn]


def configure(command: str, text: str) -> None:
    """Feed a batch to `ip` or `nft` in this process's namespace.

    Raises:
        BackendError: the command is missing or refuses; the message has its first line.
    """
    arguments = {"ip": ["-batch", "-"], "nft": ["-f", "-"]}[command]
    program = shutil.which(command, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is None:
        raise BackendError(f"{command} is not installed; the netns world needs iproute2 and nftables")
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)  # noqa: S603 - our own text
    if done.returncode != 0:
        first = next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
        raise BackendError(f"{command} cannot build the world: {first}")


def apply_settings(plan: HostPlan) -> None:
    """Write the kernel settings of this namespace. They come first: interfaces inherit them.

    Raises:
        BackendError: a setting cannot be written.
    """
    for name, value in plan.settings:
        try:
            (Path("/proc/sys") / name.replace(".", "/")).write_text(value, encoding="ascii")
        except OSError as error:
            raise BackendError(f"cannot set {name} on {plan.name}: {error.strerror}") from None


def build(plan: HostPlan) -> None:
    """Give this namespace its addresses and rules.

    Raises:
        BackendError: a part cannot be built.
    """
    for interface in plan.interfaces:
        if interface.behind_cable:
            syscalls.checksum_in_software(interface.name)
    configure("ip", addressing(plan))
    if plan.rules:
        configure("nft", plan.rules)


def finish(plan: HostPlan) -> None:
    """Give this namespace its routes, and what else takes all its interfaces.

    Raises:
        BackendError: a part cannot be built.
    """
    if plan.routes or plan.last:
        configure("ip", routing(plan) + "".join(f"{line}\n" for line in plan.last))


def await_carrier(plan: HostPlan) -> None:
    """Wait until the other end of every wire is up.

    Raises:
        BackendError: it does not come up.
    """
    deadline = time.monotonic() + _PATIENCE
    for interface in plan.interfaces:
        while not syscalls.is_running(interface.name):
            if time.monotonic() > deadline:
                raise BackendError(f"{interface.name} of {plan.name} does not come up")
            time.sleep(0.0005)


class HeldHost:
    """One child process and its namespace.

    `prepare` runs in the child once it is built, and returns what it then does for ever.
    """

    def __init__(self, plan: HostPlan, prepare: Callable[[], Serve]) -> None:
        """Start the child.

        Raises:
            OSError: no more processes.
        """
        self.name = plan.name
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_PATIENCE)
        parent = os.getpid()
        with interruption.held_back():
            self.pid = os.fork()
            if self.pid == 0:
                _live(parent, theirs, plan, prepare)
        theirs.close()

    def await_namespace(self) -> None:
        """Wait until its namespace exists.

        Raises:
            BackendError: it could not make one.
        """
        self._expect(_MADE)

    def go(self) -> None:
        """Let it go on: the wires are laid."""
        self._channel.send(_GO)

    def await_ready(self) -> None:
        """Wait until it is built and serves.

        Raises:
            BackendError: it could not build itself.
        """
        self._expect(_UP)

    def require_alive(self) -> None:
        """Make sure that it served until now: a host that broke down must not pass for a silent one.

        Raises:
            BackendError: it has ended; the message has the reason.
        """
        self._channel.settimeout(0)
        try:
            got = self._channel.recv(_LONGEST_MESSAGE)
        except BlockingIOError:
            return
        raise BackendError(self._complaint(got))

    def end(self) -> None:
        """End the child and reap it; the kernel then takes the namespace down."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # ended, and reaped by somebody else
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _expect(self, message: bytes) -> None:
        try:
            got = self._channel.recv(_LONGEST_MESSAGE)
        except TimeoutError:
            raise BackendError(f"the {self.name} host does not come up") from None
        if got != message:
            raise BackendError(self._complaint(got))

    def _complaint(self, message: bytes) -> str:
        complaint = message.removeprefix(_ERROR).decode(errors="replace") or "ended early"
        return f"the {self.name} host: {complaint}"


def _live(parent: int, channel: socket.socket, plan: HostPlan, prepare: Callable[[], Serve]) -> NoReturn:
    """Be a host: the whole life of the child process. Never returns into the parent's code."""
    try:
        channel = _settle(parent, channel)
        syscalls.new_network()
        mounts.settle(tunnel=plan.tunnel, daemons=bool(plan.daemons))
        apply_settings(plan)
        channel.send(_MADE)
        channel.recv(_LONGEST_MESSAGE)
        build(plan)
        finish(plan)
        serve = prepare()
        await_carrier(plan)
        channel.send(_UP)
        serve()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must get it, and only there
        channel.send((_ERROR + (str(error) or repr(error)).encode())[:_LONGEST_MESSAGE])
    finally:
        os._exit(1)


def _settle(parent: int, channel: socket.socket) -> socket.socket:
    """Let go of all that was inherited: files, signals, garbage that would close files when collected."""
    syscalls.die_with_parent(parent)
    gc.freeze()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent ends us when it is interrupted
    interruption.let_come()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.dup2(channel.detach(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=3)
