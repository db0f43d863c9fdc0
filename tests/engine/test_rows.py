"""Surveys as rows and back: small ones come back whole, large ones judge the same."""

from ipaddress import ip_address

import msgspec
import pytest
from varied import replace

from probe.app.stages import collect
from probe.engine.rows import FEW, fold, unfold
from probe.inference import infer
from probe.inference.responses import noise_of
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import parse_scenario
from probe.model.encoding import decode, encode
from probe.model.facts import AddressSurvey, LinkKind, Route, Trace
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind
from probe.model.measurement import AddressMeasurement, Facts
from probe.model.plan import Timing
from probe.model.probing import Header, NextHop, Observation, PurposeRule, Question, Reason, Role
from probe.model.target import Port, Protocol, TargetAddress

VPN, OWN = ip_address("10.88.0.10"), ip_address("10.88.0.2")
MANY = 4 * FEW
FIRST, ODD = 30_000, 30_100
MYSQL = Port(Protocol.TCP, 3306)
UDP = Port(Protocol.UDP, 9)
RTT_S = 0.2


def refused(number: int, **more: object) -> Observation:
    """A port that was asked at a moment of its own, and refused."""
    started = 100 + number / 1000
    one = Observation(
        Question(VPN, Port(Protocol.TCP, number)),
        Reason.RESET,
        attempts=1,
        answered=1,
        rtt=RTT_S,
        sender=VPN,
        started=started,
        answered_at=started + RTT_S,
    )
    return replace(one, **more)


def survey(*observations: Observation, **more: object) -> AddressSurvey:
    route = Route(VPN, source=OWN, interface="wg0", kind=LinkKind.TUNNEL)
    return AddressSurvey(TargetAddress(VPN, "vpn"), observations, route=route, **more)


def again(measured: AddressMeasurement) -> AddressMeasurement:
    """Through JSON and back."""
    return decode(encode(measured), AddressMeasurement)


def test_few_ports_come_back_whole() -> None:
    """Each has a row, its times count from the beginning of the scan, and everything else is as it was."""
    key = Key(KeyKind.SSH, "ssh-ed25519", "SHA256:x")
    known = survey(
        refused(22, started=0.5, answered_at=0.7, header=Header(tos=4, interface="wg0")),
        refused(23, started=0.5, answered_at=0.7),
        refused(
            9, started=0.25, answered_at=0.5, question=Question(VPN, Port(Protocol.UDP, 9), Role.CONTROL)
        ),
        own_addresses=frozenset({OWN}),
        traces=(Trace(refused(22, started=1.5, answered_at=1.75), PurposeRule.WHOSE_RESET),),
        keys={Port(Protocol.TCP, 22): (key,)},
        greetings={Port(Protocol.TCP, 80): Greeting("SSH-2.0-x", headers={"server": "x"}, key=key)},
        hops=2,
        path=(OWN,),
        vantage="laptop",
    )
    measured = again(fold(known))
    assert len(measured.rows) == 3
    assert unfold(measured, "laptop") == known
    later = fold(known, 0.25)
    assert [row.sent for row in later.rows] == [0.25, 0.25, 0.0]
    assert [row.answer for row in later.rows] == [0.45, 0.45, 0.25]
    assert [(t.observation.started, t.observation.answered_at) for t in later.traces] == [(1.25, 1.5)]


def test_many_ports_that_answer_alike_are_one_row() -> None:
    """With their ranges, first and last times, and the spread of their round trips."""
    ports = [number for number in range(FIRST, FIRST + MANY) if number != ODD]
    rtts = {FIRST: 0.1, FIRST + 1: 0.3}
    measured = fold(
        survey(*(refused(n, rtt=rtts.get(n, RTT_S), answered=2) for n in ports)), 100 + FIRST / 1000
    )
    (row,) = measured.rows
    assert row.ports == f"{FIRST}-{ODD - 1},{ODD + 1}-{FIRST + MANY - 1}"
    assert (row.sent, row.last_sent) == (0.0, (MANY - 1) / 1000)
    assert (row.answer, row.last_answer) == (RTT_S, pytest.approx(RTT_S + (MANY - 1) / 1000))
    assert (row.rtt_min, row.rtt, row.rtt_max) == (0.1, RTT_S, 0.3)
    seen = unfold(again(measured), "here").observations
    assert [o.question.port.number for o in seen] == ports
    assert {(o.reason, o.attempts, o.answered, o.sender, o.rtt) for o in seen} == {
        (Reason.RESET, 1, 2, VPN, None)
    }


ALONE = [
    {},
    {"keys": {Port(Protocol.TCP, ODD): ()}},
    {"greetings": {Port(Protocol.TCP, ODD): Greeting("220")}},
    {"traces": (Trace(refused(ODD), PurposeRule.WHOSE_RESET),)},
]


@pytest.mark.parametrize("more", ALONE)
def test_what_stands_alone_is_exact(more: dict[str, object]) -> None:
    """Private services, what has more to show, an odd answer, controls: each has its row and its times."""
    odd = refused(3000, attempts=3, answered=3)
    control = refused(3001, question=Question(VPN, Port(Protocol.TCP, 3001), Role.CONTROL))
    crowd = [refused(number, answered=2) for number in (*range(FIRST, FIRST + MANY), MYSQL.number)]
    rows = {row.ports: row for row in fold(survey(*crowd, odd, control, **more)).rows}
    alone = {str(MYSQL.number), "3000", "3001"} | ({str(ODD)} if more else set())
    assert {ports for ports in rows if ports.isdecimal()} == alone
    assert len(rows) == len(alone) + 1
    assert rows["3306"].rtt == RTT_S
    assert rows["3306"].last_sent is rows["3306"].rtt_min is None


def test_what_left_before_the_first_answer_is_a_row_of_its_own() -> None:
    """It shows what a cold tunnel's queue lost; the noise of an address is the same when it is read back."""
    lost = {n: {"attempts": 2, "answered": 2} for n in range(2, 130)}
    known = survey(*(refused(n, **lost.get(n, {})) for n in range(1, 500) if n not in {7, 9, 13, 19, 21, 22}))
    back = unfold(again(fold(known, 100.0)), "here")
    assert noise_of(back, 0) == noise_of(known, 0)
    assert noise_of(known, 0).lost == 0
    firsts = [o for o in known.observations if o.started is not None and o.started < 100.001 + RTT_S]
    early = [o for o in back.observations if o.started is not None and o.started < 0.001 + RTT_S]
    assert len(firsts) == len(early) > 128


def test_of_this_machine_only_what_concerns_the_target() -> None:
    """Of its addresses those that probes left from, or that answered."""
    addresses = [ip_address(f"192.0.2.{n}") for n in range(5)]
    answered = refused(1, sender=addresses[0])
    hop = NextHop("lan", addresses[1], "52:54:00:12:34:56")
    handed = refused(2, question=Question(VPN, Port(Protocol.TCP, 2), hop=hop))
    known = survey(
        answered, traces=(Trace(handed, PurposeRule.WHOSE_RESET),), own_addresses=frozenset({*addresses, OWN})
    )
    assert set(fold(known).own_addresses) == {OWN, addresses[0], addresses[1]}


def test_a_stated_realm_goes_before_the_measured_one() -> None:
    """The user's word on where an address is reached may be changed afterwards."""
    measured = fold(survey(refused(1)))
    assert unfold(measured, "here", Facts(realms={str(VPN): "office"})).address.realm == "office"
    assert unfold(measured, "here", Facts(realms={"10.0.0.1": "office"})).address.realm == "vpn"


@pytest.mark.parametrize(
    "field", [{"ports": "http"}, {"ports": "1,,2"}, {"reason": "maybe"}, {"sender": "me"}]
)
def test_a_row_is_checked(field: dict[str, object]) -> None:
    """What is no row is refused where it is read."""
    whole = {
        "address": {"ip": "10.0.0.1", "realm": "lan"},
        "rows": [{"ports": "1", "reason": "reset", "attempts": 1}],
    }
    assert decode(msgspec.json.encode(whole), AddressMeasurement).rows
    whole["rows"][0] |= field
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.encode(whole), AddressMeasurement)


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_many_ports_are_judged_alike(engine: str) -> None:
    """What is inferred of the rows of a large scan is what is inferred of its probes; they are few."""
    world = parse_scenario(
        "large",
        {
            "about": "a host with many closed and some filtered ports",
            "addresses": ["lan", "vpn", "public"],
            "target": {
                "listen": [{"port": 22, "bind": "0.0.0.0"}, {"port": 700, "bind": "lan"}],
                "filter": [{"action": "drop", "ports": "300-500", "on": ["vpn"]}],
            },
            "links": {"vpn": {"loss": 0.02}},
            "scan": {"ports": "1-800"},
            "expect": {},
        },
    )
    with open_world(world, "sim", raw=engine == "raw") as opened:
        known = collect(opened.target, Timing(), backends_of(opened, engine)).surveys
    measured = [again(fold(one)) for one in known]
    back = tuple(unfold(one, "here") for one in measured)
    verdict, expected = infer(back), infer(known)
    assert [v.binding for v in verdict.ports] == [v.binding for v in expected.ports]
    assert [v.conditions for v in verdict.ports] == [v.conditions for v in expected.ports]
    for one, other in zip(verdict.ports, expected.ports, strict=True):
        assert [c.probability for c in one.candidates] == pytest.approx(
            [c.probability for c in other.candidates]
        )
    assert sum(len(one.rows) for one in measured) < sum(len(one.observations) for one in known) / 3


def test_without_a_route_no_source_is_known() -> None:
    """An address that was not routed has none of the prober's addresses but those that answered."""
    known = replace(survey(refused(1), own_addresses=frozenset({OWN})), route=None)
    assert fold(known).own_addresses == ()
    assert unfold(again(fold(known, 100.0)), "here").route is None
