"""Runs of the doctor in worlds, some of them at the same time: starting, waiting, reading."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from probe.lab.files import find_scenario
from probe.lab.netns.tunnels import vpn_available

SCRIPT = Path(__file__).with_name("doctor_worlds.py")
PATIENCE = 280  # seconds

Job = tuple[str, str]  # engine, world


@dataclass(frozen=True)
class DoctorRun:
    """Worlds one after the other in a process of their own."""

    process: subprocess.Popen[str]
    output: IO[str]  # a file: nobody reads while others are waited for
    errors: IO[str]

    @staticmethod
    def why_not() -> str | None:
        """Why no such world can be built here."""
        return vpn_available()

    @classmethod
    def start(cls, jobs: Sequence[Job]) -> "DoctorRun | None":
        """Start it; None where this machine has no such worlds."""
        if cls.why_not() is not None:
            return None
        words = [f"{engine}:{world}" for engine, world in jobs]
        command = [sys.executable, str(SCRIPT), *words]
        output, errors = (tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115 - closed by `end`
        return cls(subprocess.Popen(command, stdout=output, stderr=errors, text=True), output, errors)

    def results(self) -> list[tuple[Job, dict[str, Any]]]:
        """Wait for it; what came of each job."""
        code = self.process.wait(PATIENCE)
        for file in (self.output, self.errors):
            file.seek(0)
        assert code == 0, self.errors.read()
        lines = [json.loads(line) for line in self.output]
        return [((line["engine"], line["world"]), line) for line in lines]

    def end(self) -> None:
        """End it, if it has not: its hosts and programs end with it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()
        self.errors.close()


def side_by_side(jobs: Sequence[Job], processes: int) -> dict[Job, dict[str, Any]]:
    """Run jobs in some processes at once, dealt out in turn."""
    started = [DoctorRun.start(jobs[first::processes]) for first in range(processes)]
    runs = [run for run in started if run is not None]
    try:
        return dict(result for run in runs for result in run.results())
    finally:
        for run in runs:
            run.end()


def places(result: dict[str, Any], name: str) -> dict[str, int]:
    """Which place the true cause of each address has, from 0."""
    expected = find_scenario(name).expect_causes
    ranking = {symbol: [cause for cause, _ in causes] for symbol, causes in result["ranked"].items()}
    return {
        symbol: ranking[symbol].index(cause) if cause in ranking[symbol] else 99
        for symbol, cause in expected.items()
    }
