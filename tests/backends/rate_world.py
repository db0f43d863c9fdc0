"""Counts on the wire what a capped scan opens: SYNs, with those that the kernel repeats, datagrams and echos.

Started in a network namespace that has no way out; prints, for each engine, when each opening left.
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
from pathlib import Path
from typing import Self

from probe.lab.netns import syscalls

RATE = 25
ANSWERING, SILENT = ("10.9.1.10", "10.9.1.11"), "10.9.1.12"
PORTS = "U:5300,T:22,80,8080,9999"
_PACKET_OUTGOING, _SO_TIMESTAMPNS = 4, 35
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


class OpeningWatch:
    """Notes when each opening leaves by an interface."""

    def __init__(self, interface: str) -> None:
        self.times: list[float] = []
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
            if address[2] == _PACKET_OUTGOING and address[1] == 0x0800 and opens(packet):
                seconds, nanoseconds = struct.unpack("ll", notes[0][2][:16])
                self.times.append(seconds + nanoseconds / 1e9)


def main() -> None:
    """Build the wire, scan over it with both engines, print."""
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
        os.write(go, b"x")
        if not os.read(ready, 1):
            sys.exit("the target did not come up")
        time.sleep(0.3)
        json.dump({engine: scanned(engine) for engine in ("connect", "raw")}, sys.stdout)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def scanned(engine: str) -> dict[str, object]:
    """When each opening of a scan left, and what the scan reports to have sent."""
    command = [sys.executable, "-m", "probe", "scan", *ANSWERING, SILENT, "-p", PORTS, "--json"]
    with OpeningWatch("prb0") as watch:
        done = subprocess.run(
            [*command, "--rate", str(RATE), "--engine", engine],
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
    main()
