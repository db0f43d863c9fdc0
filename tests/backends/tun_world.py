"""Two network namespaces joined by a tunnel of our own: two tun devices and a thread that carries packets."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator

from raw_cases import HERE

from probe.lab.netns import enter, syscalls
from probe.lab.netns.hosts import configure

NEAR, FAR, NEAR6, FAR6 = "10.9.0.1", "10.9.0.2", "fd09::1", "fd09::2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_LONGEST = 65_536


def _open(name: str, address: str, address6: str) -> int:
    """A tun device of this namespace, up and with addresses; reading it takes what is sent by it."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    commands = (
        "link set lo up",
        f"link set {name} addrgenmode none",
        f"addr add {address}/24 dev {name}",
        f"addr add {address6}/64 dev {name} nodad",
        f"link set {name} up",
    )
    configure("ip", "\n".join((*commands, "")))
    return device


def _be_far_end(device: list[int], ready: threading.Event, stop: int) -> None:
    """Live in a namespace of its own, and carry packets between the two devices until stopped."""
    syscalls.new_network()
    far = _open("far0", FAR, FAR6)
    with socket.create_server(("::", HERE), family=socket.AF_INET6, dualstack_ipv6=True):
        ready.set()
        near = device[0]
        other = {near: far, far: near}
        while stop not in (readable := select.select([near, far, stop], [], [])[0]):
            for one in readable:
                os.write(other[one], os.read(one, _LONGEST))
    os.close(far)


@contextlib.contextmanager
def tunnel() -> Iterator[tuple[str, str, str, str]]:
    """Join this namespace to a new one; yields both ends' addresses, ours first in each family."""
    enter.require_no_way_out()
    near = _open("near0", NEAR, NEAR6)
    stopped, stop = os.pipe()
    ready = threading.Event()
    thread = threading.Thread(target=_be_far_end, args=([near], ready, stopped))
    thread.start()
    try:
        assert ready.wait(10)
        yield NEAR, FAR, NEAR6, FAR6
    finally:
        os.write(stop, b".")
        thread.join()
        for descriptor in (near, stopped, stop):
            os.close(descriptor)
