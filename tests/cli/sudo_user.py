"""A user who calls sudo: their folder, their tools, and the program that root runs for them.

It runs in a network namespace that has loopback alone.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nobody import TOP, require_root

NOBODY = 65534
WORLD = """
ip link set lo up
nft add table ip t
nft add chain ip t c '{ type filter hook output priority 0; }'
nft add rule ip t c ip daddr 127.0.0.3 drop
PATH=$1:$PATH; shift
exec "$@"
"""
TOOLS = ("ip", "wg", "nft", "iptables-save", "ip6tables-save", "tailscale", "ssh-keyscan")


@dataclass(frozen=True)
class Home:
    """The user's folder, a file of root's elsewhere, and a folder of tools that note who runs them."""

    folder: Path
    secret: Path
    tools: Path

    def who_ran(self) -> set[str]:
        return set((self.folder / "ran").read_text().split()) if (self.folder / "ran").exists() else set()


@contextmanager
def home_of_the_user() -> Iterator[Home]:
    """Outside of pytest's own folders, which each process of the tests closes as it begins."""
    require_root()
    with tempfile.TemporaryDirectory(prefix="bindprobe-test-") as place:
        top = Path(place)
        top.chmod(0o711)
        folder, closed, tools = top / "home", top / "closed", top / "tools"
        for one in (folder, closed, tools):
            one.mkdir()
        closed.chmod(0o700)
        secret = closed / "secret"
        secret.write_text("root's own\n")
        secret.chmod(0o600)
        for name in TOOLS:
            (tools / name).write_text(f"#!/bin/sh\nid -u >> {folder}/ran\nexit 1\n")
            (tools / name).chmod(0o755)
        os.chown(folder, NOBODY, NOBODY)
        os.chown(tools, NOBODY, NOBODY)
        yield Home(folder, secret, tools)
        assert secret.read_text() == "root's own\n"
        assert (secret.stat().st_uid, secret.stat().st_mode & 0o777) == (0, 0o600)
        assert sorted(closed.iterdir()) == [secret]


def run(home: Home, *argv: str, safe_path: bool = False, **environ: str) -> subprocess.Popen[str]:
    """Start the program as sudo does; `safe_path`: without the modules of the folder, as its command does."""
    python = [sys.executable, *(["-P"] if safe_path else []), "-m", "probe"]
    sudo = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "SUDO_USER": "nobody"}
    return subprocess.Popen(
        ["unshare", "-n", "sh", "-c", WORLD, "sh", str(home.tools), *python, *argv],
        cwd=home.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOP), **sudo, **environ},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err
