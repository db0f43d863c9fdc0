"""The connect backend at its limits: no descriptors, no privilege. Each test is a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from nobody import ENVIRONMENT, NOBODY, TOP, python_for_nobody, require_root

pytest.importorskip("resource", reason="limits of open files exist on Unix only")

# Sends COUNT probes to loopback before it reads, and prints the reasons: to closed ports, or all of them to
# one that is silent, a listener that reads nothing or one whose accept queue is full.
SCRIPT = """
import collections, ipaddress, json, resource, socket, sys
limit, count = int(sys.argv[1]), int(sys.argv[2])
address, protocol = ipaddress.ip_address(sys.argv[3]), sys.argv[4]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if limit:
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
from probe.backends.connect import ConnectBackend
kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
silent = socket.socket(socket.AF_INET, kinds[protocol]) if sys.argv[5] == "silent" else None
if silent is not None:
    silent.bind(("127.0.0.1", 0))
    if protocol == "tcp":
        silent.listen(0)
        queued = [socket.socket() for _ in range(2)]
        for one in queued:
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
from probe.model.probing import Probe, Question
from probe.model.target import Port, Protocol
backend = ConnectBackend()
for number in range(count):
    port = 1 + number if silent is None else silent.getsockname()[1]
    backend.send(Probe(number, Question(address, Port(Protocol(protocol), port))))
received = []
until = backend.now() + (5 if silent is None else 0.5)
while len(received) < count and backend.now() < until:
    received += backend.receive(until)
backend.close()
with socket.socket() as again:  # descriptors are back
    pass
reasons = collections.Counter(reply.reason for reply in received)
print(json.dumps({"capacity": backend.capacity, "reasons": reasons}))
"""


def run(
    limit: int,
    count: int,
    address: str,
    protocol: str,
    python: Sequence[str] = (sys.executable,),
    to: str = "closed",
) -> Any:
    """Run the script in a child and read what it prints."""
    environment = os.environ | {"PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = [str(limit), str(count), address, protocol, to]
    done = subprocess.run(
        [*python, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_no_descriptor_left(protocol: str) -> None:
    """Probes beyond the limit of open files are `not-sent`, and none is lost; those before wait on."""
    seen = run(100, 150, "127.0.0.1", protocol, to="silent")
    assert seen["capacity"] == 36
    assert set(seen["reasons"]) == {"not-sent"}
    assert 50 < seen["reasons"]["not-sent"] < 75


@pytest.mark.parametrize(("protocol", "reason"), [("tcp", "reset"), ("udp", "port-unreach")])
def test_answers_make_room(protocol: str, reason: str) -> None:
    """What was answered holds no descriptor, though nothing was received in between."""
    assert run(100, 150, "127.0.0.1", protocol)["reasons"] == {reason: 150}


def test_limit_is_raised() -> None:
    """The soft limit is raised towards the hard one, so that more than the default fits."""
    script = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1])"
    hard = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    expected = 16_000 if hard < 0 else min(16_000, hard - 64)
    assert run(0, 1, "127.0.0.1", "tcp")["capacity"] == expected


@pytest.mark.nobody
@pytest.mark.parametrize(
    ("address", "protocol", "reason"),
    [
        ("127.0.0.1", "tcp", "reset"),
        ("::1", "tcp", "reset"),
        ("127.0.0.1", "udp", "port-unreach"),
        ("::1", "udp", "port-unreach"),
    ],
)
def test_as_nobody(address: str, protocol: str, reason: str) -> None:
    """A user without any capability distinguishes resets from ICMP errors as root does."""
    require_root()
    seen = run(0, 5, address, protocol, (*NOBODY, *ENVIRONMENT, python_for_nobody()))
    assert seen["reasons"] == {reason: 5}
