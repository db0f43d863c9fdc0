"""Fourteen binds under eight filters: the world in memory against answers measured on a real host."""

from pathlib import Path

import pytest

from probe.lab.scenario import address_of
from probe.model.probing import Question, Reason
from probe.model.target import Port, Protocol

PORT = Port(Protocol.TCP, 8080)
ANY = "0.0.0.0"
MEASURED = [
    line.split()
    for line in Path(__file__).with_name("measured_answers.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
FILTERS = {
    "none": [],
    "drop": [{"action": "drop"}],
    "drop-lan": [{"action": "drop", "on": ["lan"]}],
    "drop-vpn": [{"action": "drop", "on": ["vpn"]}],
    "reset": [{"action": "reset"}],
    "reset-vpn": [{"action": "reset", "on": ["vpn"]}],
    "prohibit": [{"action": "admin-prohibited"}],
    "prohibit-vpn": [{"action": "admin-prohibited", "on": ["vpn"]}],
}
OPTIONS = {"full": {"serves": "full"}, "v6only": {"v6only": True}}
ASKED = (("lan", None), ("vpn", None), ("lan6", None), ("lan", 1))
TTLS = {"SA-1": 63, "RST-1": 63}
NAMES = {Reason.SYN_ACK: "SA", Reason.RESET: "RST"}


def target(bind: str, filter_name: str) -> dict[str, object]:
    """The host of one row."""
    rules = FILTERS[filter_name]
    if bind == "none":
        return {"filter": rules}
    if bind == "dnat":
        return {"filter": rules, "dnat": [{"port": PORT.number}]}
    address, _, device = bind.partition("%")
    address, _, option = address.partition("+")
    listen = {"port": PORT.number, "bind": address, **OPTIONS.get(option, {})}
    return {"filter": rules, "listen": [{**listen, "device": device} if device else listen]}


def described(replies: list) -> str:
    """One answer in the table's words."""
    if not replies:
        return "-"
    reply = replies[0]
    return NAMES.get(reply.reason) or "{}/{}".format(*reply.icmp)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row[0]} {row[1]}")
def test_answers_are_those_of_a_real_host(row, scenario_of, ask) -> None:
    """Every address answers as it did where the same bind and filter were measured."""
    bind, filter_name, *expected = row
    world = scenario_of(target=target(bind, filter_name))
    questions = [Question(address_of(symbol), PORT, ttl=ttl) for symbol, ttl in ASKED]
    replies = ask(world, questions)
    assert [described(r) for r in replies] == [word.removesuffix("-1") for word in expected]
    floors = [Question(address_of(symbol), PORT, min_ttl=64) for symbol, _ in ASKED[:3]]
    answered = [bool(r) for r in ask(world, floors)]
    assert answered == [word != "-" and word not in TTLS for word in expected[:3]]


def test_the_table_is_whole() -> None:
    """The table has every pair of a bind and a filter once."""
    assert len({tuple(row[:2]) for row in MEASURED}) == len(MEASURED) == 14 * len(FILTERS)
