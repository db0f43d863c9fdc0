"""Choosing and entering the worlds of the lab: in memory, or hosts in network namespaces."""

import sys
from collections.abc import Sequence
from pathlib import Path

from probe.app.engines import Engine
from probe.app.scan import scan
from probe.cli.options import WorldKind
from probe.cli.progress import ProgressBar
from probe.cli.terminal import note
from probe.errors import BackendError
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.model.report import Report

# -P leaves out the folder that this runs in, which may be another user's, with modules of theirs.
_AGAIN = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
_TOP = str(Path(__file__).resolve().parents[2])


def settle_world(wanted: WorldKind | None, *, quiet: bool) -> WorldKind:
    """The kind of world to use: the wanted one, else namespaces where this machine lets us; prints which."""
    if wanted is not None:
        return wanted
    why_not = _why_no_netns()
    kind = WorldKind.SIM if why_not else WorldKind.NETNS
    if not quiet and not _inside():
        note(
            f"a simulated network in memory: {why_not}"
            if why_not
            else "hosts in network namespaces of this machine; nothing leaves it"
        )
    return kind


def lab_engine(wanted: Engine) -> str:
    """What the lab scans with: raw packets only where they are asked for, so that every run is alike."""
    return "raw" if wanted is Engine.RAW else "connect"


def enter_world(kind: str, argv: Sequence[str] | None, module: str = "probe") -> int | None:
    """Run the same command line of a module again where worlds of this kind can be built.

    Returns its exit code; None where this process is already in the right place.

    Raises:
        BackendError: this machine has no such place.
    """
    if kind != WorldKind.NETNS or _inside():
        return None
    why_not = _why_no_netns()
    if why_not:
        raise BackendError(f"no world of namespaces here: {why_not}; use --world sim")
    from probe.lab.netns import enter

    return enter.reenter([sys.executable, "-P", "-c", _AGAIN, _TOP, module, *(argv or ())])


def scan_world(name: str, kind: WorldKind, *, quiet: bool) -> Report:
    """Scan the target of a scenario.

    Raises:
        ScenarioError: there is no such scenario.
        BackendError: the world cannot be built here.
    """
    with open_world(find_scenario(name), kind, raw=False) as world, ProgressBar(quiet=quiet) as progress:
        return scan(world.target, Timing(), backends_of(world, "connect"), progress=progress)


def _inside() -> bool:
    if sys.platform != "linux":
        return False
    from probe.lab.netns import enter

    return enter.inside()


def _why_no_netns() -> str | None:
    if sys.platform != "linux":
        return "network namespaces need Linux"
    from probe.lab.netns import enter

    return enter.available()
