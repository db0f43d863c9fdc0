"""The worlds' name server: what it answers to which question."""

import dns.message
import dns.rcode
import pytest

from probe.lab.netns.listeners import answered

ANSWERS = {"box.vpn.example": "10.88.0.10", "six.vpn.example": "fd88::10"}

# name, type; how it answers, and with which addresses
ASKED = [
    ("box.vpn.example", "A", dns.rcode.NOERROR, ["10.88.0.10"]),
    ("BOX.vpn.Example", "A", dns.rcode.NOERROR, ["10.88.0.10"]),
    ("box.vpn.example", "AAAA", dns.rcode.NOERROR, []),
    ("six.vpn.example", "AAAA", dns.rcode.NOERROR, ["fd88::10"]),
    ("six.vpn.example", "A", dns.rcode.NOERROR, []),
    ("box.vpn.example", "MX", dns.rcode.NOERROR, []),
    ("other.vpn.example", "A", dns.rcode.NXDOMAIN, []),
]


@pytest.mark.parametrize(("name", "kind", "code", "addresses"), ASKED)
def test_answers(name: str, kind: str, code: dns.rcode.Rcode, addresses: list[str]) -> None:
    """A known name has its one address, in its own family; any other name does not exist."""
    query = dns.message.make_query(name, kind)
    reply = answered(query.to_wire(), ANSWERS)
    assert reply is not None
    response = dns.message.from_wire(reply)
    assert query.is_response(response)
    assert response.rcode() == code
    assert [str(record) for answer in response.answer for record in answer] == addresses


@pytest.mark.parametrize("query", [b"", b"no query", dns.message.Message(id=7).to_wire()])
def test_what_is_no_query_has_no_answer(query: bytes) -> None:
    """Anything but one question is not answered."""
    assert answered(query, ANSWERS) is None
