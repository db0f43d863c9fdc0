"""Greetings within a scan: when they are asked for, what becomes of them, and what they do to a report."""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from key_servers import send, serving, tls_speaker
from varied import replace

from probe import interruption
from probe.app.scan import scan
from probe.app.scan_context import ScanContext
from probe.app.service_inquiry import ask_services
from probe.app.session import Backends
from probe.backends.clients import SystemClients
from probe.backends.connect import ConnectBackend
from probe.backends.system_host import SystemHost
from probe.engine.backend import Done, NoClients
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.model.binding import Proof
from probe.model.evidence import EvidenceRule
from probe.model.facts import AddressSurvey
from probe.model.greeting import Approach, Call, Greeting, Inquiry
from probe.model.identity import Key, KeyKind
from probe.model.plan import Plan, Timing
from probe.model.probing import Observation, Question, Reason
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress
from probe.report.as_csv import render_csv
from probe.report.as_json import render_json, render_ndjson
from probe.report.explanation import render_explanation
from probe.report.markdown import render_markdown
from probe.report.table import render_table

HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
WEB, OTHER = Port(Protocol.TCP, 80), Port(Protocol.TCP, 8443)
CERTIFICATE, KEY = (Key(KeyKind.TLS, "x509", f"SHA256:{text}") for text in "xy")
SENT = Greeting("HTTP/1.1 200 OK", 200, tls=True, key=CERTIFICATE)
PLAN = Plan((), Timing(), deadline=60.0)


@dataclass
class AskedForGreetings(NoClients):
    """Clients that note what greetings they were asked for, and a clock that this took half a second of."""

    while_asked: Callable[[], None] = lambda: None
    calls: list = field(default_factory=list)

    def greetings(self, calls):
        self.while_asked()
        self.calls.extend(calls)
        return Done({(HERE, WEB): SENT, (THERE, WEB): Greeting("220 ready")})

    def interrupted(self) -> bool:
        return interruption.requested()

    def now(self) -> float:
        return 100.5 if self.calls else 100.0


def measured(*addresses, reason=Reason.SYN_ACK, **facts) -> Outcome:
    surveys = tuple(
        AddressSurvey(
            TargetAddress(ip, "lan"),
            (Observation(Question(ip, WEB), reason, 1, 1, sender=ip),),
            **facts,
        )
        for ip in addresses
    )
    return Outcome(surveys, Counts(), 5.0, complete=True)


BOTH = measured(HERE, THERE)
NOT_ASKED = {
    "one address": (measured(HERE), PLAN, Inquiry.ALL),
    "not open": (measured(HERE, THERE, reason=Reason.RESET), PLAN, Inquiry.ALL),
    "interrupted before": (replace(BOTH, complete=False), PLAN, Inquiry.ALL),
    "no time left": (BOTH, replace(PLAN, deadline=6.5), Inquiry.ALL),
    "keys only": (BOTH, PLAN, Inquiry.KEYS),
    "nothing": (BOTH, PLAN, Inquiry.NONE),
}


@pytest.mark.parametrize("name", NOT_ASKED)
def test_not_asked(name):
    """Nothing is asked where nothing could be compared, where the scan is over, or where it may not."""
    outcome, plan, inquiry = NOT_ASKED[name]
    asked = AskedForGreetings()
    assert (
        ask_services(outcome, ScanContext(plan, Backends(asked, asked, clients=asked, inquiry=inquiry)))
        is outcome
    )
    assert asked.calls == []


def test_asked():
    """Each survey gets what its own address sent, and the certificate that came with it; time is counted."""
    asked = AskedForGreetings()
    outcome = ask_services(BOTH, ScanContext(PLAN, Backends(asked, asked, clients=asked)))
    assert asked.calls == [Call(ip, WEB, Approach.WEB) for ip in (HERE, THERE)]
    assert [dict(s.greetings) for s in outcome.surveys] == [{WEB: SENT}, {WEB: Greeting("220 ready")}]
    assert [dict(s.keys) for s in outcome.surveys] == [{WEB: (CERTIFICATE,)}, {}]
    assert (outcome.elapsed, outcome.complete) == (5.5, True)


def test_keys_that_are_known_stay():
    """The keys that were asked for come before those that came along."""
    asked = AskedForGreetings()
    known = {WEB: (KEY,), OTHER: (KEY,)}
    outcome = ask_services(
        measured(HERE, THERE, keys=known), ScanContext(PLAN, Backends(asked, asked, clients=asked))
    )
    assert [dict(s.keys) for s in outcome.surveys] == [known, known]


def test_interrupted(interrupt):
    """Ctrl-C while greetings are read keeps what was measured until then, greetings that came included."""
    asked = AskedForGreetings(while_asked=interrupt)
    outcome = ask_services(BOTH, ScanContext(PLAN, Backends(asked, asked, clients=asked)))
    assert not outcome.complete
    assert [len(s.greetings) for s in outcome.surveys] == [1, 1]


def scanned(number: int, inquiry: Inquiry = Inquiry.ALL):
    """A report of a port on two addresses of loopback."""
    target = ResolvedTarget(
        tuple(TargetAddress(ip, realm) for ip, realm in ((HERE, "lan"), (THERE, "public"))),
        (Port(Protocol.TCP, number),),
    )
    with closing(ConnectBackend()) as backend, closing(SystemClients()) as clients:
        backends = Backends(backend, SystemHost(), inquiry=inquiry, clients=clients)
        return scan(target, Timing(), backends)


def test_another_service_answers_on_the_public_address():
    """A whole scan of two services that greet otherwise: in the evidence, in JSON, and in the explanation."""
    with serving(send(b"220 one\r\n")) as number, serving(send(b"220 two\r\n"), str(THERE), number):
        report = scanned(number)
        mute = scanned(number, Inquiry.NONE)
    sentence = (
        f"{number}/tcp is another service on the public address 127.0.0.2 (220 two)"
        " than on 127.0.0.1 (220 one)"
    )
    (differ,) = [one for one in report.ports[0].evidence if one.rule is EvidenceRule.OTHER_SERVICE]
    assert (differ.addresses, differ.beside) == ((str(THERE),), ("127.0.0.1",))
    assert (differ.service, differ.other_service, differ.text) == ("220 two", "220 one", sentence)
    data = json.loads(render_json(report))["ports"][0]
    assert [o["greeting"] for o in data["observations"]] == [
        {"text": f"220 {word}"} for word in ("one", "two")
    ]
    assert [(s["addresses"], s["name"], s["other_than"]) for s in data["services"]] == [
        (["127.0.0.1"], "220 one", ["127.0.0.2"]),
        (["127.0.0.2"], "220 two", ["127.0.0.1"]),
    ]
    text = " ".join(render_explanation(report, Port(Protocol.TCP, number)).split())
    assert sentence in text
    assert 'sends "220 two"' in text
    assert (mute.ports[0].services, mute.ports[0].observations[0].greeting) == (None, None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_same_service_on_both(tmp_path: Path):
    """One web server with one certificate, on a port of nobody's: found by asking both ways."""
    page = b"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n"
    serve, _ = tls_speaker(tmp_path, page, waits=True)
    with serving(serve) as number, serving(serve, str(THERE), number):
        report = scanned(number)
    (same,) = [one for one in report.ports[0].evidence if one.rule is EvidenceRule.SAME_SERVICE]
    assert (same.addresses, same.service) == (("127.0.0.1", str(THERE)), "nginx")
    assert same.proofs == (Proof.CERTIFICATE,)
    (service,) = report.ports[0].services
    assert (service.name, [str(by) for by in service.by]) == ("nginx", ["certificate", "greeting"])
    assert report.ports[0].observations[0].keys[0].type == "x509"


def test_hostile_greetings_break_no_format():
    """Escapes, bells, bidirectional text and bytes of no encoding: every format stays printable and whole."""
    evil = b"\x1b]0;owned\x07\x1b[2J\x9b31m|a`<b>\xe2\x80\xae\x00=cmd\r\n"
    with serving(send(evil)) as number, serving(send(evil[::-1]), str(THERE), number):
        report = scanned(number)
    port = Port(Protocol.TCP, number)
    assert report.ports[0].observations[0].greeting is not None
    texts = [
        render_table(report),
        render_explanation(report, port),
        render_csv(report),
        render_markdown(report),
    ]
    for text in (*texts, render_json(report), render_ndjson(report)):
        assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(render_json(report)) is not None


@pytest.mark.wall_time
def test_a_silent_service_does_not_hold_a_scan_up():
    """Less than 0.3 s is what asking adds where nobody answers on a port of nobody's."""
    with (
        serving(lambda peer: time.sleep(3)) as number,
        serving(lambda peer: time.sleep(3), str(THERE), number),
    ):
        plain, asking = (scanned(number, inquiry).elapsed_s for inquiry in (Inquiry.NONE, Inquiry.ALL))
    assert asking - plain < 0.3
