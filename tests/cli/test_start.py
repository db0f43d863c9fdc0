"""Under sudo: by the time packets flow there is no privilege left, and no file of root's is touched.

Root runs the program in a network namespace that has loopback alone, as sudo would for the user nobody. That
user owns the folder that it runs in, and has put links to root's file and tools of their own there.
"""

import json
import os
import time
from pathlib import Path

import pytest
from sudo_user import NOBODY, Home, finish, run

from probe.app import privileged_start as start

pytestmark = [pytest.mark.nobody, pytest.mark.netns]

READING = {12, 13, 19}  # CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE: linux/capability.h
SCAN = ("scan", "lan=127.0.0.1", "public=127.0.0.3", "-p", "22,8000")
EXAMINE = ("doctor", "lan=127.0.0.1", "public=127.0.0.3", "-p", "22")
PROBING = {
    "scan by sockets": (*SCAN, "--engine", "connect"),
    "scan with raw packets": (*SCAN, "--engine", "raw", "--pcap", "packets"),
    "doctor by sockets": (*EXAMINE, "--engine", "connect"),
    "doctor with raw packets": (*EXAMINE, "--engine", "raw"),
}
OTHERS = {
    "this machine": ("doctor",),
    "plan": (*SCAN, "--plan"),
    "demo": ("demo", "--world", "sim"),
}


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities(pid: int) -> set[int]:
    """Every capability that a process has, may take up, or hands on (proc(5))."""
    found = status(pid)
    bits = 0
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        bits |= int(found[name], 16)
    return {number for number in range(64) if bits >> number & 1}


def openings(pid: int) -> int:
    """How many connections were opened in the network of a process, once it has one of its own."""
    if Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
        return 0
    lines = [line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines()]
    names, values = [line for line in lines if line[0] == "Tcp:"]
    return int(dict(zip(names, values, strict=True))["ActiveOpens"])


@pytest.mark.parametrize("name", PROBING)
def test_nothing_is_left_once_packets_flow(name: str, home: Home) -> None:
    """No capability, all ids those of the user; the process that reads keeps three. Files are the user's."""
    process = run(home, *PROBING[name], "--json", "-o", "report")
    until = time.monotonic() + 30
    while process.poll() is None and not openings(process.pid):
        assert time.monotonic() < until
        time.sleep(0.001)
    found = status(process.pid)
    assert capabilities(process.pid) == set()
    assert {*found["Uid"].split(), *found["Gid"].split(), *found["Groups"].split()} == {str(NOBODY)}
    assert found["NoNewPrivs"] == "1"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == (name.startswith("doctor"))
    for child in map(int, children):
        assert capabilities(child) <= READING
        assert status(child)["NoNewPrivs"] == "1"
    code, out, err = finish(process)
    assert (code, out, err) == (1 if name.startswith("doctor") else 0, "", "")
    assert json.loads((home.folder / "report").read_text())["complete"] is True
    written = [path for path in home.folder.iterdir() if path.name != "ran"]
    assert {path.stat().st_uid for path in written} == {NOBODY}
    assert home.who_ran() <= {str(NOBODY)}


@pytest.mark.parametrize("name", PROBING | OTHERS)
def test_a_link_to_roots_file_is_refused(name: str, home: Home) -> None:
    """What the user may not write is not written for them: known before the first probe, exit code 2."""
    (home.folder / "report").symlink_to(home.secret)
    code, out, err = finish(run(home, *(PROBING | OTHERS)[name], "-o", "report"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "permission denied" in err


def test_a_packet_file_that_is_a_link_to_roots_is_refused(home: Home) -> None:
    """The same for --pcap."""
    (home.folder / "packets").symlink_to(home.secret)
    code, out, err = finish(run(home, *PROBING["scan with raw packets"]))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--pcap" in err


@pytest.mark.parametrize("name", OTHERS)
def test_what_sends_nothing_writes_files_of_the_user(name: str, home: Home) -> None:
    """Their owner is who called, and no tool of theirs ran as root."""
    code, out, err = finish(run(home, *OTHERS[name], "-o", "report"))
    assert (out, err) == ("", "")
    assert code == 0 or (name, code) == ("this machine", 1)  # without a link its checks fail
    assert (home.folder / "report").stat().st_uid == NOBODY
    assert home.who_ran() <= {str(NOBODY)}


@pytest.mark.parametrize("argv", ["demo --world netns", "lab run loopback-only --world netns"])
def test_a_world_is_built_without_tools_of_the_user(argv: str, home: Home) -> None:
    """What builds networks as root runs the system's tools, whatever stands first in PATH."""
    code, out, err = finish(run(home, *argv.split(), "--quiet"))
    assert (code, err) == (0, "")
    assert out
    assert home.who_ran() == set()


def test_a_report_is_read_as_the_user(home: Home) -> None:
    """`explain` shows nobody what they may not read."""
    code, out, err = finish(run(home, "explain", str(home.secret), "22"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be read" in err


@pytest.mark.parametrize("name", PROBING | OTHERS)
def test_a_broken_sudo_is_one_line(name: str, home: Home) -> None:
    """Nothing is guessed."""
    code, out, err = finish(run(home, *(PROBING | OTHERS)[name], "-o", "report", SUDO_UID="x1"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "SUDO_UID='x1'" in err
    assert not (home.folder / "report").exists()


def test_python_that_only_root_may_read_is_loaded_before(home: Home) -> None:
    """What is loaded later has to be readable by the user; else it is loaded while this is still root."""
    assert start._is_for_all(Path(os.__file__))
    locked = home.folder / "locked"
    locked.mkdir()
    (locked / "module.py").touch()
    assert start._is_for_all(locked / "module.py") is start._is_for_all(home.folder)
    locked.chmod(0o700)
    assert not start._is_for_all(locked / "module.py")
    locked.chmod(0o755)
    (locked / "module.py").chmod(0o640)
    assert not start._is_for_all(locked / "module.py")
