"""Name servers asked one by one: servers on loopback, names that exist nowhere else."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from probe.backends.dns import TIMEOUT_S, ask_servers, candidates
from probe.model.exam import NameAnswer
from probe.model.machine import Resolvers
from probe.model.unread import NameFailure, NameFailureRule

TOP = Path(__file__).parents[2]
LOCAL = ip_address("127.0.0.1")
VPN, VPN6 = ip_address("10.88.0.10"), ip_address("fd88::10")
Answer = Callable[[dns.message.Message], bytes | None]
ZONE = {
    ("box.corp.test", "A"): ["10.88.0.10"],
    ("box.corp.test", "AAAA"): ["fd88::10"],
    ("six.test", "AAAA"): ["fd88::10"],
}


def from_zone(zone: Mapping[tuple[str, str], list[str]]) -> Answer:
    """Answers by a table, and NXDOMAIN for other names; `alias.test` is another name of the box."""

    def answer(query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query)
        asked = query.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        if name == "alias.test":
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "CNAME", "box.corp.test."))
            name = "box.corp.test"
        if not any(known == name for known, _ in zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        texts = zone.get((name, kind))
        if texts:
            reply.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *texts))
        return reply.to_wire()

    return answer


def refuse(query: dns.message.Message) -> bytes:
    """REFUSED, as a server answers strangers."""
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.REFUSED)
    return reply.to_wire()


@contextlib.contextmanager
def server(answer: Answer) -> Iterator[int]:
    """A name server on loopback; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        over = threading.Event()

        def loop() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    data, peer = sock.recvfrom(2048)
                    reply = answer(dns.message.from_wire(data))
                    if reply is not None:
                        sock.sendto(reply, peer)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            over.set()
            thread.join(2)


def asked(answer: Answer, name: str, *search: str) -> NameAnswer:
    """What one server has for one name."""
    with server(answer) as port:
        (found,) = ask_servers([name], Resolvers((LOCAL,), search), port)[name]
    return found


NO_SUCH_NAME = NameFailure(rule=NameFailureRule.NO_SUCH_NAME)
REFUSED = NameFailure(rule=NameFailureRule.RESPONSE_CODE, code="REFUSED")
SILENCE = NameFailure(rule=NameFailureRule.NO_ANSWER, timeout_s=TIMEOUT_S)
CASES = [
    ("box.corp.test", (), (VPN, VPN6), None),
    ("box", ("corp.test",), (VPN, VPN6), None),
    ("box", (), (), NO_SUCH_NAME),
    ("six.test", (), (VPN6,), None),
    ("alias.test", (), (VPN, VPN6), None),
    ("nothing.test", ("corp.test",), (), NO_SUCH_NAME),
    ("box.corp.test.", ("elsewhere.test",), (VPN, VPN6), None),
]


@pytest.mark.parametrize(("name", "search", "addresses", "failure"), CASES)
def test_what_a_server_answers(name, search, addresses, failure):
    """Both families, aliases followed, search domains tried."""
    assert asked(from_zone(ZONE), name, *search) == NameAnswer(LOCAL, addresses, failure)


def test_refused():
    """A server that does not want to answer is reported as such."""
    assert asked(refuse, "box.corp.test") == NameAnswer(LOCAL, (), REFUSED)


def test_nonsense():
    """What is no answer does no harm."""
    found = asked(lambda query: query.to_wire()[:2] + b"\xff" * 40, "box.corp.test")
    assert found.addresses == ()
    assert found.failure is not None
    assert found.failure.rule is NameFailureRule.UNREADABLE


def test_silence():
    """A server that is silent is asked for one name, whatever search domains there are."""
    names = []
    found = asked(lambda query: names.append(query.question[0].name), "box.corp.test", "a.test", "b.test")
    assert found == NameAnswer(LOCAL, (), SILENCE)
    assert {name.to_text() for name in names} == {"box.corp.test."}


def test_nobody_listens():
    """A port that nobody has is an answer of its own, not an error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    (found,) = ask_servers(["box.test"], Resolvers((LOCAL,)), port)["box.test"]
    assert found.addresses == ()
    assert found.failure is not None


def test_not_a_name():
    """A label that is too long for DNS is reported, not raised."""
    (found,) = ask_servers(["x" * 64], Resolvers((LOCAL,)), 9)["x" * 64]
    assert found.failure is not None


@pytest.mark.parametrize("resolvers", [Resolvers(), Resolvers(())])
def test_no_servers(resolvers):
    """Without servers nobody is asked."""
    assert ask_servers(["box.test"], resolvers) == {}


CANDIDATES = [
    ("box", (), ("box",)),
    ("box", ("corp.test", ".", "b.test."), ("box.corp.test", "box.b.test", "box")),
    ("box.lan", ("corp.test",), ("box.lan", "box.lan.corp.test")),
    ("box.lan.", ("corp.test",), ("box.lan",)),
    ("box", ("a", "b", "c", "d"), ("box.a", "box.b", "box.c")),
]


@pytest.mark.parametrize(("name", "search", "expected"), CANDIDATES)
def test_candidates(name, search, expected):
    """As resolv.conf(5) has it with ndots:1, and no more than three."""
    assert candidates(name, search) == expected


ASKING = """
import sys
from importlib import import_module
from ipaddress import ip_address
from probe.app import privileged_start
from probe.model.machine import Resolvers

for name in (*privileged_start._LATER, *privileged_start._LATER_IN_DOCTOR):
    import_module(name)
loaded = set(sys.modules)
from probe.backends.dns import ask_servers
found = ask_servers(["alias.test"], Resolvers((ip_address("127.0.0.1"),)), int(sys.argv[1]))
print(len(found["alias.test"][0].addresses), *sorted(set(sys.modules) - loaded))
"""


def test_asking_name_servers_loads_nothing_more() -> None:
    """A server on loopback answers with both kinds of address, and an alias."""
    with server(from_zone(ZONE)) as port:
        command = [sys.executable, "-c", ASKING, str(port)]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["2"]
