"""From traces to the report: what is reported of a port, what of an address, and what is null."""

import datetime as dt
from ipaddress import ip_address

from varied import replace

from probe.engine.rows import measurement_of
from probe.engine.run import Outcome
from probe.engine.scan import Counts
from probe.model.binding import Binding, BoundBy, Candidate, Condition
from probe.model.facts import AddressSurvey, Trace
from probe.model.measurement import Facts
from probe.model.probing import Header, NextHop, Observation, PurposeRule, Question, Reason, Role, Shape
from probe.model.report import Report
from probe.model.target import Port, Protocol, TargetAddress
from probe.model.verdict import AddressVerdict, PortVerdict, Verdict
from probe.report.document import assemble

LAN, VPN, OTHER = (ip_address(text) for text in ("192.168.77.10", "10.88.0.10", "192.168.77.11"))
SSH, CONTROL, NONE = (Port(Protocol.TCP, number) for number in (22, 1006, 0))
HOP = NextHop("eth0", ip_address("192.168.77.2"), "52:54:00:12:34:56")
HEADER = Header(tos=0x68, flow_label=7, window=0, link_address="52:54:00:12:34:56")


def trace(address, port=SSH, reason=Reason.RESET, *, header=HEADER, **more) -> Trace:
    question = Question(address, port, **more)
    return Trace(
        Observation(question, reason, 2, sender=OTHER, ttl=63, header=header), PurposeRule.WHOSE_RESET
    )


def survey(ip, *traces, raw_only=False) -> AddressSurvey:
    observations = tuple(
        Observation(Question(ip, port, role), Reason.RESET, 1, raw_only=raw_only)
        for port, role in ((SSH, Role.TESTED), (CONTROL, Role.CONTROL))
    )
    return AddressSurvey(
        TargetAddress(ip, "lan"), observations, link_address="52:54:00:12:34:56", traces=traces
    )


def report(*surveys: AddressSurvey, engine: str = "raw") -> Report:
    verdict = Verdict(
        tuple(AddressVerdict(one.address, Condition.HAIRPIN) for one in surveys),
        (
            PortVerdict(
                SSH,
                Binding.SPECIFIC,
                1.0,
                (Candidate(binding=Binding.SPECIFIC, probability=1.0, bound_to=(LAN,)),),
                bound_by=BoundBy.DEVICE,
            ),
        ),
    )
    outcome = Outcome(surveys, Counts(), 1.0, complete=True)
    started = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    measured = measurement_of(outcome, vantage="here", engine=engine, started=started)
    return assemble(surveys, verdict, (measured,), Facts(), version="1")


def test_a_probe_of_a_port_stands_with_the_port() -> None:
    """Of every address, in its order, with all that its header held."""
    made = report(survey(LAN, trace(LAN)), survey(VPN, trace(VPN, hop=HOP, ttl=1, shape=Shape.ACK)))
    first, second = made.ports[0].probes
    assert (first.address, first.probe, first.through, first.ttl) == (str(LAN), Shape.OPENING, None, None)
    assert (first.port, first.protocol, first.why.rule, first.attempts) == (
        None,
        None,
        PurposeRule.WHOSE_RESET,
        2,
    )
    assert (first.reason, first.sender, first.reply_ttl) == (Reason.RESET, str(OTHER), 63)
    assert (first.tos, first.flow_label, first.window) == (0x68, 7, 0)
    assert first.link_address == "52:54:00:12:34:56"
    assert (second.address, second.probe, second.ttl) == (str(VPN), Shape.ACK, 1)
    assert (second.through, second.handed_to) == ("eth0", "52:54:00:12:34:56")
    assert made.addresses[0].probes == made.addresses[1].probes == ()


def test_what_has_no_port_stands_with_the_address() -> None:
    """Echo and who-has have no port; controls, and ports that nobody judged, are named."""
    made = report(
        survey(
            LAN,
            trace(LAN, NONE, Reason.ECHO_REPLY, shape=Shape.ECHO),
            trace(LAN, NONE, Reason.ARP_RESPONSE, shape=Shape.WHO_HAS),
            trace(LAN, CONTROL, role=Role.CONTROL),
            trace(LAN, NONE),
        )
    )
    assert made.ports[0].probes == ()
    probes = made.addresses[0].probes
    assert [(one.probe, one.port, one.protocol) for one in probes] == [
        (Shape.ECHO, None, None),
        (Shape.WHO_HAS, None, None),
        (Shape.OPENING, 1006, Protocol.TCP),
        (Shape.OPENING, 0, Protocol.TCP),
    ]
    assert [one.tos for one in probes] == [0x68, None, 0x68, 0x68]  # ARP has no TOS


def test_silence_has_no_header() -> None:
    """What no packet brought is null, never 0."""
    (silent,) = report(survey(LAN, trace(LAN, reason=Reason.NO_RESPONSE, header=None))).ports[0].probes
    assert (silent.tos, silent.flow_label, silent.window, silent.link_address) == (None, None, None, None)
    unsent = replace(trace(LAN).observation, sender=None)
    (one,) = report(survey(LAN, Trace(unsent, PurposeRule.WHOSE_RESET))).ports[0].probes
    assert one.sender is None


def test_without_raw_packets_probes_are_null() -> None:
    """Not measured is null; the empty list means that none was needed."""
    made = report(survey(LAN), engine="connect")
    assert made.ports[0].probes is made.addresses[0].probes is None
    assert report(survey(LAN)).ports[0].probes == report(survey(LAN)).addresses[0].probes == ()


def test_what_else_raw_packets_show() -> None:
    """The link-layer address, what binds the port, and what connect() did not get."""
    made = report(survey(LAN, raw_only=True), survey(VPN))
    assert made.addresses[0].link_address == "52:54:00:12:34:56"
    assert made.addresses[0].condition is Condition.HAIRPIN
    assert made.ports[0].bound_by is BoundBy.DEVICE
    assert [one.raw_only for one in made.ports[0].observations] == [True, None]
