"""The user without any privilege: how to become it, and what it can run."""

import subprocess
import sys

import netns_tasks
import pytest

NOBODY = (
    "setpriv",
    *("--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"),
    "--no-new-privs",
)


def python_for_nobody() -> str:
    """Find an interpreter that any user may run: the tests' own may live in root's home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        trial = [*NOBODY, "sh", "-c", f"{python} -c 'import psutil, msgspec, yaml'"]
        if (
            subprocess.run(trial, env=netns_tasks.environment(), check=False, capture_output=True).returncode
            == 0
        ):
            return python
    pytest.skip("no Python of this version that any user may run")
    return ""
