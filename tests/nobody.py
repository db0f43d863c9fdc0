"""The user without any privilege: how to become it, and what it can run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
OTHER_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NOBODY = (*OTHER_USER, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
_PLACES = ":".join([str(TOP), *(place for place in sys.path if place.endswith("-packages"))])
# With which any interpreter of this version finds the packages that the tests' own has.
ENVIRONMENT = ("env", "HOME=/nonexistent", f"PYTHONPATH={_PLACES}", "PYTHONDONTWRITEBYTECODE=1")


def require_root() -> None:
    """Skip the test where nobody cannot become another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")


def python_for_nobody() -> str:
    """Find an interpreter that any user may run, with the packages of ours, or skip the test.

    Ours may live in root's home.
    """
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        trial = (*NOBODY, *ENVIRONMENT, python, "-c", "import probe, msgspec, psutil, scapy, yaml")
        if subprocess.run(trial, check=False, cwd="/", capture_output=True).returncode == 0:
            return python
    pytest.skip("the user nobody may not read this checkout or its Python")
