"""The composition root of `doctor`: this machine, then each address, then what is wrong and what mends it."""

import time

from probe.app.examination import Examination
from probe.app.scan import Backends
from probe.diagnosis import diagnose
from probe.diagnosis.machine_checks import check_machine
from probe.engine.run import Progress
from probe.inference import infer
from probe.machine.sources import MachineReader
from probe.model.diagnosis import Diagnosis
from probe.model.plan import Timing
from probe.model.target import Port, Target


def look(reader: MachineReader) -> Diagnosis:
    """Check this machine alone; nothing is sent."""
    began = time.monotonic()
    checks = check_machine(reader.machine())
    return Diagnosis(checks, elapsed=time.monotonic() - began)


def examine(
    target: Target,
    timing: Timing,
    means: Backends,
    reader: MachineReader,
    *,
    named: frozenset[Port] = frozenset(),
    progress: Progress | None = None,
) -> Diagnosis:
    """Measure every address, and say what is wrong with each and what mends it.

    A signal ends it early: what was measured by then is judged.

    Args:
        target: the addresses, and the ports to ask.
        timing: how patiently to ask.
        means: what probes are sent with, and what else is measured with.
        reader: what reads this machine.
        named: the ports that the user wants to work.
        progress: told how many questions are settled.
    """
    began = means.backend.now()
    machine = reader.machine()
    examination = Examination(target, means, reader, machine)
    complete = examination.run(timing, named, progress)
    exams, machine = examination.exams(), examination.machine_now()
    verdict = infer([one.survey for one in exams], target.running)
    found = diagnose(exams, machine, verdict, named)
    elapsed = means.backend.now() - began
    return Diagnosis(check_machine(machine), found, elapsed, complete, tuple(exams))
