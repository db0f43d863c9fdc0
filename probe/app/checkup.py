"""A check-up: names looked up, addresses examined, the doctor's report assembled; again until all is well."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from probe import interruption
from probe.app import examination
from probe.app.engine_request import EngineRequest
from probe.app.engines import Engine
from probe.app.session import Backends, Session, open_session, own_reader
from probe.app.target import FoundHost, LeftOut, Target, find_hosts, read_ports, target_of, unreported
from probe.diagnosis import diagnose_name
from probe.engine.run import Progress
from probe.engine.sparing import HEALTHY_S, SparingBackend, SparingClients
from probe.errors import UsageError
from probe.machine.sources import MachineReader
from probe.model.diagnosis import Diagnosis, NameDiagnosis
from probe.model.doctor_report import Change, DoctorReport
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Status
from probe.model.plan import USUAL_TIMING, Timing
from probe.model.target import Port, ResolvedTarget
from probe.model.way_out import USUAL_WAY
from probe.report.doctor_document import DoctorFacts, assemble_doctor
from probe.report.doctor_text import changes
from probe.version import __version__

USUAL_PORTS = "22,80,443,445,3389"  # of hosts of every kind: remote login, web, file sharing


def doctor(
    target: Target | None = None,
    timing: Timing = USUAL_TIMING,
    session: Session | None = None,
    *,
    engine: str | EngineRequest = Engine.AUTO,
    progress: Progress | None = None,
) -> DoctorReport:
    """Find out why addresses do not answer and what mends it; without a target, check this machine.

    Args:
        target: what to examine; its `ports` are meant to work. Without ports, usual ones are asked, of which
            any may be closed.
        timing: how patiently to ask.
        session: what to work with, open already; None: opened for this examination, and closed.
        engine: what to open then.
        progress: called with the questions settled and asked so far.

    Raises:
        UsageError: one that is no address, two realms for one, a wrong port list, or no such engine.
        PrivilegeError: raw packets are asked for by name and are not permitted.
        BackendError: this machine lets us open no sockets.
    """
    request = checkup_of(target, timing)
    if request is None:
        return machine_report(own_reader() if session is None else session.machine_reader())
    if session is not None:
        return begin(request, session)(progress)
    with open_session(engine) as opened:
        return begin(request, opened)(progress)


@dataclass(frozen=True, slots=True)
class CheckupRequest:
    """What to examine. `named` are ports that are meant to work."""

    target: Target
    timing: Timing = USUAL_TIMING
    named: frozenset[Port] = frozenset()


def checkup_of(target: Target | None, timing: Timing = USUAL_TIMING) -> CheckupRequest | None:
    """Work out what is to be examined, None: this machine alone. Nothing is looked up yet.

    Raises:
        UsageError: ports without an address, or no port list.
    """
    if target is None:
        return None
    listed = target.port_list()
    named = frozenset(read_ports(listed)) if listed is not None else frozenset[Port]()
    if target.places():
        wanted = target if listed else replace(target, ports=USUAL_PORTS)
        return CheckupRequest(wanted, timing, named)
    if named:
        raise UsageError("-p names ports of the target that are meant to work: give its address too")
    return None


@dataclass(frozen=True, slots=True)
class FoundTarget:
    """The target as far as its names have addresses, a check for each name, and why some have none."""

    target: ResolvedTarget
    names: tuple[Check, ...]
    lost: Mapping[str, str] = field(default_factory=dict)


def look_up(target: Target, backends: Backends, left_out: LeftOut) -> FoundTarget:
    """Look up every name; one without an address is a failed check, not the end.

    `left_out` is called with why, for each address of a name that is of no one host.

    Raises:
        UsageError: what was given is no address and no name.
        StopRequestedError: a signal asked for the end meanwhile.
    """
    found = find_hosts(target, backends.clients, left_out)
    names = {text: one for text, one in found.items() if one.is_name}
    return FoundTarget(
        target_of(target, backends.host, found),
        tuple(_name_check(text, one) for text, one in names.items()),
        {text: str(one.failure) for text, one in names.items() if one.failure is not None},
    )


def _name_check(name: str, found: FoundHost) -> Check:
    if found.failure is not None:
        failed = CheckFinding(rule=CheckRule.NAME_UNRESOLVED, why=str(found.failure))
        return Check(check=f"name {name}", status=Status.FAIL, found=failed)
    given = CheckFinding(rule=CheckRule.NAME_RESOLVED, addresses=tuple(map(str, found.addresses)))
    return Check(check=f"name {name}", status=Status.OK, found=given)


@dataclass(frozen=True, slots=True)
class Checkup:
    """Examines everything once a call. Names are looked up each time; `found` is what they gave already."""

    request: CheckupRequest
    session: Session
    found: list[FoundTarget]
    sparing: SparingBackend  # of the session
    left_out: LeftOut

    def __call__(self, progress: Progress | None = None) -> DoctorReport:
        """Examine once."""
        self.sparing.begin_round()
        found = self.found.pop() if self.found else self._look_up()
        reader = self.session.machine_reader()
        lost = self._lost(found.lost, reader)
        if not found.target.addresses:
            return machine_report(reader, found.names, lost)
        return _reported(lambda: self._examined(found.target, reader, progress), found.names, lost)

    def _look_up(self) -> FoundTarget:
        return look_up(self.request.target, self.session.backends, self.left_out)

    def _lost(self, why: Mapping[str, str], reader: MachineReader) -> tuple[NameDiagnosis, ...]:
        """Why names have no address, by what each name server has for them."""
        if not why:
            return ()
        clients, resolvers = self.session.backends.clients, reader.machine().resolvers
        asked = clients.ask_name_servers(list(why), resolvers)
        clients.wait([asked])
        answers = asked.result() or {}
        realms = {text: realm for realm, text in self.request.target.places()}
        return tuple(
            diagnose_name(name, realms[name], because, answers.get(name, ()), resolvers)
            for name, because in why.items()
        )

    def _examined(
        self, target: ResolvedTarget, reader: MachineReader, progress: Progress | None
    ) -> Diagnosis:
        return examination.examine(
            target,
            self.request.timing,
            self.session.backends,
            reader,
            named=self.request.named,
            progress=progress,
        )


def begin(request: CheckupRequest, session: Session, left_out: LeftOut = unreported) -> Checkup:
    """Look up the target's names, to examine it as often as one likes.

    `left_out` is called with why, for each address of a name that is of no one host.

    Raises:
        UsageError: what was given is no address and no name, or the session has a way out of its own.
    """
    if session.backends.way != USUAL_WAY:
        raise UsageError("the way that this machine takes is examined: choose no interface or source")
    found = [look_up(request.target, session.backends, left_out)]
    sparing = SparingBackend(session.backends.backend)
    clients = SparingClients(session.backends.clients, sparing.now)
    backends = replace(session.backends, backend=sparing, clients=clients)
    return Checkup(request, replace(session, backends=backends), found, sparing, left_out)


def machine_report(
    reader: MachineReader, names: tuple[Check, ...] = (), lost: tuple[NameDiagnosis, ...] = ()
) -> DoctorReport:
    """Check this machine alone; nothing is sent to a target."""
    return _reported(lambda: examination.look(reader), names, lost)


def _reported(
    examine: Callable[[], Diagnosis], names: tuple[Check, ...], lost: tuple[NameDiagnosis, ...]
) -> DoctorReport:
    started = dt.datetime.now(dt.UTC)
    return assemble_doctor(examine(), DoctorFacts(started, __version__, names, lost))


EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the loop works with.

    `show` prints a report in full or a change in a line, and returns whether anybody reads it still. `pause`
    waits so many seconds, from the end of one check to the start of the next.
    """

    check: Callable[[], DoctorReport]
    show: Callable[[DoctorReport | Change], bool]
    now: Callable[[], dt.datetime]
    pause: Callable[[float], None]
    every: float = EVERY_S

    def run(self) -> DoctorReport:
        """Check until a signal asks for the end, or nobody reads; return the last report.

        Where all is well there is time: what answers as it should is asked once in `HEALTHY_S`.
        """
        report = self.check()
        read = self.show(report)
        while read and report.complete:
            self.pause(max(self.every, HEALTHY_S) if report.well else self.every)
            if interruption.requested():
                break
            before, report = report, self.check()
            if report.complete:
                read = all(self.show(change) for change in changes(before, report, self.now()))
        return report
