"""Name servers on loopback that answer wrongly: no address is taken from them, nothing hangs or breaks."""

import time
from collections.abc import Callable
from itertools import pairwise

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from test_nameservers import asked

from probe.backends.dns import MOST_ADDRESSES

NAME = "box.corp.test."
FEWEST = 18  # behaviours
LONGEST_S = 4.0
Answer = Callable[[dns.message.Message], bytes]


def records(*texts: str, of: str = NAME, code: int = dns.rcode.NOERROR, flags: int = 0) -> Answer:
    """Records, each as `KIND DATA`, whatever was asked for."""

    def answer(query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query)
        reply.set_rcode(code)
        reply.flags |= flags
        for text in texts:
            kind, _, data = text.partition(" ")
            reply.answer.append(dns.rrset.from_text(of, 60, "IN", kind, data))
        return reply.to_wire(max_size=65_000)

    return answer


def spoiled(change: Callable[[bytes], bytes]) -> Answer:
    """An answer with an address, spoiled before it is sent."""
    right = records("A 10.88.0.10")
    return lambda query: change(right(query))


def loop(query: dns.message.Message) -> bytes:
    """Two aliases, each of the other."""
    reply = dns.message.make_response(query)
    for one, other in ((NAME, "other.test."), ("other.test.", NAME)):
        reply.answer.append(dns.rrset.from_text(one, 60, "IN", "CNAME", other))
    return reply.to_wire()


def chain(query: dns.message.Message) -> bytes:
    """Aliases of aliases, more than anybody follows."""
    reply = dns.message.make_response(query)
    names = [NAME, *(f"{number}.test." for number in range(200))]
    for one, other in pairwise(names):
        reply.answer.append(dns.rrset.from_text(one, 60, "IN", "CNAME", other))
    reply.answer.append(dns.rrset.from_text(names[-1], 60, "IN", "A", "10.88.0.10"))
    return reply.to_wire(max_size=65_000)


def of_another_question(query: dns.message.Message) -> bytes:
    """The right number, and another question."""
    other = dns.message.make_query("other.test.", "A")
    other.id = query.id
    return records("A 10.88.0.10", of="other.test.")(other)


def raw_record(kind: int, data: bytes, length: int | None = None) -> Answer:
    """One record with data of the wrong size; the length may be another than it has."""

    def answer(query: dns.message.Message) -> bytes:
        wire = bytearray(dns.message.make_response(query).to_wire())
        wire[6:8] = b"\0\1"
        size = len(data) if length is None else length
        body = b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\x3c" + size.to_bytes(2) + data
        additional = wire.find(b"\0\0\x29")  # EDNS comes last
        at = additional if additional > 0 else len(wire)
        return bytes(wire[:at] + body + wire[at:])

    return answer


NONE_TAKEN: dict[str, Answer] = {
    "no bytes": lambda query: b"",
    "one byte": lambda query: b"\xff",
    "half a header": spoiled(lambda wire: wire[:6]),
    "a header alone": spoiled(lambda wire: wire[:12]),
    "the middle is missing": spoiled(lambda wire: wire[:20] + wire[-4:]),
    "noise": spoiled(lambda wire: wire[:2] + bytes(range(256)) * 2),
    "noise after it": spoiled(lambda wire: wire + bytes(range(256))),
    "another number": spoiled(lambda wire: bytes([wire[0] ^ 1]) + wire[1:]),
    "the question again": lambda query: query.to_wire(),
    "another question": of_another_question,
    "a name that leads to itself": lambda query: (
        query.to_wire()[:2]
        + b"\x84\0\0\1\0\1\0\0\0\0\xc0\x0c\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x0a\x58\0\x0a"
    ),
    "a label that is too long": lambda query: query.to_wire()[:2] + b"\x84\0\0\1\0\0\0\0\0\0\x7f" + b"x" * 40,
    "an alias in a circle": loop,
    "two hundred aliases": chain,
    "an address of another name": records("A 10.88.0.10", of="other.test."),
    "an address of three bytes": raw_record(1, b"\x0a\x58\0"),
    "an address of no byte": raw_record(28, b""),
    "a record beyond the packet": raw_record(1, b"\x0a\x58\0\x0a", 400),
    "text with escapes": records(r'TXT "\027[2J\007"'),
    "a host name with escapes": records(r"CNAME \027[2J.test."),
    "mail and services": records("MX 10 mail.test.", "SRV 0 0 22 mail.test.", "NS ns.test."),
    "SERVFAIL with an address": records("A 10.88.0.10", code=dns.rcode.SERVFAIL),
    "NXDOMAIN with an address": records("A 10.88.0.10", code=dns.rcode.NXDOMAIN),
    "a code nobody has": records(code=3841),
    "cut off": records(flags=dns.flags.TC),
}


def test_there_are_enough() -> None:
    """Behaviours, each of its own."""
    assert len(NONE_TAKEN) >= FEWEST


@pytest.mark.parametrize("name", NONE_TAKEN)
def test_no_address_is_taken(name: str) -> None:
    """The name has no address, the reason can be printed, and it is over in time."""
    began = time.monotonic()
    found = asked(NONE_TAKEN[name], NAME)
    assert time.monotonic() - began < 3 * LONGEST_S
    assert (found.addresses, found.failure is None or str(found.failure.code).isprintable()) == ((), True)


def test_a_thousand_addresses() -> None:
    """No more are taken than a name has where somebody means it."""
    many = records(*(f"A 10.88.{number // 250}.{number % 250 + 1}" for number in range(1000)))
    assert len(asked(many, NAME).addresses) == MOST_ADDRESSES
