"""Signals at any moment of what builds networks: it ends with the signal's code, and leaves nothing.

No process, and so no namespace either; no file in the temporary folder. So too where it is killed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from test_signals import CODES, await_that, catches

from probe.lab.netns import enter

pytestmark = pytest.mark.netns

TOP = Path(__file__).parents[2]
LONGEST_S = 2.0  # of most of the commands below
COMMANDS = {
    "lab": ("lab", "run", "loopback-only", "vpn-name-gives-public-address", "--world", "netns"),
    "lab in memory": ("lab", "run", "demo", "loopback-only", "--world", "sim"),
    "lab with services": ("lab", "run", "real-services", "--world", "netns"),
    "demo": ("demo", "--world", "netns", "--json"),
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    why_not = enter.available()
    if why_not is not None:
        pytest.skip(why_not)


def moments(count: int) -> Iterator[tuple[str, signal.Signals, float, bool]]:
    """So many commands, each with its signal, when to send it, and whether its whole group gets it."""
    chance = random.Random(2)  # noqa: S311 - a sample, no secret
    for turn in range(count):
        name = list(COMMANDS)[turn % len(COMMANDS)]
        yield name, chance.choice(SIGNALS), chance.uniform(0, LONGEST_S), chance.random() < 0.4


def marked(mark: str) -> Iterator[psutil.Process]:
    """Every process that has a mark in its environment."""
    for process in psutil.process_iter():
        try:
            if mark in process.environ():
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue


@pytest.mark.parametrize(
    ("name", "number", "moment", "of_group"), list(moments(int(os.environ.get("SIGNALS", "12"))))
)
def test_nothing_is_left(
    name: str,
    number: signal.Signals,
    moment: float,
    of_group: bool,  # noqa: FBT001 - a column
    tmp_path: Path,
) -> None:
    """Stdout aside, it is as if it had not run."""
    mark = f"MARK_{uuid4().hex}"
    with subprocess.Popen(
        [sys.executable, "-m", "probe", *COMMANDS[name]],
        cwd=TOP,
        env={**os.environ, mark: "", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # What comes before is a matter of the interpreter, which has begun to load.
        await_that(process, lambda: all(catches(process.pid, one) for one in CODES))
        time.sleep(moment)
        if of_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert err == "" or "hosts in network namespaces" in err
    code = process.returncode
    assert code == 0 or (128 - code if code < 0 else code) == 128 + number
    _, alive = psutil.wait_procs(list(marked(mark)), timeout=10)
    assert alive == []
    assert list(tmp_path.iterdir()) == [] or number == signal.SIGKILL
