"""Keys within a scan: when they are asked for, and what becomes of them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from key_servers import host_key, serving, ssh_server
from varied import replace

from probe import interruption
from probe.app.scan_context import ScanContext
from probe.app.service_inquiry import _greeted, _keyed, ask_services
from probe.app.session import Backends
from probe.app.stages import collect
from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.system_host import SystemHost
from probe.engine.backend import Done, NoClients
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.inference.identity import identify
from probe.model.facts import AddressSurvey
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind, Sameness
from probe.model.plan import Plan, Timing
from probe.model.probing import Observation, Question, Reason
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
SSH = Port(Protocol.TCP, 22)
KEY = (Key(KeyKind.SSH, "ssh-ed25519", "SHA256:x"),)
PLAN = Plan((), Timing(), deadline=60.0)


@dataclass
class AskedForKeys(NoClients):
    """Clients that note what keys it was asked for, and a clock that this took two seconds of."""

    while_asked: Callable[[], None] = lambda: None
    wanted: list = field(default_factory=list)

    def keys(self, wanted):
        self.while_asked()
        self.wanted.extend(wanted)
        return Done({(HERE, SSH): KEY})

    def interrupted(self) -> bool:
        return interruption.requested()

    def now(self) -> float:
        return 102.0 if self.wanted else 100.0


def measured(*addresses, reason=Reason.SYN_ACK) -> Outcome:
    surveys = tuple(
        AddressSurvey(TargetAddress(ip, "lan"), (Observation(Question(ip, SSH), reason, 1, 1, sender=ip),))
        for ip in addresses
    )
    return Outcome(surveys, Counts(), 5.0, complete=True)


BOTH = measured(HERE, THERE)
NOT_ASKED = {
    "one address": (measured(HERE), PLAN),
    "not open": (measured(HERE, THERE, reason=Reason.RESET), PLAN),
    "interrupted before": (replace(BOTH, complete=False), PLAN),
    "no time left": (BOTH, replace(PLAN, deadline=7.0)),
}


@pytest.mark.parametrize("name", NOT_ASKED)
def test_not_asked(name):
    """Nothing is asked where nothing could be compared, or where the scan is over."""
    outcome, plan = NOT_ASKED[name]
    asked = AskedForKeys()
    assert ask_services(outcome, ScanContext(plan, Backends(asked, asked, clients=asked))) is outcome
    assert asked.wanted == []


def test_asked():
    """Each survey gets the keys of its own address, and the time is counted."""
    asked = AskedForKeys()
    outcome = ask_services(BOTH, ScanContext(PLAN, Backends(asked, asked, clients=asked)))
    assert asked.wanted == [(HERE, SSH), (THERE, SSH)]
    assert [dict(s.keys) for s in outcome.surveys] == [{SSH: KEY}, {}]
    assert (outcome.elapsed, outcome.complete) == (7.0, True)


class CountedWalks(dict):
    """A mapping that counts the walks over everything in it."""

    walks = 0

    def items(self):
        self.walks += 1
        return super().items()


def test_many_addresses_are_one_walk():
    """What was found is walked over once, not once an address: time grows with the answers alone."""
    surveys = measured(*(HERE + n for n in range(50))).surveys
    keys = CountedWalks({(s.address.ip, SSH): KEY for s in surveys})
    greetings = CountedWalks({(s.address.ip, SSH): Greeting("SSH-2.0-x") for s in surveys})
    found = _greeted(_keyed(surveys, keys), greetings)
    assert (keys.walks, greetings.walks) == (1, 1)
    assert [(dict(s.keys), dict(s.greetings)) for s in found] == [
        ({SSH: KEY}, {SSH: Greeting("SSH-2.0-x")})
    ] * 50


def test_interrupted(interrupt):
    """Ctrl-C while keys are read keeps what was measured until then, keys that came included."""
    asked = AskedForKeys(while_asked=interrupt)
    outcome = ask_services(BOTH, ScanContext(PLAN, Backends(asked, asked, clients=asked)))
    assert not outcome.complete
    assert [dict(s.keys) for s in outcome.surveys] == [{SSH: KEY}, {}]


@pytest.mark.parametrize(("there", "sameness"), [(b"a", Sameness.SAME), (b"b", Sameness.OTHER)])
def test_two_addresses_of_loopback(there, sameness):
    """A whole survey: an SSH server that greets on both, with one host key or with two."""
    addresses = tuple(TargetAddress(ip, "loopback") for ip in (HERE, THERE))
    with (
        serving(ssh_server(host_key(b"a"))) as number,
        serving(ssh_server(host_key(there)), str(THERE), number),
        closing(ConnectBackend()) as backend,
        closing(SystemClients()) as clients,
    ):
        target = ResolvedTarget(addresses, (Port(Protocol.TCP, number),))
        surveys = collect(target, Timing(), Backends(backend, SystemHost(), clients=clients)).surveys
    assert identify(surveys)["here", THERE].sameness is sameness
