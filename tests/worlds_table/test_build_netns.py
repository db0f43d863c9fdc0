"""The table with real hosts: memory and namespaces side by side, and nothing left of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from probe.lab.netns import enter

pytestmark = pytest.mark.netns

TOP = Path(__file__).parents[2]
WORLDS = ("--world", "sim", "--world", "netns")


def table(*words: str) -> subprocess.Popen[str]:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)
    command = [sys.executable, "-m", "worlds_table", *words, *WORLDS]
    env = {**os.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}"}
    return subprocess.Popen(command, env=env, cwd=TOP, stdout=-1, stderr=-1, text=True)


def test_memory_and_real_hosts_report_the_same() -> None:
    """Two engines in two worlds: what raw packets add is explained, and nothing else differs."""
    with table("loopback-only", "host-forges-resets") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert "8 cells: 4 equal, 4 explained, 0 different, 0 failed" in " ".join(out.split())
    assert err.splitlines()[-1].startswith("netns raw: 2 scenarios, 0 failed")


def test_an_interrupt_leaves_no_process() -> None:
    """Ctrl-C in the middle ends the worlds too, namespaces and all."""
    with table("very-lossy-link", "lossy-link", "demo") as process:
        parent = psutil.Process(process.pid)
        deadline = time.monotonic() + 60
        while len(parent.children(recursive=True)) < 3:  # a world each, and what is in the namespace
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        begun = parent.children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert psutil.wait_procs(begun, timeout=10)[1] == []
