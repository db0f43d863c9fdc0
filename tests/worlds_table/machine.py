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
    """Describe this machine; `docker`: with Docker and Compose, where they answer."""
    import psutil  # noqa: PLC0415 - needed here alone

    parts = [
        f"bindprobe {__version__}",
        f"Python {platform.python_version()}",
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} on {platform.machine()}",
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / _GIB:.0f} GiB",
    ]
    return ", ".join([*parts, *(_docker() if docker else [])])


def _docker() -> list[str]:
    engine = _output_of(("docker", "version", "--format", "{{.Server.Version}}"))
    compose = compose_command()
    version = _output_of((*compose, "version", "--short")) if compose else None
    named = {"Docker": engine, "Compose": version}
    return [f"{name} {version.removeprefix('v')}" for name, version in named.items() if version]


def _output_of(argv: Sequence[str]) -> str | None:
    """What a command prints; None where it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
