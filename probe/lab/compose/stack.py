"""The lab's containers, from up to down: one project on a Docker engine, one scenario after the other.

The prober runs in its container and prints a report; nothing of this process sends a packet.
"""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import psutil

from probe.errors import BackendError
from probe.lab.compose.limits import image_of
from probe.lab.scenario import Scenario, address_of, realm_of
from probe.model.report import Report
from probe.report.read import parse_report

# --- Docker and Compose as commands ---


# The plugin of today first, then the program that was before it.
_COMPOSE: tuple[tuple[str, ...], ...] = (("docker", "compose"), ("docker-compose",))
_TRIAL_S = 30
_STOPPING_S = 10
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@cache
def compose_command() -> tuple[str, ...] | None:
    """The command that runs Compose on this machine; None: there is none."""
    return next((words for words in _COMPOSE if shutil.which(words[0]) and _works((*words, "version"))), None)


def available() -> str | None:
    """Find why there are no containers on this machine; None: there are."""
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
        BackendError: it fails; the message has the reason.
    """
    done = run(argv, environment)
    if done.returncode != 0:
        raise BackendError(f"{argv[0]}: {reason(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def reason(output: bytes) -> str:
    """Why a command failed: its first line that names an error, else its last one."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return next(iter(errors or lines[-1:]), "")


def _works(argv: Sequence[str]) -> bool:
    """Whether a command ends well, soon."""
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=_TRIAL_S)  # noqa: S603 - as above
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


# --- the project ---


FILE = Path(__file__).resolve().parents[3] / "docker-compose.yml"
_OF_EACH_IMAGE = ("prober", "target")  # one service of the file for each image that it names
_PATIENCE = 60.0  # seconds for the hosts to get ready
_PAUSE = 0.1
_TRIES = 5  # to take it all down
_RECOVERY = 1.0  # seconds between them
_PROJECT_LABEL = "com.docker.compose.project"  # of every container of a project, in every version of Compose


class ComposeStack:
    """A project of its own. Its images are built once, its networks are made once."""

    def __init__(self, project: str, compose: tuple[str, ...]) -> None:
        """Name it; nothing is started yet."""
        self._project = project
        self._compose = (*compose, "--project-name", project, "--file", str(FILE), "--profile", "scan")
        self._built: set[str] = set()

    def scan(self, scenario: Scenario, engine: str) -> Report:
        """Turn the hosts into a scenario's and scan the target from the prober's container.

        Raises:
            BackendError: the hosts do not come up, or the prober prints no report.
            ScenarioError: the scenario makes no sense.
            UsageError: a port list cannot be read, or what was printed is no report.
        """
        environment = {"SCENARIO": scenario.name, "HOST": image_of(scenario)}
        self._raise_hosts(environment)
        asked = scan_arguments(scenario, engine)
        done = run((*self._compose, "run", "--rm", "-T", "prober", *asked), environment)
        if not done.stdout.strip():
            raise BackendError(f"the prober's container: {reason(done.stderr) or done.returncode}")
        self._statuses()
        return parse_report(done.stdout, "what the prober printed")

    def end(self) -> None:
        """Remove every container, network and volume of the project.

        Raises:
            BackendError: something is left; the message names it.
        """
        environment = {"SCENARIO": "", "HOST": ""}
        words = (*self._compose, "down", "--volumes", "--remove-orphans")
        for _ in range(_TRIES - 1):  # the engine may still be busy with what was interrupted
            if run(words, environment).returncode == 0:
                return
            time.sleep(_RECOVERY)
        require(words, environment)

    def _raise_hosts(self, environment: dict[str, str]) -> None:
        if environment["HOST"] not in self._built:
            require((*self._compose, "build", *_OF_EACH_IMAGE), environment)
            self._built.add(environment["HOST"])
        require((*self._compose, "up", "-d", "vantage", "target", "router"), environment)
        deadline = time.monotonic() + _PATIENCE
        while not all(" (healthy)" in status for status in self._statuses()):
            if time.monotonic() > deadline:
                raise BackendError("the hosts in containers do not get ready")
            time.sleep(_PAUSE)

    def _statuses(self) -> list[str]:
        """How each host is, as Docker puts it.

        Raises:
            BackendError: one has ended; the message has its last words.
        """
        wanted = ("--all", "--filter", f"label={_PROJECT_LABEL}={self._project}")
        listed = require(("docker", "ps", *wanted, "--format", "{{.ID}} {{.Status}}"), {}).decode()
        for line in listed.splitlines():
            identity, _, status = line.partition(" ")
            if status.startswith(("Exited", "Dead")):
                raise BackendError(reason(run(("docker", "logs", identity), {}).stderr) or status)
        return listed.splitlines()


def scan_arguments(scenario: Scenario, engine: str) -> list[str]:
    """The command line that scans a target: addresses in their order, as JSON, and all that raw packets show.

    Raises:
        ScenarioError: an address is neither a symbol nor an address.
    """
    places = [f"{realm_of(symbol)}={address_of(symbol)}" for symbol in scenario.addresses]
    arguments = ["scan", *places, "--ports", scenario.scan.ports, "--engine", engine, "--json", "--quiet"]
    more = ["--fin", "--l2"] if engine == "raw" else []
    return arguments + more + (["--running", scenario.scan.running] if scenario.scan.running else [])


@contextlib.contextmanager
def open_stack() -> Iterator[ComposeStack]:
    """Have the containers for a while. Whatever ends that, a signal too, none is left.

    Raises:
        BackendError: no Docker, no Compose, or no checkout to build the images from.
    """
    if not FILE.is_file():
        raise BackendError("the world `compose` is built from a checkout: docker-compose.yml is not there")
    why_not = available()
    compose = compose_command()
    if why_not is not None or compose is None:
        raise BackendError(f"no containers here: {why_not}")
    _clear(compose)
    stack = ComposeStack(f"{_project_prefix()}{os.getpid()}", compose)
    ending = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in ending:
        signal.signal(number, signal.default_int_handler)
    try:
        yield stack
    finally:
        try:
            with _undisturbed():
                stack.end()
        finally:
            for number in ending:
                signal.signal(number, signal.SIG_DFL)


def _project_prefix() -> str:
    """What the projects of this machine and its process numbers begin with: a name and a number for both.

    An engine may serve several machines, and a namespace has process numbers of its own (pid_namespaces(7)).
    """
    try:
        booted = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        numbered = f"{booted}{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        numbered = platform.node()
    return f"bindprobe-lab-{zlib.crc32(numbered.encode()):08x}-"


def _clear(compose: tuple[str, ...]) -> None:
    """Take down what a run left that was killed: a project of this machine whose process is gone.

    Raises:
        BackendError: something of it is left; the message names it.
    """
    form = f'{{{{.Label "{_PROJECT_LABEL}"}}}}'
    listed = require(("docker", "ps", "--all", "--filter", f"label={_PROJECT_LABEL}", "--format", form), {})
    for project in sorted(set(listed.decode(errors="replace").split())):
        number = project.removeprefix(_project_prefix())
        if number != project and number.isdecimal() and not psutil.pid_exists(int(number)):
            ComposeStack(project, compose).end()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second signal leave half of it behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
