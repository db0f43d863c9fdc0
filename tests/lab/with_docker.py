"""Runs a module of the tests beside a Docker engine that ends with it.

    .venv/bin/python tests/lab/with_docker.py worlds_table --md -o "$PWD/scenarios/README.md"      # as root

The program runs in a copy of the checkout, so a file that it is to write needs a whole path.
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
        command = (sys.executable, "-m", *arguments)
        places = f"{engine.environment['PYTHONPATH']}:{docker_engine.TOP / 'tests'}"
        env = {**engine.environment, "PYTHONPATH": places}
        return subprocess.run(command, cwd=engine.context, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
