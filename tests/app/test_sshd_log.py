"""What a scan leaves in the log of a real sshd: few lines, and all that is worth knowing is read."""

import os
import shutil
import subprocess
import time
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import pytest

from probe.app.session import Backends
from probe.app.stages import collect
from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.kept import KeptConnections
from probe.backends.system_host import SystemHost
from probe.model.identity import KeyKind
from probe.model.plan import Timing
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

SSHD = "/usr/sbin/sshd"
PORT = Port(Protocol.TCP, 2222)
ADDRESSES = tuple(ip_address(f"127.0.{n}.9") for n in (31, 32, 33))
START_S = 10.0
SETTLE_S = 0.5  # until the last connection has been logged
needs_sshd = pytest.mark.skipif(
    not (os.access(SSHD, os.X_OK) and shutil.which("ssh-keygen") and Path("/run/sshd").is_dir()),
    reason="no sshd that may start here",
)


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """An sshd of its own on three addresses; its log is the file `log`."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    options = [f"Port={PORT.number}", "UsePAM=no", "PidFile=none"]
    options += [f"ListenAddress={ip}" for ip in ADDRESSES]
    command = [SSHD, "-D", "-e", "-f", "/dev/null", "-h", str(key)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([*command, *(word for one in options for word in ("-o", one))], stderr=log)


def wait_until_it_listens(log: Path) -> None:
    """As its log shows; a connection would be logged."""
    until = time.monotonic() + START_S
    while log.read_bytes().count(b"listening") < len(ADDRESSES):
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.05)


@needs_sshd
@pytest.mark.skipif(os.geteuid() != 0, reason="an sshd that serves others takes root")
def test_one_line_for_each_address(tmp_path):
    """One connection each: who greeted on it is asked for its key."""
    sshd = started(tmp_path)
    try:
        wait_until_it_listens(tmp_path / "log")
        kept = KeptConnections()
        with closing(ConnectBackend(kept=kept)) as backend, closing(SystemClients(kept=kept)) as clients:
            target = ResolvedTarget(tuple(TargetAddress(ip, "loopback") for ip in ADDRESSES), (PORT,))
            backends = Backends(backend, SystemHost(), clients=clients, let_go=kept.close)
            surveys = collect(target, Timing(), backends).surveys
        time.sleep(SETTLE_S)
    finally:
        sshd.terminate()
        sshd.wait()
    log = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    about_us = [line for line in log if "listening" not in line and "signal" not in line]
    assert {key.kind for survey in surveys for key in survey.keys[PORT]} == {KeyKind.SSH}
    assert len(about_us) == len(ADDRESSES), log
