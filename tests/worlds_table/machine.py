"""What a table was measured on, in words: the machine, its kernel, and the versions of what takes part."""

import os
import platform
import subprocess
from collections.abc import Sequence

from probe.lab.compose.stack import compose_command
from probe.version import __version__

_PATIENCE_S = 30
_GIB = 2**30


def this_machine(*, docker: bool) -> str:
    """Say what this machine is; `docker`: with Docker and Compose, where they answer."""
    import psutil  # noqa: PLC0415 - needed here alone

    parts = [
        f"bindprobe {__version__}",
        f"Python {platform.python_version()}",
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} on {platform.machine()}",
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / _GIB:.0f} GiB",
    ]
    return ", ".join([*parts, *(_docker() if docker else [])])


def _docker() -> list[str]:
    engine = _said(("docker", "version", "--format", "{{.Server.Version}}"))
    compose = compose_command()
    version = _said((*compose, "version", "--short")) if compose else None
    named = {"Docker": engine, "Compose": version}
    return [f"{name} {said.removeprefix('v')}" for name, said in named.items() if said]


def _said(argv: Sequence[str]) -> str | None:
    """What a command prints; None where it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
