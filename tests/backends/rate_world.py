"""Counts on the wire what capped scans open: SYNs, with those that the kernel repeats, datagrams and echos.

Started in a network namespace that has no way out; prints, for each setting, when each opening left.
"""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Self

from probe.lab.netns import syscalls

# Flags beside the addresses, by the rate that they ask for.
SETTINGS: dict[str, tuple[int, str]] = {
    "connect 5": (5, "-p 80,9999 --engine connect --retries 0"),
    "connect 25": (25, "-p U:5300,T:22,80,8080,9999 --engine connect"),
    "raw 25": (25, "-p U:5300,T:22,80,8080,9999 --engine raw"),
    "connect 25, no greetings": (25, "-p 22,80,8080,9999 --engine connect --no-greetings"),
    "connect 25, many tries": (25, "-p 22,80,9999 --engine connect --retries 4 --timeout 0.5"),
    "raw 25, FINs": (25, "-p 22,80,9999 --engine raw --fin"),
    "raw 25, frames": (25, "-p 22,80,9999 --engine raw --l2"),
    "connect 50, datagrams": (50, "-p U:5300-5320,T:80 --engine connect --retries 1"),
    "connect 100": (100, "-p 9000-9079,80,22 --engine connect --retries 0"),
    "raw 100": (100, "-p 9000-9079,80,22 --engine raw --retries 0"),
    "connect 300": (300, "-p 9000-9249,80 --engine connect --retries 0 --timeout 0.5"),
    "raw 300": (300, "-p 9000-9249,80 --engine raw --retries 0 --timeout 0.5"),
}
ANSWERING, SILENT = ("10.9.1.10", "10.9.1.11"), "10.9.1.12"
_PACKET_OUTGOING, _SO_TIMESTAMPNS = 4, 35
_IPV4, _ARP = 0x0800, 0x0806
_SYN, _ACK = 0x02, 0x10
# 80 and 8080 accept and keep quiet; 22 is dropped, and so is all that is for the third address.
_FILTER = f"""table inet f {{
  chain c {{
    type filter hook input priority 0;
    ip daddr {SILENT} drop
    tcp dport 22 drop
  }}
}}
"""


def sh(command: str, text: str | None = None) -> None:
    """Run a command.

    Raises:
        CalledProcessError: it failed.
    """
    subprocess.run(command.split(), input=text, text=True, check=True, capture_output=True)


def be_target(ready: int, go: int) -> None:
    """The other end of the wire, until it is killed."""
    syscalls.new_network()
    os.write(ready, b"x")
    os.read(go, 1)
    sh("ip link set lo up")
    for address in (*ANSWERING, SILENT):
        sh(f"ip addr add {address}/24 dev tgt0")
    sh("ip link set tgt0 up")
    sh("nft -f -", _FILTER)
    listening = [socket.create_server(("0.0.0.0", port), backlog=64) for port in (80, 8080)]
    os.write(ready, b"x")
    kept = []
    while True:
        kept += [one.accept() for one in select.select(listening, [], [])[0]]


def opens(packet: bytes) -> bool:
    """Whether an IPv4 packet opens something."""
    header, protocol = (packet[0] & 15) * 4, packet[9]
    if protocol == socket.IPPROTO_TCP:
        return packet[header + 13] & (_SYN | _ACK) == _SYN
    return protocol == socket.IPPROTO_UDP or (protocol == socket.IPPROTO_ICMP and packet[header] == 8)


def destination(kind: int, packet: bytes) -> IPv4Address | IPv6Address | None:
    """Whom a packet is for, or an ARP request asks for; None for what a kernel sends to all of its link."""
    if kind == _ARP:
        return IPv4Address(packet[24:28])
    if kind == _IPV4:
        return IPv4Address(packet[16:20])
    found = IPv6Address(packet[24:40])
    return None if found.is_multicast else found


class OpeningWatch:
    """Notes when each opening leaves by an interface, and whom every packet is for."""

    def __init__(self, interface: str) -> None:
        self.times: list[float] = []
        self.destinations: set[str] = set()
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sock.bind((interface, 0x0003))
        self._sock.settimeout(0.2)
        self._over = False
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()
        self._sock.close()

    def _read(self) -> None:
        while not self._over:
            try:
                packet, notes, _, address = self._sock.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if address[2] != _PACKET_OUTGOING:
                continue
            to = destination(address[1], packet)
            self.destinations |= set() if to is None else {str(to)}
            if address[1] == _IPV4 and opens(packet):
                seconds, nanoseconds = struct.unpack("ll", notes[0][2][:16])
                self.times.append(seconds + nanoseconds / 1e9)


@contextmanager
def wire() -> Iterator[None]:
    """Build the wire to the target, by which everything leaves that this namespace sends."""
    ready, ready_end = os.pipe()
    go_end, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        be_target(ready_end, go_end)
    os.close(ready_end)  # so that reading ends where the target does
    try:
        os.read(ready, 1)
        sh(f"ip link add prb0 type veth peer name tgt0 netns {pid}")
        sh("ip addr add 10.9.1.2/24 dev prb0")
        sh("ip link set prb0 up")
        sh("ip link set lo up")
        sh("ip route add default dev prb0")
        os.write(go, b"x")
        if not os.read(ready, 1):
            sys.exit("the target did not come up")
        time.sleep(0.3)
        yield
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def scanned(rate: int, flags: str) -> dict[str, object]:
    """When each opening of a scan left, and what the scan reports to have sent."""
    command = [sys.executable, "-m", "probe", "scan", *ANSWERING, SILENT, "--json", *flags.split()]
    with OpeningWatch("prb0") as watch:
        done = subprocess.run(
            [*command, "--rate", str(rate)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        time.sleep(0.3)
    if done.returncode:
        sys.exit(done.stderr)
    return {"times": watch.times, "sent": json.loads(done.stdout)["stats"]["sent"]}


if __name__ == "__main__":
    with wire():
        json.dump({name: scanned(*setting) for name, setting in SETTINGS.items()}, sys.stdout)
