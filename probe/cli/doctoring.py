"""What `doctor` does once its flags are read: find the addresses, examine them, and print what was found."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from probe import __version__, interruption
from probe.app import doctor
from probe.app.diagnose import diagnosed_again
from probe.app.scan import Backends
from probe.cli import engines, start
from probe.cli.output import Destination, Form
from probe.cli.progress import ProgressBar
from probe.cli.targets import Wanted, make_target, read_ports
from probe.cli.watching import Watch, exit_code
from probe.errors import NothingMeasuredError, UsageError
from probe.explain.checks import result_text
from probe.machine.names import resolve
from probe.machine.sources import Host, MachineReader
from probe.model.diagnosis import Diagnosis
from probe.model.doctor_report import Change, DoctorReport
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Status
from probe.model.plan import Timing
from probe.model.target import IPAddress, Port, Target
from probe.redact.reports import redacted_report
from probe.report.as_json import render_doctor_json, render_line
from probe.report.doctor_document import DoctorFacts, assemble_doctor
from probe.report.doctor_text import render_change, render_doctor

USUAL_PORTS = "22,80,443,445,3389"  # of hosts of every kind: remote login, web, file sharing

Checking = Callable[[], DoctorReport]


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What to examine. `wanted` None: this machine alone. `named`: ports that are meant to work."""

    wanted: Wanted | None
    timing: Timing
    named: frozenset[Port]


@dataclass(frozen=True, slots=True)
class Found:
    """The target as far as its names have addresses, and a check for each name."""

    target: Target
    names: tuple[Check, ...]


def errand_of(
    places: tuple[tuple[str | None, str], ...],
    ports: str | None,
    families: frozenset[int],
    timing: Timing,
) -> DoctorRequest:
    """Put together what the flags ask for.

    Raises:
        UsageError: ports without an address, or no port list.
    """
    named = frozenset(read_ports(ports)) if ports is not None else frozenset[Port]()
    if not places and named:
        raise UsageError("-p says which ports of the target are meant to work: give its address too")
    wanted = Wanted(places, ports or USUAL_PORTS, None, families) if places else None
    return DoctorRequest(wanted, timing, named)


def find(wanted: Wanted, host: Host) -> Found:
    """Look up every name; one without an address is a failed check, not the end.

    Raises:
        UsageError: what was given is no address and no name.
    """
    names: dict[str, Check] = {}

    def look_up(text: str, families: Collection[int]) -> list[IPAddress]:
        try:
            found = resolve(text, families)
        except NothingMeasuredError as error:
            failed = CheckFinding(rule=CheckRule.NAME_UNRESOLVED, why=str(error))
            names[text] = Check(check=f"name {text}", status=Status.FAIL, found=failed)
            return []
        if text != str(found[0]) and ":" not in text:
            given = CheckFinding(rule=CheckRule.NAME_RESOLVED, addresses=tuple(map(str, found)))
            names[text] = Check(check=f"name {text}", status=Status.OK, found=given)
        return found

    target = make_target(wanted, host, look_up)
    return Found(target, tuple(names.values()))


@contextmanager
def checker(
    errand: DoctorRequest, wish: engines.EngineRequest, destination: Destination, *, quiet: bool
) -> Iterator[Checking]:
    """Open what the examination works with; each call of what is yielded examines everything once.

    Raises:
        NothingMeasuredError: not one address is known.
        PrivilegeError: raw packets were asked for by name and are not permitted.
        BackendError: this machine lets us open no sockets.
        UsageError: the environment names no user that makes sense as the one who called sudo.
        OutputError: without privileges the result could not be written.
    """
    wanted = errand.wanted
    if wanted is None:
        with start.looking(destination) as reader:
            yield lambda: _reported(lambda: doctor.look(reader), ())
        return
    with start.started(wish, destination, examines=True) as session:
        first = find(wanted, session.means.host)
        if not first.target.addresses:
            raise NothingMeasuredError("; ".join(result_text(name.found) for name in first.names))
        engines.hint(session.missing, quiet=quiet)
        yield _Examiner(wanted, errand, session.means, session.machine(), [first], quiet)


@dataclass(frozen=True, slots=True)
class _Examiner:
    """Examines the target once a call. Names are looked up each time; `first` is what they gave already."""

    wanted: Wanted
    errand: DoctorRequest
    means: Backends
    reader: MachineReader
    first: list[Found]
    quiet: bool

    def __call__(self) -> DoctorReport:
        found = self.first.pop() if self.first else find(self.wanted, self.means.host)
        if not found.target.addresses:  # names that had addresses have none now
            return _reported(lambda: doctor.look(self.reader), found.names)
        return _reported(lambda: self._examined(found.target), found.names)

    def _examined(self, target: Target) -> Diagnosis:
        errand = self.errand
        with ProgressBar(quiet=self.quiet) as progress:
            return doctor.examine(
                target, errand.timing, self.means, self.reader, named=errand.named, progress=progress
            )


def _reported(examine: Callable[[], Diagnosis], names: tuple[Check, ...]) -> DoctorReport:
    started = dt.datetime.now(dt.UTC)
    return assemble_doctor(examine(), DoctorFacts(started, __version__, names))


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints one report, or with `every` seconds between them as many as it takes until all is well."""

    destination: Destination
    every: float | None = None
    redact: bool = False

    def run(self, check: Checking) -> int:
        """Check and print; return the exit code.

        Raises:
            OutputError: it could not be written.
        """
        if self.every is not None:
            return Watch(check, self._show, _now, interruption.sleep, self.every).until_well()
        report = diagnosed_again(redacted_report(check())) if self.redact else check()
        self.destination.write_text(self._whole(report))
        return exit_code(report)

    def _whole(self, report: DoctorReport) -> str:
        if self.destination.form is Form.JSON:
            return render_doctor_json(report)
        return render_doctor(report, self.destination.style())

    def _show(self, piece: DoctorReport | Change) -> bool:
        if self.destination.form is Form.JSON:
            return self.destination.write_text(render_line(piece))
        text = self._whole(piece) if isinstance(piece, DoctorReport) else render_change(piece)
        return self.destination.write_text(text)


def printer_of(destination: Destination, every: float | None, *, redact: bool = False) -> Printer:
    """What prints, `every` seconds or once (None); `redact` replaces what names a network.

    Raises:
        UsageError: a file, which is written wholly or not at all, for lines that come one by one; or these
            redacted, which would take other replacements in each.
    """
    if every is not None and destination.path is not None:
        raise UsageError("--watch and -o exclude each other: changes are printed as they come; use > FILE")
    if every is not None and redact:
        raise UsageError("--watch and --redact exclude each other: redact one report, without --watch")
    return Printer(destination, every, redact)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
