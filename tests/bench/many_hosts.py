"""A link with 240 hosts on it: one namespace that has all their addresses, each served alike."""

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from typing import NoReturn

from probe.app.session import Backends
from probe.app.stages import collect
from probe.backends.connect import ConnectBackend
from probe.backends.system_host import SystemHost
from probe.lab.netns import syscalls
from probe.lab.netns.hosts import configure
from probe.model.greeting import Inquiry
from probe.model.plan import Timing
from probe.model.target import ResolvedTarget, TargetAddress
from probe.services.port_list import parse_ports

HOSTS = tuple(f"192.168.77.{number}" for number in range(10, 250))
PORTS = "21-23,25,53,80,110,143,443,3306,5432,6379,8000,8001,8080,8443,9000,9090,9200,27017"
_OPEN = (22, 80, 443, 8000, 8080, 9000)


@contextmanager
def network() -> Iterator[None]:
    """The link, with this process at its near end, in the namespace where it is."""
    ready, ready_end = os.pipe()
    go_end, go = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_hosts(parent, ready_end, go_end)
    os.close(ready_end)
    try:
        _await(ready)
        configure("ip", f"link add near0 type veth peer name hosts0 netns {pid}\n")
        configure("ip", "addr add 192.168.77.2/24 dev near0\nlink set near0 up\n")
        os.write(go, b"x")
        _await(ready)
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _await(ready: int) -> None:
    """Wait for the other end.

    Raises:
        RuntimeError: it did not come up.
    """
    if not os.read(ready, 1):
        raise RuntimeError("the hosts did not come up")


def _be_hosts(parent: int, ready: int, go: int) -> NoReturn:
    try:
        syscalls.die_with_parent(parent)
        syscalls.new_network()
        os.write(ready, b"x")
        os.read(go, 1)
        addresses = "".join(f"addr add {host}/24 dev hosts0\n" for host in HOSTS)
        configure("ip", f"link set lo up\n{addresses}link set hosts0 up\n")
        opened = [socket.create_server(("", port), backlog=4096) for port in _OPEN]
        os.write(ready, b"x")
        while True:
            for one in select.select(opened, [], [])[0]:
                one.accept()[0].close()
    finally:
        os._exit(1)


def missed() -> int:
    """Scan all hosts once; return how many did not answer on every port."""
    target = ResolvedTarget(
        tuple(TargetAddress(ip_address(host), "lan") for host in HOSTS), tuple(parse_ports(PORTS))
    )
    with closing(ConnectBackend()) as backend:
        outcome = collect(target, Timing(), Backends(backend, SystemHost(), inquiry=Inquiry.NONE))
    return (
        sum(any(o.answered is None for o in survey.tested().values()) for survey in outcome.surveys)
        + len(HOSTS)
        - len(outcome.surveys)
    )
