"""Runs a command line as somebody types it, against a network in memory: what it prints, and how it ends."""

import contextlib
import io
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from probe.app.session import Session
from probe.cli.main import main
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario
from probe.lab.world import World
from probe.machine.interfaces import Interface
from probe.machine.sources import MachineReader

COLUMNS = 80


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed where, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def both(self) -> str:
        """As it stands on a screen: notes come before the result."""
        return self.err + self.out


def typed(
    line: str,
    scenario: str | Scenario = "demo",
    *,
    engine: str = "connect",
    missing: str | None = None,
    links: Sequence[Interface] = (),
    columns: int = COLUMNS,
) -> Printed:
    """Run a line that begins with `bindprobe`; where it would probe, the scenario is the network.

    Args:
        line: as typed.
        scenario: its name, or one made by hand.
        engine: `raw` where raw packets are permitted.
        missing: what raw packets lack, in the words of the program; None: nothing.
        links: interfaces of the prober that are offered.
        columns: of the screen.
    """
    program, *argv = shlex.split(line)
    assert program == "bindprobe"
    found = find_scenario(scenario) if isinstance(scenario, str) else scenario
    out, err = io.StringIO(), io.StringIO()
    with open_world(found, "sim") as world, _inside(world, engine, missing, links):
        screen = {"COLUMNS": str(columns), "NO_COLOR": "1"}
        streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
        with mock.patch.dict(os.environ, screen), streams[0], streams[1]:
            code = main(argv)
    return Printed(out.getvalue(), err.getvalue(), code)


@contextmanager
def _inside(world: World, engine: str, missing: str | None, links: Sequence[Interface]) -> Iterator[None]:
    """Sessions are of the world; nothing else can be opened."""

    @contextmanager
    def started(*_: Any, **__: Any) -> Iterator[Session]:
        yield Session(backends_of(world, engine), missing, reader=world.reader)

    @contextmanager
    def looking(_: Any) -> Iterator[MachineReader]:
        yield world.reader

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a documented command leaves the network in memory")

    with contextlib.ExitStack() as stack:
        for module in ("measure", "doctoring"):
            stack.enter_context(mock.patch(f"probe.cli.{module}.started", started))
        stack.enter_context(mock.patch("probe.cli.doctoring.looking", looking))
        stack.enter_context(mock.patch("probe.cli.measure.interfaces", return_value=tuple(links)))
        stack.enter_context(mock.patch("probe.backends.connect.ConnectBackend", refuse))
        stack.enter_context(mock.patch("probe.backends.system_host.SystemHost", refuse))
        yield
