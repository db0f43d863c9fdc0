"""The doctor with a scripted machine and examination: nothing is sent, names are looked up in a table."""

import json
import signal
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from probe import interruption
from probe.app import examination, session
from probe.cli.main import main
from probe.engine.backend import Done
from probe.engine.sparing import HEALTHY_S
from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis, Suspicion
from probe.model.exam import NameAnswer
from probe.model.facts import LinkKind, Route
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import Machine, TunnelKind
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Status
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.unread import NameFailure, NameFailureRule
from probe.report.schema import doctor_schema

MACHINE = Machine("linux", (), (), routes=())
FOUND = CheckFinding(rule=CheckRule.TUNNEL_UP, tunnel_kind=TunnelKind.WIREGUARD)
CHECK = Check(check="tunnel wg0", status=Status.OK, found=FOUND)
NAMES = {
    "host.example.org": ("203.0.113.10", "2001:db8::10"),
    "vpn.example.org": ("10.88.0.10",),
    "blocked.example.org": ("0.0.0.0", "203.0.113.10"),
}
SEEN = CauseEvidence(rule=Symptom.LOCAL_FILTER_CLEAR)
MEND = Fix(rule=FixRule.SWITCH_ON, place=Place.TARGET, command="wg-quick up wg0")


@dataclass
class ScriptedDoctor:
    """Finds for each address what the script has; keeps what it was asked."""

    causes: dict[str, list[Cause]] = field(default_factory=dict)
    checks: tuple[Check, ...] = (CHECK,)
    complete: bool = True
    asked: list[Any] = field(default_factory=list)

    def examine(self, target, timing, backends, reader, *, named=frozenset(), progress=None) -> Diagnosis:
        assert reader.machine() is MACHINE
        self.asked.append((target, timing, backends, named))
        found = tuple(self._diagnosed(address) for address in target.addresses)
        return Diagnosis(self.checks, found, 1.5, self.complete)

    def _diagnosed(self, address) -> AddressDiagnosis:
        causes = self.causes.get(str(address.ip), [Cause.NONE])
        cause = causes.pop(0) if len(causes) > 1 else causes[0]
        fix = () if cause is Cause.NONE else (MEND,)
        return AddressDiagnosis(address, Condition.CLEAR, (Suspicion(cause, 1.0, (SEEN,), fix),))

    def look(self, reader) -> Diagnosis:
        assert reader.machine() is MACHINE
        return Diagnosis(self.checks, elapsed=0.1)


class SteadyReader:
    """Reads a machine that is always the same."""

    def machine(self) -> Machine:
        return MACHINE

    def tunnel(self, interface: str) -> None:
        return None


class OneLinkHost:
    """Reaches everything by one link."""

    def __init__(self, read_tunnels: object = None, way: object = None) -> None:
        pass

    def route(self, destination) -> Route:
        return Route(destination, interface="eth0", kind=LinkKind.ETHERNET)


def look_up(clients: object, names, families) -> Done:
    """The resolver, asked for what is no address."""
    return Done({name: _answer(NAMES.get(name, ()), families) for name in names})


def _answer(addresses, families) -> NameAnswer:
    found = tuple(ip for ip in map(ip_address, addresses) if ip.version in families)
    return NameAnswer(None, found, None if found else NameFailure(rule=NameFailureRule.NO_SUCH_NAME))


def scripted_doctor(monkeypatch: pytest.MonkeyPatch) -> ScriptedDoctor:
    """Put the script in the place of everything that measures."""
    scripted = ScriptedDoctor()
    monkeypatch.setattr(examination, "examine", scripted.examine)
    monkeypatch.setattr(examination, "look", scripted.look)
    monkeypatch.setattr(session, "own_reader", SteadyReader)
    monkeypatch.setattr("probe.backends.system_host.SystemHost", OneLinkHost)
    monkeypatch.setattr("probe.backends.clients.SystemClients.look_up", look_up)

    def sleep(seconds: float) -> None:
        """Note the pause; in one of a minute, as all is well, the user presses Ctrl-C."""
        scripted.asked.append(seconds)
        if seconds >= HEALTHY_S:
            monkeypatch.setattr(interruption._state, "number", signal.SIGINT)

    monkeypatch.setattr("probe.interruption.sleep", sleep)
    return scripted


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["doctor", "--engine", "connect", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def document_of(out: str) -> dict[str, Any]:
    document = json.loads(out)
    Draft202012Validator(doctor_schema()).validate(document)
    return document
