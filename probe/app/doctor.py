"""The composition root of `doctor`: this machine, then each address, then what is wrong and what mends it."""

import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import replace

from probe.app.diagnose import diagnosed
from probe.app.examination import Examination
from probe.app.session import Backends
from probe.app.target import facts_of
from probe.diagnosis.machine_checks import check_machine
from probe.engine.rows import Examined, measurement_of
from probe.engine.run import Progress
from probe.machine.sources import MachineReader
from probe.model.diagnosis import Diagnosis
from probe.model.exam import AddressExam
from probe.model.facts import HERE
from probe.model.plan import Timing
from probe.model.surroundings import concerning
from probe.model.target import IPAddress, Port, ResolvedTarget


def look(reader: MachineReader) -> Diagnosis:
    """Check this machine alone; nothing is sent."""
    began = time.monotonic()
    checks = check_machine(reader.machine())
    return Diagnosis(checks, elapsed=time.monotonic() - began)


def examine(
    target: ResolvedTarget,
    timing: Timing,
    backends: Backends,
    reader: MachineReader,
    *,
    named: frozenset[Port] = frozenset(),
    progress: Progress | None = None,
) -> Diagnosis:
    """Measure every address, and conclude what is wrong with each and what mends it.

    A signal ends it early: what was measured by then is judged.

    Args:
        target: the addresses, and the ports to ask.
        timing: how patiently to ask.
        backends: what probes are sent with, and what else is measured with.
        reader: what reads this machine.
        named: the ports that the user wants to work.
        progress: called with how many questions are settled.
    """
    started, began = dt.datetime.now(dt.UTC), backends.backend.now()
    machine = reader.machine()
    examination = Examination(target, backends, reader, machine)
    complete = examination.run(timing, named, progress)
    exams, machine = examination.exams(), examination.machine_now()
    surveyed = examination.outcome
    elapsed = backends.backend.now() - began
    around = concerning(machine, surveyed.surveys, _other_addresses(exams))
    measured = measurement_of(
        replace(surveyed, elapsed=elapsed, complete=complete),
        vantage=HERE,
        engine=backends.engine,
        started=started,
        examined=Examined(around, exams),
    )
    facts = facts_of(target, named=named)
    found = diagnosed(measured, facts, exams)
    return Diagnosis(check_machine(machine), found, elapsed, complete, measured, facts)


def _other_addresses(exams: Iterable[AddressExam]) -> list[IPAddress]:
    """What name servers have of the target's names."""
    return [ip for exam in exams for answer in exam.names for ip in answer.addresses]
