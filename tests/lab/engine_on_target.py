"""A real Docker engine on the target of a world publishes what a scenario has, and what is seen of it.

Started by the tests as root, in namespaces of its own: `inside` is the command. The engine lives in the
target's network, which leads nowhere, with all its files in one folder; whatever is still there at the end
ends with the namespace of processes. Prints an object: `rows` of expectations that do not hold, `connect` and
`raw` findings as `world_surveys` has them, `rules` and `sockets` of the target as its own tools report them.
With `WORLD=` and a word after it, it fails in the middle.
"""

import datetime as dt
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import docker_engine
import raw_surveys
import world_surveys
from msgspec.structs import replace

from probe.app.infer import judged
from probe.app.scan import scan
from probe.app.stages import collect
from probe.engine.rows import measurement_of
from probe.lab.check import compare
from probe.lab.daemons import published_on
from probe.lab.netns import enter
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import CONTAINER_ADDRESSES, Scenario
from probe.lab.scenario_hosts import Dnat, Forwarder, TargetHost
from probe.lab.world import World
from probe.model.fixes import Place
from probe.model.measurement import Facts
from probe.model.plan import Timing
from probe.services.port_list import format_port_list

NEEDED = ("busybox", "docker", "dockerd", "ip", "iptables", "nft", "setpriv", "ss", "unshare")
MEASURED = "20.10"  # what the lab does as Docker is what this version does
IMAGE = "busybox:here"
ALIVE, DEAD = 80, 81  # ports inside: something listens on one of them
PATIENCE = 30.0  # seconds for the engine to come up or to end
OWN = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
UNCOVER = "test $(grep -c ' / /sys ' /proc/self/mountinfo) -lt 2 || umount /sys"
START = 'mount --make-rprivate / && ip link set lo up && exec "$0" "$@"'


def available() -> str | None:
    """Find why no such engine can be started here; None: it can."""
    why_not = docker_engine.available(NEEDED)
    if why_not is not None:
        return why_not
    version = subprocess.run(("dockerd", "--version"), capture_output=True, text=True, check=False).stdout
    known = f" {MEASURED}." in version
    return None if known else f"measured with Docker {MEASURED}, here is: {version.strip()}"


def inside(folder: Path, cgroup: str, world: str) -> list[str]:
    """The command that starts this file in namespaces which lead nowhere and end with it."""
    return [
        *docker_engine.WITH_US,
        *OWN,
        "sh",
        "-c",
        START,
        sys.executable,
        __file__,
        str(folder),
        cgroup,
        world,
    ]


@dataclass(frozen=True)
class TargetEngine:
    """An engine on a world's target; `files` of its own."""

    world: World
    files: Path

    def docker(self, *words: str, given: bytes = b"") -> str:
        """Ask the engine something; what it answers."""
        own = {"DOCKER_HOST": f"unix://{self.files}/socket", "DOCKER_CONFIG": str(self.files)}
        done = subprocess.run(
            ("docker", *words), input=given, capture_output=True, env={**os.environ, **own}, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def on_target(self, command: str) -> list[str]:
        """What a command prints on the target, line by line."""
        done = self.world.shell(Place.TARGET, command)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@contextmanager
def started(world: World, files: Path, cgroup: str, *, proxy: bool) -> Iterator[TargetEngine]:
    """Start an engine on the target, and end it."""
    words = {
        "--bip": f"{CONTAINER_ADDRESSES['bridge']}/24",
        "--userland-proxy": "true" if proxy else "false",
        "--data-root": f"{files}/data",
        "--exec-root": f"{files}/exec",
        "--pidfile": f"{files}/pid",
        "--cgroup-parent": f"/{cgroup}",
        "--host": f"unix://{files}/socket",
    }
    command = shlex.join(["dockerd", *(f"{name}={value}" for name, value in words.items())])
    # Its control groups are the machine's, which the host's own view of /sys covers.
    alone = shlex.join(["unshare", "--mount", "sh", "-c", f"{UNCOVER}; exec {command}"])
    engine = TargetEngine(world, files)
    engine.on_target(f"{alone} > {files}/log 2>&1 &")
    await_that(lambda: (files / "socket").is_socket() and (files / "pid").exists(), files / "log")
    try:
        yield engine
    finally:
        os.kill(int((files / "pid").read_text()), signal.SIGTERM)
        await_that(lambda: not (files / "pid").exists(), files / "log")


def await_that(condition: Callable[[], bool], log: Path) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.02)


def packed() -> bytes:
    """An image of one program, as a tar file."""
    program = shutil.which("busybox")
    assert program is not None
    with io.BytesIO() as written:
        with tarfile.open(fileobj=written, mode="w") as archive:
            archive.add(Path(program).resolve(), "bin/busybox")
        return written.getvalue()


def publish(engine: TargetEngine, target: TargetHost) -> str:
    """Run one container that publishes all of a host's ports; give its name."""
    ports = [f"--publish={option(entry)}" for entry in target.dnat]
    # The realm is a mark: by its folder every process of the engine can be found.
    serves = ("/bin/busybox", "httpd", "-f", "-p", str(ALIVE), "-r", str(engine.files))
    engine.docker("import", "-", IMAGE, given=packed())
    return engine.docker("run", "--detach", "--stop-signal=KILL", *ports, IMAGE, *serves).strip()


def option(entry: Dnat) -> str:
    """What `docker run -p` is given for an entry."""
    address = published_on(entry)
    inner = ALIVE if entry.alive else DEAD
    return f"{'' if address is None else f'{address}:'}{entry.port}:{inner}"


def bare(scenario: Scenario) -> Scenario:
    """The same world with nothing published."""
    return replace(scenario, target=replace(scenario.target, dnat=(), dnat_by=Forwarder.RULES))


def seen(world: World, scenario: Scenario) -> dict[str, Any]:
    """What both engines of ours find in an open world."""
    outcome = collect(world.target, Timing(), backends_of(world, "connect"))
    connect = {str(one.address.ip): world_surveys.of_address(one) for one in outcome.surveys}
    started = dt.datetime.now(dt.UTC)
    measured = measurement_of(outcome, vantage="here", engine="connect", started=started)
    reports = [judged((measured,), Facts(running=format_port_list(sorted(world.target.running))))]
    if scenario.expect:
        reports.append(scan(world.target, Timing(), backends_of(world, "raw")))
    rows = [[report.engine, row] for report in reports for row in compare(scenario, report) if not row.ok]
    with mock.patch.object(raw_surveys, "open_world", return_value=nullcontext(world)):
        raw = raw_surveys.raw_surveyed(scenario, "netns")
    return {"rows": rows, "connect": connect, "raw": raw}


def published(name: str, folder: Path, cgroup: str, trouble: str) -> dict[str, Any]:
    """Build a world, let an engine publish its ports, look at it from both sides."""
    scenario = world_surveys.world_named(name)
    proxy = scenario.target.dnat_by is Forwarder.DOCKER
    with ExitStack() as stack:
        stack.enter_context(raw_surveys.without_limits())
        world = stack.enter_context(open_world(bare(scenario), "netns"))
        engine = stack.enter_context(started(world, folder, cgroup, proxy=proxy))
        container = publish(engine, scenario.target)
        if trouble:
            raise LookupError(trouble)
        rules = engine.on_target("iptables-save")
        sockets = engine.on_target("ss -Hltn")
        found = seen(world, scenario)
        engine.docker("rm", "--force", container)
    return {**found, "rules": rules, "sockets": sockets}


def main(argv: Sequence[str]) -> None:
    """Publish the ports of one world, and print what is seen."""
    folder, cgroup, world = argv
    os.environ |= enter.environment()
    enter.require_no_way_out()
    name, _, trouble = world.partition("=")
    json.dump(published(name, Path(folder), cgroup, trouble), sys.stdout, default=asdict)


if __name__ == "__main__":
    main(sys.argv[1:])
