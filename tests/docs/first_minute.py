"""Times the way from nothing to a first true verdict, step by step: `python tests/docs/first_minute.py`.

A copy of what is committed, a home that is empty, and, where root calls, a user without any privilege; what
the README names is typed, and the verdict is compared with what the demonstration network has.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).parents[2]
NOBODY = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
)
TRUE = ("wildcard", 3306)  # what the demonstration network binds, and where


def main() -> int:
    """Type the steps and print what each took; 0 where the verdict is true within a minute."""
    with tempfile.TemporaryDirectory(prefix="first-minute-") as folder:
        home = Path(folder)
        checkout = home / "bindprobe"
        checkout.mkdir()
        archive = subprocess.run(["git", "-C", TOP, "archive", "HEAD"], check=True, capture_output=True)
        subprocess.run(["tar", "-C", checkout, "-xf", "-"], input=archive.stdout, check=True)
        started = time.monotonic()
        for number, step in enumerate(steps(home), 1):
            begun = time.monotonic()
            output = typed(step, home, checkout)
            sys.stdout.write(f"{number}. {' '.join(step)}: {time.monotonic() - begun:.1f} s\n")
        took = time.monotonic() - started
        ports = {one["port"]: one["binding"] for one in json.loads(output)["ports"]}
        right = ports[TRUE[1]] == TRUE[0]
        sys.stdout.write(f"{took:.1f} s until a verdict that is {'true' if right else 'WRONG'}\n")
        return 0 if right and took <= 60 else 1


def steps(home: Path) -> Sequence[Sequence[str]]:
    """With pipx where it is installed, else with what Python brings."""
    scan = ("demo", "--json")
    if shutil.which("pipx"):
        return (("pipx", "install", "."), ("bindprobe", *scan))
    own = str(home / "own")
    return (
        ("/usr/bin/python3", "-m", "venv", own),
        (f"{own}/bin/pip", "install", "--quiet", "."),
        (f"{own}/bin/bindprobe", *scan),
    )


def typed(step: Sequence[str], home: Path, checkout: Path) -> str:
    """The output of a step."""
    command = list(step)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", home], check=True)
        command = [*NOBODY, "--no-new-privs", *command]
    path = f"{home}/.local/bin:{os.environ['PATH']}"
    environ = {"HOME": str(home), "PATH": path, "TMPDIR": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=checkout, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
