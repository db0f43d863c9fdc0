"""Runs this program beside a Docker engine that ends with it, where there is none or none shall be used.

    .venv/bin/python tests/lab/with_docker.py lab table --md -o "$PWD/scenarios/README.md"      # as root

It runs in a copy of the checkout, so a file that it is to write needs a whole path.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence

import docker_engine


def main(arguments: Sequence[str]) -> int:
    """Start the engine, run the command, end the engine; its exit code."""
    why_not = docker_engine.available()
    if why_not is not None:
        sys.stderr.write(f"no Docker engine of our own: {why_not}\n")
        return 3
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with docker_engine.started() as engine:
        command = engine.bindprobe(*arguments)
        return subprocess.run(command, cwd=engine.context, env=engine.environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
