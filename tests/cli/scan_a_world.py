"""Scans a world of real hosts by the command line; run as a program, as `SCENARIO FLAG ...`.

Enters a namespace that leads nowhere by starting itself again. The scan is a process of its own: it gives up
what taking the world down needs.
"""

import subprocess
import sys

from probe.lab.files import find_scenario
from probe.lab.netns import enter
from probe.lab.netns.world import open_network

if __name__ == "__main__":
    if not enter.inside():
        sys.exit(enter.reenter((sys.executable, *sys.argv)))
    name, *flags = sys.argv[1:]
    with open_network(find_scenario(name)):
        done = subprocess.run([sys.executable, "-m", "probe", "scan", *flags], check=False)
    sys.exit(done.returncode)
