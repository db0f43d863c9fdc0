"""Under sudo, with traps in the environment and in the folder that it runs in: none of them goes off as root.

Traps are what programs and libraries take from there: tools, modules, caches, settings, temporary folders.
Each notes who it works for; links lead to a file of root's, which `home` looks after.
"""

import os
import pickle
from pathlib import Path

import pytest
from sudo_user import NOBODY, Home, finish, run

pytestmark = [pytest.mark.nobody, pytest.mark.netns]

SCAN = ("scan", "lan=127.0.0.1", "public=127.0.0.3", "-p", "22,8000")
COMMANDS = {
    "scan by sockets": (*SCAN, "--engine", "connect"),
    "scan with raw packets": (*SCAN, "--engine", "raw", "--pcap", "packets"),
    "doctor by sockets": ("doctor", "127.0.0.1", "-p", "22", "--engine", "connect"),
    "doctor with raw packets": ("doctor", "127.0.0.1", "-p", "22", "--engine", "raw"),
    "this machine": ("doctor",),
    "plan": (*SCAN, "--plan"),
    "demo in memory": ("demo", "--world", "sim", "--quiet"),
    "demo": ("demo", "--world", "netns", "--quiet"),
    "lab": ("lab", "run", "loopback-only", "--world", "netns", "--quiet"),
    "lab list": ("lab", "list"),
    "schema": ("schema",),
    "version": ("--version",),
}
CACHES = ("services", "ethertypes", "manufdb", "bluetoothids")  # scapy's, with and without a suffix
MODULES = ("runpy", "typing", "json", "probe", "scapy", "sitecustomize", "usercustomize")
TOOLS = ("sh", "unshare", "ip", "nft", "ssh-keyscan", "sysctl", "nsenter")
NOTING = "import os; open({ran!r}, 'a').write(f'{{os.geteuid()}}\\n')\n"


class PickledTrap:
    """What notes who reads it."""

    def __init__(self, ran: Path) -> None:
        self._ran = ran

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"id -u >> {self._ran}",)


@pytest.fixture(params=["pickles", "links"])
def traps(request: pytest.FixtureRequest, home: Home) -> dict[str, str]:
    """Traps everywhere; the environment that leads to them."""
    folder, ran = home.folder, home.folder / "ran"
    for name in MODULES:
        (folder / f"{name}.py").write_text(NOTING.format(ran=str(ran)))
    for name in TOOLS:
        (home.tools / name).write_text(f"#!/bin/sh -p\n/usr/bin/id -u >> {ran}\nexit 1\n")
        (home.tools / name).chmod(0o755)
    (folder / ".cache" / "scapy").mkdir(parents=True)
    for name in (*CACHES, *(f"{name}.pickle" for name in CACHES)):
        trap = folder / ".cache" / "scapy" / name
        if request.param == "links":
            trap.symlink_to(home.secret)
        else:
            trap.write_bytes(pickle.dumps(PickledTrap(ran)))
    temporary = folder / "temporary"
    temporary.mkdir()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    script, nowhere = str(home.tools / "sh"), str(folder / "nowhere")
    return {
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
        **dict.fromkeys(("SSH_ASKPASS", "BASH_ENV", "ENV", "PAGER", "EDITOR", "SUDO_ASKPASS"), script),
        **dict.fromkeys(
            ("SSH_AUTH_SOCK", "XTABLES_LIBDIR", "OPENSSL_CONF", "HOSTALIASES", "TC_LIB_DIR"), nowhere
        ),
        "SSH_ASKPASS_REQUIRE": "force",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "PYTHON": script,
        "IFS": "/",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_no_trap_goes_off(name: str, home: Home, traps: dict[str, str]) -> None:
    """What ran of the user's ran as the user; what was written is theirs, and where they asked."""
    before = {path: path.lstat().st_uid for path in home.folder.rglob("*")}
    code, out, err = finish(run(home, *COMMANDS[name], safe_path=True, **traps))
    assert (code in {0, 1}, err) == (True, "")
    assert out
    assert home.who_ran() <= {str(NOBODY)}
    added = {path for path in home.folder.rglob("*") if path not in before}
    assert {path.name for path in added} <= {"ran", "packets"}
    assert {path.lstat().st_uid for path in added} <= {NOBODY}
