"""Docker and Compose as commands: finding them, running them, and what they say when they fail."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache

from probe.errors import BackendError

# The plugin of today first, then the program that was before it.
_COMPOSE: tuple[tuple[str, ...], ...] = (("docker", "compose"), ("docker-compose",))
_TRIAL_S = 30
_STOPPING_S = 10


@cache
def compose_command() -> tuple[str, ...] | None:
    """The command that runs Compose on this machine; None: there is none."""
    return next((words for words in _COMPOSE if shutil.which(words[0]) and _works((*words, "version"))), None)


def available() -> str | None:
    """Say why there are no containers on this machine; None: there are."""
    if shutil.which("docker") is None:
        return "not installed: docker"
    if compose_command() is None:
        return "not installed: docker compose, or docker-compose from 1.29 on"
    if not _works(("docker", "info")):
        return "no Docker engine answers (DOCKER_HOST, or the service docker)"
    return None


def run(argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, out of reach of the terminal's Ctrl-C: that is for this process to handle.

    Where this process is interrupted, the command is too, and gets time to stop what it has begun.
    `environment` is added to this process's own.
    """
    with subprocess.Popen(  # noqa: S603 - Docker's own commands
        argv,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate()
        finally:
            _stop(process)
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a command that still runs; kill it where it does not end."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOPPING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def require(argv: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """Run a command and return what it printed.

    Raises:
        BackendError: it fails; the message says of what.
    """
    done = run(argv, environment)
    if done.returncode != 0:
        raise BackendError(f"{argv[0]}: {reason(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def reason(said: bytes) -> str:
    """Why a command failed: its first line that names an error, else its last one."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return next(iter(errors or lines[-1:]), "")


def _works(argv: Sequence[str]) -> bool:
    """Whether a command ends well, soon."""
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=_TRIAL_S)  # noqa: S603 - as above
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
