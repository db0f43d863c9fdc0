"""Scans the demo's target and confirms the report by ssh to it; run as a program, as `FOLDER`.

A real sshd is started on the target, with keys made in the folder. `ssh` is the system's, with settings that
lead to that sshd and its key. Prints the confirmed report.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.netns.world import open_network
from probe.model.fixes import Place

PORT = 2222
ADDRESSES = ("--lan", "192.168.77.10", "--vpn", "10.88.0.10", "--public", "203.0.113.10")
SSHD = """Port {port}
ListenAddress 0.0.0.0
HostKey {folder}/host
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PermitRootLogin yes
"""
SSH = """Host target
  HostName 192.168.77.10
  Port {port}
  User root
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  BatchMode yes
"""


def prepare(folder: Path) -> None:
    """Keys of the host and of the user, settings of both sides, and an `ssh` that takes them."""
    for name in ("host", "user"):
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        subprocess.run(command, check=True)
    host = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known").write_text(f"[192.168.77.10]:{PORT} {host}\n")
    for name, text in (("sshd_config", SSHD), ("ssh_config", SSH)):
        (folder / name).write_text(text.format(port=PORT, folder=folder))
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
    wrapper.chmod(0o755)


def main(folder: Path) -> int:
    """Build the world and run in it; the sshd ends with it."""
    prepare(folder)
    with open_network(find_scenario("demo")) as shell:
        start = f"mkdir -p /run/sshd && /usr/sbin/sshd -E {folder}/log -f {folder}/sshd_config"
        started = shell(Place.TARGET, start)
        if started.returncode != 0:
            sys.exit(started.stderr)
        try:
            return scan_and_confirm(folder)
        finally:
            os.kill(int((folder / "sshd.pid").read_text()), signal.SIGTERM)


def scan_and_confirm(folder: Path) -> int:
    """The exit code of `confirm`."""
    report, program = str(folder / "report.json"), (sys.executable, "-m", "probe")
    ports = f"22,443,{PORT},3306,5432,8000,8080,9090"
    scan = (*program, "scan", *ADDRESSES, "-p", ports, "--json", "-q", "-o", report)
    subprocess.run(scan, check=True)
    path = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    confirm = (*program, "confirm", report, "--ssh", "target", "--json")
    return subprocess.run(confirm, check=False, env={**os.environ, **path}).returncode


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    sys.exit(main(Path(sys.argv[1])))
