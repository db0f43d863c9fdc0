"""What runs in a container of the lab: `python -m probe.lab.compose.host ROLE`.

`$SCENARIO` names the scenario. The container becomes that host of its layout, by the code that makes hosts in
network namespaces, and serves until it is told to end.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from probe.errors import BackendError, BindprobeError
from probe.lab.compose.places import INTERFACES, leaving, plan_of, settings_that_count, taking_over
from probe.lab.files import find_scenario
from probe.lab.netns.hosts import build, configure, finish
from probe.lab.netns.listeners import serving
from probe.lab.netns.plans import HostPlan
from probe.lab.netns.programs import run

READY = Path("/run/bindprobe-ready")


def main(argv: Sequence[str]) -> int:
    """Be one host until SIGTERM; a problem is one line on stderr, and its exit code."""
    signal.signal(signal.SIGTERM, _end)
    if len(argv) != 1 or argv[0] not in INTERFACES:
        sys.stderr.write(f"usage: python -m probe.lab.compose.host {'|'.join(INTERFACES)}\n")
        return 2
    try:
        _live(argv[0], os.environ.get("SCENARIO", "demo"))
    except SystemExit:
        configure("ip", leaving(argv[0]))
        raise
    except BindprobeError as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        return error.exit_code


def _end(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _live(role: str, name: str) -> NoReturn:
    READY.unlink(missing_ok=True)
    plan = plan_of(role, find_scenario(name)) or HostPlan(role, ())
    _require_settings(plan)
    configure("ip", taking_over(role, _names()))
    build(plan)
    finish(plan)
    serve = serving(plan)
    READY.touch()
    serve()


def _names() -> dict[str, str]:
    """Interface by address, as the container engine made them."""
    links = json.loads(run(None, ["ip", "-json", "addr"]))
    return {one["local"]: link["ifname"] for link in links for one in link["addr_info"]}


def _require_settings(plan: HostPlan) -> None:
    """Compare the kernel's settings with what the plan needs: /proc/sys is read-only in here."""
    for name, value in settings_that_count(plan):
        found = Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()
        if found != value:
            raise BackendError(f"{name} is {found}, and the scenario needs {value}: see docker-compose.yml")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
