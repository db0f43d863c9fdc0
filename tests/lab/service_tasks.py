"""What the tests of real services do inside a world; run as a program: prints JSON, one line.

Started by the tests as `python tests/lab/service_tasks.py TASK WORLD`; enters a namespace that leads nowhere
by starting itself again. A world is the name of a scenario, or a scenario as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import netns_tasks
import psutil

from probe.errors import BindprobeError
from probe.lab.check import check
from probe.lab.daemons import daemons_of
from probe.lab.netns import enter
from probe.lab.netns.daemons import start_daemons
from probe.lab.netns.programs import attempt
from probe.lab.netns.world import open_network
from probe.lab.world import Shell
from probe.model.fixes import Place

LOW_PORTS = "net.ipv4.ip_unprivileged_port_start"
Given = str | dict[str, Any]


def sockets(given: Given) -> list[list[Any]]:
    """Every socket that `ss` lists on the target: protocol, address, port."""
    with open_network(netns_tasks.scenario(given)) as shell:
        return sorted(_sockets(shell))


def _sockets(shell: Shell) -> Iterator[list[Any]]:
    for line in shell(Place.TARGET, "ss -Hlntu").stdout.splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        yield [protocol, address.strip("[]"), int(port)]


def here(given: Given) -> list[list[Any]]:
    """The same for the services of a target when they run on our own host, as in a container."""
    target = netns_tasks.scenario(given).target
    (Path("/proc/sys") / LOW_PORTS.replace(".", "/")).write_text("0", encoding="ascii")
    with ExitStack() as stack:
        for daemon in start_daemons(daemons_of(target), None, stack):
            daemon.await_answers()
        return sorted(_sockets(lambda _, command: attempt(None, command.split())))


def missed(given: Given, engine: str) -> list[str]:
    """Every expectation of a scenario that a scan does not meet."""
    return [str(row) for row in check(netns_tasks.scenario(given), "netns", engine=engine).rows if not row.ok]


def left(given: Given) -> dict[str, Any]:
    """How long a world takes, what each of its processes was called, and which of them stay."""
    before = netns_tasks._belongings()
    started = time.perf_counter()
    with open_network(netns_tasks.scenario(given)):
        up = time.perf_counter() - started
        processes = psutil.Process().children(recursive=True)
        names = sorted({process.name() for process in processes})
    stay = [process.name() for process in processes if process.is_running()]
    return {"up": up, "names": names, "stay": stay, "before": before, "after": netns_tasks._belongings()}


def broken(given: Given, kill: str = "") -> dict[str, Any]:
    """Open a world that cannot be, or end a program of it; the error, and which processes stay."""
    before = netns_tasks._belongings()
    try:
        with open_network(netns_tasks.scenario(given)):
            for process in psutil.Process().children(recursive=True):
                if process.name() == kill:
                    process.kill()
                    process.wait(5)
                    time.sleep(0.2)  # for the process that waits for it
        outcome = "it opened"
    except BindprobeError as error:
        outcome = str(error)
    return {"outcome": outcome, "before": before, "after": netns_tasks._belongings()}


def held(given: Given) -> None:
    """Open a world, report its processes and our own, and wait to be ended."""
    with open_network(netns_tasks.scenario(given)):
        processes = [process.pid for process in psutil.Process().children(recursive=True)]
        sys.stdout.write(json.dumps([os.getpid(), *processes]) + "\n")
        sys.stdout.flush()
        time.sleep(60)


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task for task in (sockets, here, missed, left, broken, held)
}

if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    json.dump(TASKS[sys.argv[1]](*map(json.loads, sys.argv[2:])), sys.stdout)
