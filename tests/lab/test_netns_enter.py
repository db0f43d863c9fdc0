"""Getting into a namespace that leads nowhere, and refusing to build where a packet could leave."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import netns_tasks
import psutil
import pytest
from nobody import NOBODY, python_for_nobody

from probe.errors import BackendError
from probe.lab.netns import enter


@pytest.fixture
def way() -> None:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)


def test_no_world_without_the_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a namespace made for worlds nothing is built."""
    monkeypatch.delenv(enter.MARKER, raising=False)
    with pytest.raises(BackendError, match="not in a network namespace made for worlds"):
        enter.require_no_way_out()


def test_no_world_where_a_packet_could_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker alone is not believed: an interface that is up is a way out."""
    monkeypatch.setenv(enter.MARKER, "1")
    monkeypatch.setattr(enter, "way_out", lambda: "eth0")
    with pytest.raises(BackendError, match="has a way out: eth0"):
        enter.require_no_way_out()


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a tool is missing, the reason names it."""
    monkeypatch.delenv(enter.MARKER, raising=False)
    monkeypatch.setattr(shutil, "which", lambda tool, **_: None if tool == "nft" else f"/bin/{tool}")
    enter._way.cache_clear()
    try:
        assert enter.available() == "not installed: nft (packages iproute2, nftables)"
        with pytest.raises(BackendError, match="not installed: nft"):
            enter.reenter(["true"])
    finally:
        enter._way.cache_clear()


@pytest.mark.netns
def test_inside_there_is_a_root_without_a_way_out() -> None:
    """A command that is re-entered is root in another network namespace, and knows it."""
    result = netns_tasks.run("identity")
    assert result == {"uid": 0, "inside": True, "namespace": result["namespace"]}
    assert result["namespace"] != Path("/proc/self/ns/net").stat().st_ino


@pytest.mark.netns
def test_an_interface_that_is_up_is_a_way_out() -> None:
    """The check finds an interface that the lab has not made."""
    assert netns_tasks.run("way_out_of", "eth7") == "eth7"


@pytest.mark.netns
@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143)])
@pytest.mark.usefixtures("way")
def test_exit_codes_come_through(script: str, code: int) -> None:
    """The exit code is the command's own; a signal gives 128 and its number."""
    assert enter.reenter(["sh", "-c", script]) == code


def forbidding(*kinds: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python as root where the kernel makes no more namespaces of these kinds."""
    limits = [f"echo 0 > /proc/sys/user/max_{kind}_namespaces" for kind in kinds]
    script = " && ".join([*limits, 'exec "$0" -c "$1"'])
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, code]
    return subprocess.run(command, env=netns_tasks.environment(), check=False, capture_output=True, text=True)


@pytest.mark.netns
@pytest.mark.usefixtures("way")
def test_root_needs_no_user_namespace() -> None:
    """Where user namespaces are forbidden, root gets a network namespace all the same."""
    code = "from probe.lab.netns import enter; print(enter.reenter(['true']), *enter._way()[1:])"
    done = forbidding("user", code=code)
    assert done.stdout == "0 --net --mount\n", done.stderr


@pytest.mark.netns
@pytest.mark.usefixtures("way")
def test_forbidden_namespaces_are_reported() -> None:
    """Where no namespace can be made at all, the reason names it."""
    code = "from probe.lab.netns import enter; print(enter.available())"
    done = forbidding("net", "user", code=code)
    expected = "this machine does not let us make user and network namespaces: unshare"
    assert done.stdout.startswith(expected), done.stderr


@pytest.mark.netns
@pytest.mark.usefixtures("way")
def test_a_world_ends_with_its_program() -> None:
    """Killed in the middle of a world, the program takes the hosts and the namespace with it."""
    script = (
        "import netns_tasks, sys, time\n"
        "from probe.lab.netns.world import open_network\n"
        "with open_network(netns_tasks.scenario('loopback-only')):\n"
        "    print('open', flush=True)\n"
        "    time.sleep(60)\n"
    )
    outer = (
        f"import sys; from probe.lab.netns import enter; enter.reenter([sys.executable, '-c', {script!r}])"
    )
    environment = netns_tasks.environment()
    environment["PYTHONPATH"] += f":{Path(__file__).parent}"
    with subprocess.Popen([sys.executable, "-c", outer], env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"open\n"
        family = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert len(family) == 3
    assert alive == []


@pytest.mark.netns
@pytest.mark.usefixtures("way")
def test_a_user_without_any_privilege_builds_worlds() -> None:
    """An ordinary user, even one who may gain no privilege, gets whole worlds."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    given = {"addresses": ["lan", "public"], "target": {"listen": [{"port": 80, "bind": "::"}]}}
    result = netns_tasks.run("in_a_row", given, 3, user=NOBODY, python=python_for_nobody())
    assert len(result["up"]) == 3
    assert result["after"] == result["before"]
