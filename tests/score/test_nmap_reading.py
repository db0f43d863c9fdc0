"""The plain reading of nmap: its XML, its command line, and the rule that makes a claim of states."""

from ipaddress import ip_address

import pytest

from probe.errors import BackendError
from probe.model.binding import Binding
from probe.model.target import IPAddress, Port, Protocol
from score import nmap
from score.grade import Claim
from score.nmap import Answer, ask, command, conclude, read

A, B = ip_address("192.168.77.10"), ip_address("10.88.0.10")
SIX = ip_address("fd77::10")
WEB, DATABASE = Port(Protocol.TCP, 8000), Port(Protocol.TCP, 5432)

XML = """<?xml version="1.0"?>
<nmaprun scanner="nmap">
<host><status state="up" reason="user-set"/>
<address addr="192.168.77.10" addrtype="ipv4"/><address addr="02:00:00:00:00:01" addrtype="mac"/>
<ports><extraports state="filtered" count="3">
<extrareasons reason="no-response" count="2" proto="tcp" ports="22,24"/>
<extrareasons reason="admin-prohibited" count="1" proto="tcp" ports="443"/>
</extraports>
<port protocol="tcp" portid="5432"><state state="closed" reason="reset" reason_ttl="64"/></port>
<port protocol="tcp" portid="8000"><state state="open" reason="syn-ack" reason_ttl="64"/></port>
</ports></host>
<host><address addr="fd77::10" addrtype="ipv6"/>
<ports><port protocol="tcp" portid="8000"><state state="open" reason="syn-ack"/></port></ports></host>
</nmaprun>
"""


@pytest.mark.parametrize(
    ("address", "number", "answer"),
    [
        (A, 8000, Answer("open", "syn-ack")),
        (A, 5432, Answer("closed", "reset")),
        (A, 22, Answer("filtered", "no-response")),
        (A, 24, Answer("filtered", "no-response")),
        (A, 443, Answer("filtered", "admin-prohibited")),
        (SIX, 8000, Answer("open", "syn-ack")),
        (A, 23, None),
    ],
)
def test_reading_of_xml(address: IPAddress, number: int, answer: Answer | None) -> None:
    """Ports that stand alone and ports that are summed up are both read, on hosts of both families."""
    assert read(XML).get((address, Port(Protocol.TCP, number))) == answer


def test_no_output_has_no_answers() -> None:
    """A run that was cut off reports nothing, which is not a state."""
    assert read("") == {}


@pytest.mark.parametrize(
    ("states", "claim"),
    [
        (("open", "open"), Claim(Binding.WILDCARD)),
        (("open", "closed"), Claim(Binding.SPECIFIC, frozenset({A}))),
        (("filtered", "open"), Claim(Binding.SPECIFIC, frozenset({B}))),
        (("closed", "closed"), Claim(Binding.LOOPBACK_OR_NOT_LISTENING)),
        (("closed", "filtered"), Claim(Binding.UNDETERMINED)),
        (("filtered", "filtered"), Claim(Binding.UNDETERMINED)),
        (("open", None), Claim(Binding.SPECIFIC, frozenset({A}))),
        (("closed", None), Claim(Binding.UNDETERMINED)),
        ((None, None), Claim(Binding.UNDETERMINED)),
    ],
)
def test_the_plain_rule(states: tuple[str | None, str | None], claim: Claim) -> None:
    """What a reader of nmap's table would conclude."""
    answers = {
        (address, WEB): Answer(state, "") for address, state in zip((A, B), states, strict=True) if state
    }
    assert conclude(answers, WEB, [A, B]) == claim


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ([A, B], "nmap -sS -n -Pn -oX - -p 8000,5432 192.168.77.10 10.88.0.10"),
        ([SIX], "nmap -6 -sS -n -Pn -oX - -p 8000,5432 fd77::10"),
    ],
)
def test_command_line(addresses: list[IPAddress], words: str) -> None:
    """One command a family, with nmap's own defaults."""
    assert " ".join(command(addresses, [WEB, DATABASE])) == words


def test_a_failing_nmap_is_an_error() -> None:
    """A failed run is named with its last line, never read as silence."""
    with pytest.raises(BackendError, match=r"ended with 7: boom"):
        ask([A], [WEB], inside=("sh", "-c", "echo boom >&2; exit 7"))


def test_a_hanging_nmap_has_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes too long is stopped; its address has no answers."""
    monkeypatch.setattr(nmap, "TIMEOUT", 0.1)
    assert ask([A], [WEB], inside=("sh", "-c", "exec sleep 5")) == {}
