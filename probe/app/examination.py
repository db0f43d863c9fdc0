"""An examination: what is measured of each address when, what at the same time, and what is concluded.

What is asked, and how answers read, is `probe.diagnosis.path_probes`; what it all means, `probe.diagnosis`.
Beside the probes run the clients that wait for something else: name servers, echoes, and data through open
ports.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from msgspec import structs

from probe import interruption
from probe.app.diagnose import diagnosed
from probe.app.plan import controls_for
from probe.app.session import Backends
from probe.app.stages import collect
from probe.app.target import facts_of
from probe.app.tunnels import warm_up
from probe.diagnosis import path_probes
from probe.diagnosis.machine_checks import check_machine
from probe.diagnosis.path_probes import REFILLED_S, name_answers, trial_ports
from probe.diagnosis.tunnel_checks import proposals
from probe.engine.backend import Task
from probe.engine.rows import Examined, measurement_of
from probe.engine.run import Answers, Outcome, Progress, ask
from probe.engine.scan import Counts
from probe.interruption import StopRequestedError
from probe.machine.sources import MachineReader
from probe.model import tunnel_state
from probe.model.diagnosis import Diagnosis
from probe.model.exam import AddressExam, Echo, InterfaceCounters, MtuTrial, NameAnswer
from probe.model.facts import HERE, AddressSurvey, Neighbour
from probe.model.greeting import Inquiry
from probe.model.machine import Machine
from probe.model.plan import Timing
from probe.model.probing import Question, Reason
from probe.model.surroundings import concerning
from probe.model.target import IPAddress, Port, ResolvedTarget, TargetAddress

_K = TypeVar("_K")
_V = TypeVar("_V")

_ONCE = Timing(timeout=0.5, retries=0)  # shorter than a kernel takes to send a SYN again
_TWICE = Timing(timeout=0.35, retries=1)


class Examination:
    """One examination under way, and what it has found so far.

    Args:
        target: what is examined.
        backends: what probes are sent with.
        reader: what reads this machine.
        machine: this machine as it is beforehand.
    """

    def __init__(
        self, target: ResolvedTarget, backends: Backends, reader: MachineReader, machine: Machine
    ) -> None:
        self._target = target
        self._backends = backends
        self._clients = backends.clients
        self._reader = reader
        self._machine = machine
        self._control = controls_for(target.ports)[0]
        self.outcome = Outcome((), Counts(), 0.0, complete=False)  # of the ports
        self._names: Task[Mapping[str, Sequence[NameAnswer]]] | None = None
        self._echoes: Task[Mapping[IPAddress, Echo]] | None = None
        self._trials: Task[Mapping[IPAddress, MtuTrial]] | None = None
        self._surveyed = 0.0  # when the ports were settled
        self._around: Answers = {}
        self._raw: Answers = {}
        self._passages: dict[IPAddress, InterfaceCounters] = {}
        self._port_passages: dict[IPAddress, InterfaceCounters] = {}

    def run(self, timing: Timing, named: frozenset[Port], progress: Progress | None = None) -> bool:
        """Measure everything; False where a signal ended it early."""
        try:
            self._begin()
            # What a program sends shows whether it refuses this machine: asked where ports are meant to work.
            backends = replace(self._backends, inquiry=Inquiry.ALL if named else Inquiry.KEYS)
            measured = collect(self._target, timing, backends, progress, patient=False)
            self.outcome = measured
            if measured.complete:
                self._go_on(named)
        except StopRequestedError:
            return False
        return not self._backends.backend.interrupted()

    def _begin(self) -> None:
        """Before the survey: ask for names, wake the tunnels, then ping."""
        names = [address.name for address in self._target.addresses if address.name is not None]
        self._names = self._clients.ask_name_servers(names, self._machine.resolvers)
        warm_up(self._cold(), self._control, self._backends.backend, self._is_warm)
        every = [address.ip for address in self._target.addresses]
        self._echoes = self._clients.ping(every)

    def _go_on(self, named: frozenset[Port]) -> None:
        """After the survey: data through open ports, and more about silent addresses."""
        self._surveyed = self._backends.backend.now()
        self._trials = self._clients.try_mtu(trial_ports(self.outcome.surveys, named))
        self._around = ask(self._questions_around(), self._backends.backend, _TWICE)
        self._around |= ask(self._ttl_questions_left(), self._backends.backend, _ONCE, idle=self._refill())
        usual = (q for survey in self._unknown() for q in path_probes.usual_questions(survey))
        self._around |= ask(usual, self._backends.backend, _TWICE)  # last: what they bring uses up rations
        if self._backends.raw is not None:
            self._raw = ask(self._raw_questions(), self._backends.raw, _TWICE)
        self._passages = self._measure_passages(self._silent(), path_probes.passage_questions)
        self._clients.wait([one for one in (self._names, self._echoes, self._trials) if one is not None])
        # Alone: what data through open ports adds would count too.
        some = [s for s in self.outcome.surveys if path_probes.silent_port_questions(s)]
        self._port_passages = self._measure_passages(some, path_probes.silent_port_questions)

    def _silent(self) -> list[AddressSurvey]:
        return [survey for survey in self.outcome.surveys if path_probes.is_mute(survey)]

    def _unknown(self) -> list[AddressSurvey]:
        """The silent addresses of which not even ping has shown that they are there."""
        echoes = _done(self._echoes)
        there = {ip for ip, echo in echoes.items() if echo.reason is Reason.ECHO_REPLY}
        return [survey for survey in self._silent() if survey.address.ip not in there]

    def _refill(self) -> float:
        """Seconds until the hops have their ration of errors again, by when they were last sent any probe.

        What leaves by a tunnel has been asked nothing since the survey.
        """
        waiting = [survey for survey in self._unknown() if not path_probes.leaves_by_tunnel(survey)]
        since = 0.0 if any(map(self._lacks_hops, waiting)) else self._backends.backend.now() - self._surveyed
        return max(0.0, REFILLED_S - since)

    # --- tunnels ---

    def _cold(self) -> dict[str, TargetAddress]:
        """An address behind each tunnel that may have to shake hands first, by interface."""
        cold: dict[str, TargetAddress] = {}
        for address in self._target.addresses:
            route = self._backends.host.route(address.ip)
            tunnel = self._machine.tunnel(route.interface) if route.reachable else None
            if tunnel is not None and tunnel_state.is_cold(tunnel, address.ip):
                cold.setdefault(tunnel.link.name, address)
        return cold

    def _is_warm(self, name: str, address: TargetAddress) -> bool:
        """Whether a tunnel has shaken hands, or at least brought a packet, since it was first looked at."""
        before, now = self._machine.tunnel(name), self._reader.tunnel(name)
        if now is None or before is None or not tunnel_state.is_cold(now, address.ip):
            return True
        return path_probes.received_more(before.link.traffic, now.link.traffic)

    # --- questions ---

    def _questions_around(self) -> Iterable[Question]:
        """How far probes for silent addresses come; what a tunnel's far end and other neighbours answer."""
        for survey in self._silent():
            if not path_probes.leaves_by_tunnel(survey):
                yield from path_probes.ttl_questions(survey, self._control)
            yield from path_probes.endpoint_questions(survey, self._machine)
            yield from path_probes.gateway_questions(survey, self._machine)

    def _ttl_questions_left(self) -> Iterable[Question]:
        """How far probes come that leave by a tunnel, and those that no hop has answered yet."""
        for survey in self._unknown():
            if self._lacks_hops(survey):
                yield from path_probes.ttl_questions(survey, self._control)

    def _lacks_hops(self, survey: AddressSurvey) -> bool:
        """Whether no hop has answered yet, and there may be any: between neighbours on a link is none."""
        near = survey.route is not None and survey.route.on_link and not path_probes.leaves_by_tunnel(survey)
        hops = path_probes.hops_of(self._around, survey) or ()
        return not near and all(hop.sender is None for hop in hops)

    def _raw_questions(self) -> Iterable[Question]:
        """Echo where no socket may ask for it, and openings that come by another link."""
        self._clients.wait(() if self._echoes is None else (self._echoes,))
        echoes = _done(self._echoes)
        for survey in self.outcome.surveys:
            if survey.address.ip not in echoes:
                yield path_probes.echo_question(survey.address.ip)
        for survey in self._silent():
            yield from path_probes.way_back_questions(survey, self.outcome.surveys)

    # --- passage ---

    def _measure_passages(
        self, surveys: Sequence[AddressSurvey], questions: Callable[[AddressSurvey], Sequence[Question]]
    ) -> dict[IPAddress, InterfaceCounters]:
        """Count what goes out and comes in: all interfaces at once, on each one address after the other."""
        left = [survey for survey in surveys if path_probes.interface_to(survey) is not None]
        found: dict[IPAddress, InterfaceCounters] = {}
        while left:
            first = {path_probes.interface_to(survey) or "": survey for survey in reversed(left)}
            found |= self._passages_by(first, questions)
            asked = {survey.address for survey in first.values()}
            left = [survey for survey in left if survey.address not in asked]
        return found

    def _passages_by(
        self,
        surveys: Mapping[str, AddressSurvey],
        questions: Callable[[AddressSurvey], Sequence[Question]],
    ) -> dict[IPAddress, InterfaceCounters]:
        before = {name: self._count(name, survey.address.ip) for name, survey in surveys.items()}
        wanted = [q for s in surveys.values() for q in questions(s)]
        answers = ask(wanted, self._backends.backend, _ONCE, learned=self.outcome.learned)
        interruption.check()
        found = {
            survey.address.ip: path_probes.passage_of(
                answers, questions(survey), survey, before[name], self._count(name, survey.address.ip)
            )
            for name, survey in surveys.items()
        }
        return {ip: counted for ip, counted in found.items() if counted is not None}

    def _count(self, name: str, address: IPAddress) -> path_probes.Count:
        """What an interface, and the WireGuard peer that has the address, have counted so far."""
        drops, tunnel = self._reader.reverse_path_drops(), self._reader.tunnel(name)
        if tunnel is not None:
            return path_probes.Count(tunnel.link.traffic, tunnel_state.peer_for(tunnel, address), drops)
        link = self._reader.machine().link(name)
        return path_probes.Count(None if link is None else link.traffic, drops=drops)

    # --- results ---

    def machine_now(self) -> Machine:
        """This machine, with its tunnels as they are after the probes, if no signal asks for the end."""
        try:
            tunnels_now = tuple(self._reader.tunnel(t.link.name) or t for t in self._machine.tunnels)
        except StopRequestedError:
            return self._machine
        return structs.replace(self._machine, tunnels=tunnels_now)

    def exams(self) -> tuple[AddressExam, ...]:
        """Everything that was measured so far."""
        echoes, trials, names = _done(self._echoes), _done(self._trials), _done(self._names)
        neighbour, machine = self._backends.host.neighbour, self._machine
        return tuple(
            AddressExam(
                survey,
                echo=echoes.get(survey.address.ip) or path_probes.echo_of(self._raw, survey.address.ip),
                hops=path_probes.hops_of(self._around, survey),
                passage=self._passages.get(survey.address.ip),
                port_passage=self._port_passages.get(survey.address.ip),
                mtu=trials.get(survey.address.ip),
                names=name_answers(survey.address, self._target, names),
                endpoint=path_probes.endpoint_reason(self._around, survey, machine, neighbour),
                comes_back=path_probes.way_back(self._raw, survey, self.outcome.surveys),
                answering=path_probes.answering_of(self._around, survey),
                link_alive=path_probes.link_alive(survey, self.outcome.surveys, machine, neighbour),
            )
            for survey in map(self._looked_up_again, self.outcome.surveys)
        )

    def _looked_up_again(self, survey: AddressSurvey) -> AddressSurvey:
        """A survey with its neighbour as it is now, where an old entry has been tried meanwhile."""
        if survey.neighbour is not Neighbour.STALE:
            return survey
        return replace(survey, neighbour=self._backends.host.neighbour(survey.address.ip))


def _done(task: Task[Mapping[_K, _V]] | None) -> Mapping[_K, _V]:
    """What a task has brought by now."""
    return {} if task is None else task.result() or {}


def look(reader: MachineReader) -> Diagnosis:
    """Check this machine alone; nothing is sent."""
    began = time.monotonic()
    machine = reader.machine()
    checks, proposed = check_machine(machine), proposals(machine)
    return Diagnosis(checks, elapsed=time.monotonic() - began, proposed=proposed)


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
