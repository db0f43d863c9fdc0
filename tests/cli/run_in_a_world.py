"""Runs the command line in a world of real hosts; run as a program, as `SCENARIO COMMAND FLAG ...`.

What the environment has as ON_TARGET is run in the target's shell before. The program enters a namespace that
leads nowhere by starting itself again. The command is a process of its own: it gives up what taking the world
down needs. What `doctor --watch` advises to do here is done, and once an address is well it is interrupted.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.netns.world import open_network
from probe.model.fixes import Place

HERE = "fix: here# "


def run(command: Sequence[str]) -> int:
    """Run to the end; what it prints, it prints itself."""
    return subprocess.run(command, check=False).returncode


def run_and_mend(command: Sequence[str]) -> int:
    """Pass on each line that is printed, and do at once what it advises to do here."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        fixes: list[str] = []
        for line in running.stdout:
            sys.stdout.write(line)
            fixes += [line.partition(HERE)[2]] if HERE in line else []
            if " well; " in line:  # the first report is complete
                for fix in fixes:
                    subprocess.run(fix, shell=True, check=True)  # noqa: S602 - that is what it is printed for
            if line.endswith("-> none\n"):
                running.send_signal(signal.SIGINT)
        return running.wait()


if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    name, *flags = sys.argv[1:]
    with open_network(find_scenario(name)) as shell:
        prepared = shell(Place.TARGET, os.environ.get("ON_TARGET", ""))
        if prepared.returncode != 0:
            sys.exit(prepared.stderr)
        code = (run_and_mend if "--watch" in flags else run)([sys.executable, "-m", "probe", *flags])
    sys.exit(code)
