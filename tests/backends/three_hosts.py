"""A prober, a router and a target in network namespaces, in which scripts measure with the real instruments.

Such a script is run as `unshare -Urn python SCRIPT`: the prober is its own namespace. It refuses to run where
an interface beside `lo` has an address, for no probe may leave the world. Called with `listen`, it is the
target's services.
"""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from probe.machine.interfaces import interfaces
from probe.model.facts import LinkKind


@contextlib.contextmanager
def three_hosts(build: Callable[[int, int], None], script: str) -> Iterator[None]:
    """The hosts, as long as the context lasts. `build` wires the processes of router and target to ours."""
    if any(one.kind is not LinkKind.LOOPBACK for one in interfaces() if one.addresses):
        raise SystemExit("run this in a network namespace of its own: unshare -Urn")
    with contextlib.ExitStack() as stack:
        pids = []
        for _ in ("router", "target"):
            holder = stack.enter_context(_process("unshare", "-n", "sh", "-c", "echo; read x"))
            pids.append(holder.pid)
        build(*pids)
        stack.enter_context(_process(*_enter(pids[1]), sys.executable, script, "listen"))
        yield


@contextlib.contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process that prints one line when it is ready, and ends with its standard input."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.communicate()


def run(*command: str, text: str | None = None) -> None:
    """Run one command."""
    subprocess.run(command, check=True, input=text, text=True)


def _enter(pid: int | None) -> tuple[str, ...]:
    return () if pid is None else ("nsenter", "-t", str(pid), "-n")


def wire(name: str, pid: int | None, peer: str, peer_pid: int) -> None:
    """Lay a link between two hosts, None being the prober."""
    command = (*_enter(pid), "ip", "link", "add", name, "type", "veth", "peer", "name", peer)
    run(*command, "netns", str(peer_pid))


def configure(pid: int | None, commands: str, hook: str, rules: str) -> None:
    """Run commands, lift the limits on ICMP errors and load rules, on one host."""
    limits = "cd /proc/sys/net; for f in ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 > $f; done"
    run(*_enter(pid), "sh", "-ec", f"ip link set lo up\n{commands}\n{limits}")
    table = f"table inet f {{ chain c {{ type filter hook {hook} priority 0\n{rules}\n}}\n}}\n"
    run(*_enter(pid), "nft", "-f", "-", text=table)


def listen(manners: Mapping[int, str], echo: int | None = None) -> None:
    """Be the target's services until standard input ends.

    `manners`: by TCP port, one of MANNERS. `echo`: the UDP port that sends everything back.
    """
    kept: list[socket.socket] = []
    for port, manner in manners.items():
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=_accept, args=(listener, MANNERS[manner], kept), daemon=True).start()
    if echo is not None:
        answerer = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        answerer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        answerer.bind(("::", echo))
        threading.Thread(target=_echo, args=(answerer,), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


def _accept(
    listener: socket.socket, treat: Callable[[socket.socket], None], kept: list[socket.socket]
) -> None:
    """Accept for ever; `kept` holds what is not to be closed."""
    while True:
        peer, _ = listener.accept()
        kept.append(peer)
        treat(peer)


def _echo(answerer: socket.socket) -> None:
    while True:
        data, peer = answerer.recvfrom(2048)
        answerer.sendto(data, peer)


def _hang_up(peer: socket.socket) -> None:
    """Greet, read a little and close: what is left unread makes the end a reset."""

    def later() -> None:
        peer.sendall(b"hello\r\n")
        peer.recv(16)
        time.sleep(0.1)
        peer.close()

    threading.Thread(target=later, daemon=True).start()


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


MANNERS: dict[str, Callable[[socket.socket], None]] = {
    "hold": lambda peer: None,
    "greet": lambda peer: peer.sendall(b"hello\r\n"),
    "close": socket.socket.close,
    "reset": _reset,
    "hang up": _hang_up,
}
