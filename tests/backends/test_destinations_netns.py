"""Whom packets are for, by flag: the addresses that were given, and nobody else."""

import shutil
from importlib import import_module
from typing import Any

import pytest
import typer
from destinations_world import LISTS_SOCKETS, ROWS, TARGETS
from run_world import results_of

from probe.cli.app import app

# Of flags that change it.
EXPECTED = {
    ("scan", "--l2"): {*TARGETS, "127.0.0.1"},  # in frames to the targets themselves
    ("scan", "--confirm"): {LISTS_SOCKETS},  # first; the target is not probed where that fails
    ("scan", "--plan"): set(),
    **{(command, "-6"): set() for command in ("scan", "doctor")},  # with IPv4 addresses that is an error
}


@pytest.fixture(scope="module")
def wire() -> Any:
    """Destinations by command and flag."""
    return results_of("destinations_world.py", timeout_s=800)


@pytest.mark.wall_time  # on a busy machine the last packets of one run are captured with the next
@pytest.mark.netns
@pytest.mark.takes_minutes
@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_packets_are_for_the_target(wire: Any, row: tuple[str, str]) -> None:
    """For every address that was given, and for no other but what the flag itself names."""
    if row == ("scan", "--confirm") and shutil.which("ssh") is None:
        pytest.skip("no ssh here")
    assert set(wire[" ".join(row)]) == EXPECTED.get(row, {*TARGETS})


@pytest.mark.parametrize("command", ["scan", "doctor"])
def test_every_flag_has_a_row(command: str) -> None:
    """A flag of a command without a row fails; of its names the longest counts."""
    import_module(f"probe.cli.{command}")  # which adds the command
    of_command = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined] # a group
    flags = {max(one.opts, key=len) for one in of_command.params if one.opts[0].startswith("-")}
    assert {flag for of, flag in ROWS if of == command and flag} == flags - {"--help"}
