"""A Docker engine for the tests: alone in a network namespace without a way out, and gone without a trace.

It has processes, mounts and a network of its own: what runs in it ends with it, and no container has a route
to a real interface. Nothing is pulled: the base image is made of Debian packages; those of services, and
Python's, are downloaded before, out here. `available` names what is missing.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "iproute2", "nftables", "procps", "openssh-client")
PYTHON = "3.11"  # of that suite
BASE = "bindprobe-base:test"
CONTEXT = (
    *("Dockerfile", ".dockerignore", "docker-compose.yml", "LICENSE", "README.md", "pyproject.toml"),
    "requirements.lock",
    *("probe", "scenarios"),
)
WITH_US = ("setpriv", "--pdeathsig", "KILL")  # a command that also ends when this process is killed
NETWORKS = ("lan", "vpn", "public", "behind")
NEEDED = ("dockerd", "docker", "docker-compose", "debootstrap", "iptables", "setpriv", "unshare", "ip")
PATIENCE = 60.0  # seconds for the engine to come up or to end

# A kernel without dummy interfaces gets wires for the networks to use.
WIRE = "ip link add w-{0} type veth peer name x-{0} && ip link set w-{0} up && ip link set x-{0} up && "
WIRES = "".join(WIRE.format(name) for name in NETWORKS)
START = f'mount --make-rprivate / && ip link set lo up && {WIRES}exec "$0" "$@"'

# The base of the images, and what is installed on it for services, without installing it: made in memory.
BOOTSTRAP = """
root=$1; made=$2; packages=$3; include=$4; suite=$5; shift 5
mount -t tmpfs none "$root"
debootstrap --variant=minbase --include="$include" "$suite" "$root"
mkdir -p "$root/packages/partial"
set -- install -y --no-install-recommends --download-only "$@"
chroot "$root" apt-get -o Dir::Cache::archives=/packages/ "$@"
mv "$root"/packages/*.deb "$packages"
cd "$root"
tar -c --exclude=./packages --exclude='./var/cache/apt/*.bin' --exclude='./var/cache/apt/archives/*.deb' \
  --exclude='./var/lib/apt/lists/*' --exclude=./usr/share/doc --exclude=./usr/share/locale -f "$made" .
"""


def available(needed: Sequence[str] = NEEDED) -> str | None:
    """Find why no engine can be started here with the programs that it needs; None: it can."""
    if os.geteuid() != 0:
        return "only root can start a Docker engine"
    missing = [name for name in needed if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


@dataclass(frozen=True)
class DockerEngine:
    """A running engine, and a copy of the checkout that its images are built from."""

    context: Path
    environment: dict[str, str]

    def run(self, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command for this engine; `more` is added to its environment."""
        return subprocess.run(
            argv,
            cwd=self.context,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def bindprobe(self, *arguments: str) -> tuple[str, ...]:
        """The command line of this checkout's program."""
        return (sys.executable, "-m", "probe", *arguments)

    def left(self) -> dict[str, str]:
        """What there is on it: containers, volumes, and networks beside Docker's own."""
        asked = {
            "containers": ("ps", "-aq"),
            "volumes": ("volume", "ls", "-q"),
            "networks": ("network", "ls", "-q", "--filter", "type=custom"),
        }
        return {what: self.run("docker", *words).stdout for what, words in asked.items()}


@contextlib.contextmanager
def started() -> Iterator[DockerEngine]:
    """Start an engine with a base image; end it with everything in it, and leave no file of it."""
    with tempfile.TemporaryDirectory(prefix="bindprobe-docker-") as folder:
        yield from _started(Path(folder))


def _started(folder: Path) -> Iterator[DockerEngine]:
    cgroup = f"bindprobe-test-{os.getpid()}"
    rest = ("--data-root", "data", "--exec-root", "exec", "--pidfile", "pid", "--cgroup-parent", f"/{cgroup}")
    socket = f"unix://{folder}/docker.sock"
    places = [str(folder / word) if word in {"data", "exec", "pid"} else word for word in rest]
    own = (*WITH_US, "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (*own, "sh", "-c", START, "dockerd", *places, "-H", socket), stdout=log, stderr=log
        )
    try:
        engine = DockerEngine(_copied(folder), _environment(socket))
        _await_engine(engine, process, folder / "log")
        _make_base(engine, folder)
        yield engine
    finally:
        _end(process)
        remove_cgroups(cgroup)


def _environment(socket: str) -> dict[str, str]:
    parents = {f"{name.upper()}_PARENT": f"w-{name}" for name in NETWORKS}
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
    return {**os.environ, **parents, **pip, "DOCKER_HOST": socket, "BASE": BASE, "PYTHONPATH": "."}


def _copied(folder: Path) -> Path:
    context = folder / "checkout"
    context.mkdir()
    for name in CONTEXT:
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, context)
    return context


def _await_engine(engine: DockerEngine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while engine.run("docker", "info").returncode != 0:
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.2)


def _make_base(engine: DockerEngine, folder: Path) -> None:
    """Make the base image, and download what is installed on it."""
    root, made, packages = folder / "root", folder / "base.tar", engine.context / "packages"
    root.mkdir()
    packages.mkdir()
    places = (str(root), str(made), str(packages))
    alone = ("unshare", "--mount", "sh", "-ec", BOOTSTRAP, "sh")
    jobs = (
        (*alone, *places, ",".join(PACKAGES), SUITE, *_programs()),
        (sys.executable, "-m", "pip", "download", *_wheels(), "--dest", str(engine.context / "wheels")),
    )
    with (folder / "base").open("wb") as log:
        running = [subprocess.Popen(job, stdout=log, stderr=log) for job in jobs]
        codes = [job.wait() for job in running]
    assert codes == [0, 0], (folder / "base").read_text()[-2000:]
    done = engine.run("docker", "import", str(made), BASE)
    assert done.returncode == 0, done.stderr
    made.unlink()


def _programs() -> Sequence[str]:
    """The packages of real services."""
    line = re.search(r'^ARG PROGRAMS="(.*)"$', (TOP / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    return line[1].split()


def _wheels() -> Sequence[str]:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = re.findall(r"^\S+==\S+", (TOP / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [*settings["build-system"]["requires"], *pinned]
    return ("--quiet", "--only-binary=:all:", f"--python-version={PYTHON}", *wanted)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the engine end, then whatever is left in its namespaces."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with contextlib.suppress(OSError):  # it has ended by itself
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()  # and the kernel ends its child, and all in the namespace of that
        process.wait()


def remove_cgroups(name: str) -> None:
    """Docker leaves the group of its containers' groups, empty."""
    for pattern in (f"*/{name}", name):
        for group in Path("/sys/fs/cgroup").glob(pattern):
            for folder in sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True):
                folder.rmdir()
            group.rmdir()
