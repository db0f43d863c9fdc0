"""A container's end of a tunnel, in a namespace of its own: what each end does without the other."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import netns_tasks
import pytest

from probe.errors import BackendError
from probe.lab.compose.host import make_device
from probe.lab.netns.tunnels import vpn_available
from probe.lab.scenario import VpnKind

SCRIPT = Path(__file__).with_name("compose_tasks.py")
OPEN = {"interface": True, "up": True, "peers": 1, "cut": False}
# Role and the scenario's tunnel; what is there in the end.
ENDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "prober": ("prober", {}, OPEN),
    "prober, switched off": ("prober", {"up": False}, {**OPEN, "up": False}),
    "target": ("target", {}, OPEN),
    "target, absent": (
        "target",
        {"far_end": "absent"},
        {**OPEN, "interface": False, "up": False, "peers": 0},
    ),
    "target, not known": ("target", {"far_end": "unknown-peer"}, {**OPEN, "peers": 0}),
    "target, unreachable": ("target", {"far_end": "unreachable"}, {**OPEN, "cut": True}),
}


@pytest.mark.netns
@pytest.mark.parametrize("case", ENDS)
def test_ends(case: str) -> None:
    """Each end is configured by itself, and has its own trouble."""
    why_not = vpn_available(VpnKind.WIREGUARD)
    if why_not is not None:
        pytest.skip(why_not)
    role, parts, found = ENDS[case]
    given = json.dumps({"kind": "wireguard", **parts})
    done = subprocess.run(
        (sys.executable, str(SCRIPT), role, given),
        env=netns_tasks.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == found


def test_the_device_is_made_where_it_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is a character device with the number of tun; one that is there is left alone."""
    made: list[tuple[Path, int, int]] = []
    monkeypatch.setattr(os, "mknod", lambda *words: made.append(words))
    place = tmp_path / "net" / "tun"
    make_device(place)
    ((where, mode, number),) = made
    assert (where, stat.S_ISCHR(mode), number) == (place, True, os.makedev(10, 200))
    place.touch()
    make_device(place)
    assert len(made) == 1


def test_a_device_that_may_not_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the file that gives the permission."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "mknod", refuse)
    with pytest.raises(BackendError, match=r"tun: Operation not permitted; see docker-compose\.yml"):
        make_device(tmp_path / "tun")
