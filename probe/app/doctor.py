"""The composition root of `doctor`: this machine, then each address, then what is wrong and what mends it."""

import time
from concurrent.futures import ThreadPoolExecutor

from probe.app.examination import Examination, Instruments
from probe.app.session import Backends
from probe.diagnosis import diagnose
from probe.diagnosis.machine_checks import check_machine
from probe.engine.run import Progress
from probe.inference import infer
from probe.machine.sources import MachineReader
from probe.model.diagnosis import Diagnosis
from probe.model.plan import Timing
from probe.model.target import Port, ResolvedTarget

__all__ = ["Instruments", "examine", "look", "system_instruments"]


def system_instruments(reader: MachineReader) -> Instruments:
    """The instruments of the real machine."""
    from probe.backends.dns import ask_servers  # noqa: PLC0415
    from probe.backends.ping import ping  # noqa: PLC0415
    from probe.backends.pmtu import try_mtu  # noqa: PLC0415 - a look at this machine alone takes none of them
    from probe.machine.system import reverse_path_drops  # noqa: PLC0415

    return Instruments(reader, ping, try_mtu, ask_servers, reverse_path_drops)


def look(reader: MachineReader) -> Diagnosis:
    """Check this machine alone; nothing is sent."""
    began = time.monotonic()
    checks = check_machine(reader.machine())
    return Diagnosis(checks, elapsed=time.monotonic() - began)


def examine(
    target: ResolvedTarget,
    timing: Timing,
    means: Backends,
    instruments: Instruments,
    *,
    named: frozenset[Port] = frozenset(),
    progress: Progress | None = None,
) -> Diagnosis:
    """Measure every address, and say what is wrong with each and what mends it.

    A signal ends it early: what was measured by then is judged.

    Args:
        target: the addresses, and the ports to ask.
        timing: how patiently to ask.
        means: what probes are sent with.
        instruments: what else is measured with.
        named: the ports that the user wants to work.
        progress: told how many questions are settled.
    """
    began = means.backend.now()
    machine = instruments.reader.machine()
    pool = ThreadPoolExecutor()
    try:
        examination = Examination(target, means, instruments, machine, pool)
        complete = examination.run(timing, named, progress)
        exams, machine = examination.exams(), examination.machine_now()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    verdict = infer([one.survey for one in exams], target.running)
    found = diagnose(exams, machine, verdict, named)
    elapsed = means.backend.now() - began
    return Diagnosis(check_machine(machine), found, elapsed, complete, tuple(exams))
