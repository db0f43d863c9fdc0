"""`--no-controls`: no port that nothing uses is asked, and what that costs is named."""

import json

import pytest

from probe.cli.main import main

PLACES = ("127.0.0.1", "127.0.0.2")


@pytest.mark.parametrize(("flags", "roles"), [((), {"tested", "control"}), (("--no-controls",), {"tested"})])
def test_no_controls_are_asked(flags, roles, capsys: pytest.CaptureFixture[str]) -> None:
    """With the flag none; without it three beside the port."""
    assert main(["scan", *PLACES, "-p", "9", "--engine", "connect", "--json", *flags]) == 0
    captured = capsys.readouterr()
    (measurement,) = json.loads(captured.out)["measurements"]
    asked = {row.get("role", "tested") for address in measurement["addresses"] for row in address["rows"]}
    assert asked & {"tested", "control"} == roles
    assert ("--no-controls: without unused ports to compare with" in captured.err) is bool(flags)


def test_the_plan_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the ports that were asked for."""
    assert main(["scan", *PLACES, "-p", "80", "--plan", "--json", "--no-controls"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert all(not address["controls"] for address in plan["addresses"])
