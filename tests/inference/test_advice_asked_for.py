"""Advice on ports that nobody named: what is exposed is named, and nothing that would let more reach them."""

from dataclasses import replace

import pytest
from survey_builder import survey

from probe.inference import infer
from probe.inference.advice import without_unasked
from probe.model.advice import AdviceRule
from probe.model.binding import Binding
from probe.model.greeting import Greeting
from probe.model.measurement import Facts
from probe.model.target import Port, Protocol

REDIS = Port(Protocol.TCP, 6379)
WEB, ELSEWHERE = Port(Protocol.TCP, 8000), Port(Protocol.TCP, 6380)


def advice(surveys, port, named: str = "") -> list[AdviceRule]:
    """The rules of the advice on a port."""
    (found,) = [one for one in infer(surveys, Facts(named=named)).ports if one.port == port]
    return [one.rule for one in found.advice]


@pytest.mark.parametrize(
    ("lan", "vpn", "rule"),
    [
        ("reset@host", "reset@host", AdviceRule.PERHAPS_BOUND_TO_LOOPBACK),
        ("syn-ack@host", "reset@host", AdviceRule.BIND_WIDER),
        ("syn-ack@host", "no-response", AdviceRule.OPEN_FIREWALL),
        ("syn-ack@host", "port-unreach", AdviceRule.ALLOW_REJECTED),
    ],
)
def test_nobody_is_told_to_open_a_port_unasked(lan, vpn, rule):
    """Only of a port that was asked for by its number it is shown how more would reach it."""
    words = {"lan": lan, "vpn": vpn}
    surveys = [
        survey(symbol, {"controls": "reset@host", "port": word}, WEB) for symbol, word in words.items()
    ]
    assert rule in advice(surveys, WEB, named="8000")
    assert advice(surveys, WEB) == []


def test_alike_ports_go_on_to_share_their_advice():
    """Of a thousand closed ports one has a name: the others keep one verdict's advice, and that is none."""
    lan = survey("lan", {"controls": "reset@host", "port": "reset@host"}, WEB)
    verdicts = infer([lan], Facts()).ports
    assert [one.advice for one in without_unasked(verdicts, frozenset())] == [()]
    (named,) = infer([lan], Facts(named="8000")).ports
    assert list(without_unasked([named], frozenset({WEB}))) == [named]


def one_address(port: Port, greeting: str | None = None, symbol: str = "lan"):
    """One address, where the port is open."""
    one = survey(symbol, {"controls": "reset@host", "port": "syn-ack@host"}, port)
    return [one if greeting is None else replace(one, greetings={port: Greeting(greeting)})]


def test_a_private_service_is_advised_on_though_its_binding_is_open():
    """Whoever is on the link reaches it; one that is bound to an address on purpose is left alone."""
    (found,) = infer(one_address(REDIS)).ports
    assert found.binding is Binding.UNDETERMINED
    assert advice(one_address(REDIS), REDIS) == [AdviceRule.PRIVATE_REACHABLE]
    assert advice(one_address(REDIS, symbol="public"), REDIS) == [AdviceRule.PRIVATE_ON_PUBLIC]
    assert advice(one_address(WEB), WEB) == []


def test_a_service_is_known_by_what_it_sends():
    """Redis beside its usual port is private, SSH on that of Redis is not."""
    assert advice(one_address(ELSEWHERE, "-NOAUTH Authentication required."), ELSEWHERE) == [
        AdviceRule.PRIVATE_REACHABLE
    ]
    assert advice(one_address(REDIS, "SSH-2.0-OpenSSH_9.6"), REDIS) == []
