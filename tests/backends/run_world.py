"""Runs a script of this folder in a network namespace of its own, and reads the JSON that it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
WORLD = ("unshare", "-Urn")


def results_of(script: str, timeout_s: float = 120) -> Any:
    """What the script prints; the test is skipped where there are no such namespaces."""
    try:
        subprocess.run([*WORLD, "nft", "list", "ruleset"], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no network namespaces with nft here: {error}")
    done = subprocess.run(
        [*WORLD, sys.executable, str(HERE / script)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
