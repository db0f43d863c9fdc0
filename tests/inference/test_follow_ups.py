"""Which raw packets are sent next: tests/cases/follow_ups.yaml, and what holds in every situation."""

from ipaddress import ip_address
from itertools import product
from pathlib import Path

import pytest
import yaml
from survey_builder import (
    CONTROLS,
    EVERYBODY,
    MAC,
    NUMBER,
    address_named,
    port_of,
    stated_in,
    survey,
    surveys_of,
    with_raw,
)
from varied import replace

from probe.inference import follow_ups
from probe.inference.follow_up import DOUBTS, MOST_ALIKE
from probe.lab.scenario import TARGET_ADDRESSES
from probe.model.measurement import Facts
from probe.model.plan import RawPermissions
from probe.model.probing import Observation, PurposeRule, Question, Reason, Role, Shape
from probe.model.target import Port, Protocol

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "follow_ups.yaml").read_text(encoding="utf-8"))
SYMBOLS = {ip_address(text): symbol for symbol, text in TARGET_ADDRESSES.items()}
SHAPES = {
    Shape.OPENING: "SYN",
    Shape.ACK: "ACK",
    Shape.FIN: "FIN",
    Shape.ECHO: "echo",
    Shape.WHO_HAS: "ARP",
}
ALL = RawPermissions(fin=True, loopback=True)


def permissions_of(case: dict) -> RawPermissions:
    """What the user permits in a case."""
    permitted = case.get("permissions", ())
    return RawPermissions(fin="fin" in permitted, loopback="loopback" in permitted)


def name_of(question: Question, port: Port) -> str:
    """A question in the words of the cases."""
    words = [SHAPES[question.shape]]
    if question.port.number in CONTROLS:
        words.append("controls" if question.hop is None else "control")
    elif question.port.number:
        assert question.port == port
    if question.hop is not None:
        words.append(f"for {SYMBOLS.get(question.address, question.address)}")
        words += ["further"] if question.ttl == 2 else []
    return " ".join(words)


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_next(name):
    """In each situation these packets are sent and no others, for these reasons."""
    case = CASES[name]
    wanted = follow_ups(surveys_of(case), stated_in(case), permissions_of(case))
    asked = {
        SYMBOLS[ip]: {name_of(one.question, port_of(case)): one.why for one in few}
        for ip, few in wanted.items()
    }
    expected = case["asks"]
    assert {ip: set(few) for ip, few in asked.items()} == {ip: set(few) for ip, few in expected.items()}
    for symbol, few in expected.items():
        for packet, reason in few.items():
            assert asked[symbol][packet] == reason


@pytest.mark.parametrize("name", CASES)
def test_questions_of_every_situation(name):
    """Each is asked once, has a row of the table as its reason, and frames are the neighbour's alone."""
    case = CASES[name]
    rules = {doubt.rule for doubt in DOUBTS}
    for ip, few in follow_ups(surveys_of(case), stated_in(case), ALL).items():
        questions = [one.question for one in few]
        assert len(questions) == len(set(questions))
        assert {one.why for one in few} <= rules
        for question in questions:
            if question.hop is None:
                assert question.address == ip
            else:
                assert question.hop.interface == SYMBOLS[ip].removesuffix("6")
                assert question.hop.link_address == (EVERYBODY if question.shape is Shape.WHO_HAS else MAC)
                further = question.address.is_loopback and question.ttl == 2
                assert further or question.ttl == (None if question.shape is Shape.WHO_HAS else 1)


def silence(question: Question) -> Observation:
    """A follow-up that nothing answered."""
    return Observation(question, Reason.NO_RESPONSE, 3)


@pytest.mark.parametrize(("name", "reason"), [*product(CASES, (Reason.NO_RESPONSE, Reason.RESET))])
def test_rounds_come_to_an_end(name, reason):
    """Whatever every follow-up brings, no question is asked twice and after three rounds none is left."""
    case = CASES[name]
    surveys, seen = surveys_of(case), set()
    for _ in range(4):
        wanted = follow_ups(surveys, stated_in(case), ALL)
        asked = [(ip, one.question) for ip, few in wanted.items() for one in few]
        assert not seen & set(asked)
        seen |= set(asked)
        surveys = [
            with_raw(
                one,
                [
                    replace(silence(f.question), reason=reason, answered=1, sender=f.question.address)
                    if reason is not Reason.NO_RESPONSE
                    else silence(f.question)
                    for f in wanted.get(one.address.ip, ())
                ],
            )
            for one in surveys
        ]
    assert not wanted


def many(count: int, word: str):
    """An address with many ports that all answer the same."""
    port = Port(Protocol.TCP, NUMBER)
    one = survey("lan", {"controls": "reset@host", "port": word}, port)
    (tested,) = one.tested().values()
    more = tuple(
        replace(tested, question=Question(address_named("lan"), Port(Protocol.TCP, 20000 + n), Role.TESTED))
        for n in range(count)
    )
    return replace(one, observations=(*one.controls(), *more))


@pytest.mark.parametrize(("word", "shapes"), [("reset@host", {"SYN"}), ("no-response", {"SYN", "ACK"})])
@pytest.mark.parametrize(("more", "asked"), [(0, MOST_ALIKE), (1, 0)])
def test_many_ports_alike_are_not_worth_a_packet_each(word, shapes, more, asked):
    """Of ports that answer the same everywhere all are asked about, or, where they are too many, none."""
    few = next(iter(follow_ups([many(MOST_ALIKE + more, word)], Facts(), RawPermissions()).values()), ())
    for shape in shapes:
        ports = [f for f in few if f.question.role is Role.TESTED and SHAPES[f.question.shape] == shape]
        assert len(ports) == asked


def test_a_port_that_stands_out_of_many_is_asked_about():
    """A port that another address answers differently is followed up, however many are refused."""
    here = many(MOST_ALIKE + 50, "reset@host")
    port = next(iter(here.tested()))
    there = survey("vpn", {"controls": "reset@host", "port": "syn-ack@host"}, port)
    wanted = follow_ups([here, there], Facts(), RawPermissions())[address_named("lan")]
    assert {f.question.port for f in wanted if f.question.role is Role.TESTED} == {port}


def test_the_word_of_the_user_is_asked_for_by_name():
    """Rows that look hostile name the flag that permits them; every doubt has one row."""
    assert {doubt.takes for doubt in DOUBTS} == {None, "--fin", "--l2"}
    assert [doubt.rule for doubt in DOUBTS] == list(PurposeRule)
    hostile = {doubt.rule for doubt in DOUBTS if doubt.takes is not None}
    assert hostile == {
        PurposeRule.LISTENER_BEHIND_FILTER,
        PurposeRule.BESIDE_FORWARD,
        PurposeRule.LINK_REACHES_LOOPBACK,
        PurposeRule.BEHIND_LOOPBACK,
    }


@pytest.mark.parametrize("unknown", ["interface", "source", "kind", "on_link"])
def test_no_frame_where_the_system_did_not_show_the_link(unknown):
    """A frame needs the interface and the own address on an Ethernet link; None is not known."""
    case = CASES["silent on the VPN, open on the LAN, a neighbour"]
    lan, vpn = surveys_of(case)
    lan = replace(lan, route=replace(lan.route, **{unknown: None}))
    asked = follow_ups([lan, vpn], Facts(), ALL)
    assert not any(one.question.hop for few in asked.values() for one in few)


def test_an_address_of_the_same_link_is_no_other_link():
    """Two addresses by one interface: a frame would show what the plain answer shows."""
    case = CASES["silent on the VPN, open on the LAN, a neighbour"]
    lan, vpn = surveys_of(case)
    vpn = replace(vpn, route=replace(vpn.route, interface="lan"))
    asked = follow_ups([lan, vpn], Facts(), RawPermissions(fin=True))
    assert not any(one.question.hop for few in asked.values() for one in few)


def test_of_two_open_ports_each_is_looked_at():
    """A port that no box can have completed is passed over, the next one is looked at."""
    port = Port(Protocol.TCP, NUMBER)
    facts = {"controls": "syn-ack@host", "port": "udp-response", "also": "syn-ack@host"}
    one = survey("public", {**facts, "on_link": False}, Port(Protocol.UDP, port.number))
    (few,) = follow_ups([one], Facts(), RawPermissions()).values()
    assert [str(f.question.port) for f in few] == ["8001/tcp"]


@pytest.mark.parametrize(("number", "asked"), [(25, ["who-completes"]), (NUMBER, [])])
def test_an_open_port_that_is_often_taken_is_asked_once_more(number: int, asked: list[str]):
    """Scanners of mail and proxies take some ports: whether the address itself accepts, a raw SYN shows."""
    one = survey("lan", {"controls": "reset@host", "port": "syn-ack@host"}, Port(Protocol.TCP, number))
    found = follow_ups([one], Facts(), RawPermissions())
    assert [few.why for some in found.values() for few in some] == asked
