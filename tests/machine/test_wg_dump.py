"""What `wg show all dump` prints, as facts."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.wg_dump import WireGuard, parse_dump, read_endpoint, refused_names, without_secrets
from probe.model.machine import Peer

NOW = 1_790_000_000.0
PRIVATE = "QJC9K9dMFW05gryIzOGXl1tjLHNzl1EbJQhXB73tU0k="
OWN = "cTnQ5tOBtcHihKhTxS/GRHQZQ1mqypNgufd+d/ipAiA="
NEAR = "1vTWKMBJ8jPdzh5mtRCq6z8CCcDzwmDQUB4ORn/RwyI="
FAR = "ZO2pBqSj+zoNVMqOZ4JQb5cs29hK5kqX0bQMwMdU4TE="

DUMP = f"""\
wg0\t{PRIVATE}\t{OWN}\t51820\toff
wg0\t{NEAR}\t(none)\t192.0.2.7:51820\t10.8.0.0/24,fd08::/64\t1789999960\t900\t148\t25
wg0\t{FAR}\t{PRIVATE}\t[2001:db8::7]:4500\t0.0.0.0/0,::/0\t0\t0\t0\toff
office\t(none)\t(none)\t0\t0xca6c
office\t{FAR}\t(none)\t(none)\t(none)\t1790000009\t1\t2\toff
"""

EXPECTED = {
    "wg0": WireGuard(
        OWN,
        (
            Peer(
                public_key=NEAR,
                allowed_ips=(ip_network("10.8.0.0/24"), ip_network("fd08::/64")),
                endpoint=(ip_address("192.0.2.7"), 51820),
                handshake_age_s=40.0,
                sent_bytes=148,
                received_bytes=900,
                keepalive_s=25,
            ),
            Peer(
                public_key=FAR,
                allowed_ips=(ip_network("0.0.0.0/0"), ip_network("::/0")),
                endpoint=(ip_address("2001:db8::7"), 4500),
            ),
        ),
    ),
    # A handshake of the future (the clock was set back) has just been.
    "office": WireGuard(None, (Peer(FAR, (), None, 0.0, sent_bytes=2, received_bytes=1),)),
}


def test_dump() -> None:
    """Interfaces with their peers; `(none)`, `off` and a handshake at 0 are facts of their own."""
    assert parse_dump(DUMP, NOW) == EXPECTED


def test_secrets_are_taken_out() -> None:
    """Private and preshared keys go no further, and the dump still has all else."""
    left = without_secrets(DUMP)
    assert PRIVATE in DUMP
    assert PRIVATE not in left
    assert parse_dump(left, NOW) == EXPECTED
    assert PRIVATE not in repr(parse_dump(DUMP, NOW))


def test_secrets_are_taken_out_of_one_interface() -> None:
    """Lines that do not name the interface have their secrets a field earlier."""
    alone = "".join(line.partition("\t")[2] + "\n" for line in DUMP.splitlines() if line.startswith("wg0"))
    left = without_secrets(alone)
    assert PRIVATE not in left
    named = "".join(f"wg0\t{line}\n" for line in left.splitlines())
    assert parse_dump(named, NOW) == {"wg0": EXPECTED["wg0"]}


@pytest.mark.parametrize("fields", [1, 2, 3, 6, 7, 10])
def test_a_line_that_may_hold_a_secret_anywhere_is_left_out(fields: int) -> None:
    """A line that is cut off, or longer than wg(8) has it, goes no further at all."""
    assert without_secrets("\t".join([PRIVATE] * fields)) == ""


BROKEN = [
    "wg0\tonly\tthree",
    f"wg0\t{NEAR}\t(none)\t192.0.2.7:51820\t10.8.0.0/240\t0\t0\t0\toff",
    f"wg0\t{NEAR}\t(none)\t192.0.2.7\t(none)\t0\t0\t0\toff",
    f"wg0\t{NEAR}\t(none)\tvpn.invalid:51820\t(none)\t0\t0\t0\toff",
    f"wg0\t{NEAR}\t(none)\t(none)\t(none)\tnever\t0\t0\toff",
    f"wg0\t{NEAR}\t(none)\t(none)\t(none)\t0\t0\t0\tsometimes",
    f"wg0\t{NEAR}\t(none)\t(none)\t(none)\t{'9' * 400}\t0\t0\toff",
    "Unable to access interface wg0: Operation not permitted",
    "",
]


@pytest.mark.parametrize("line", BROKEN)
def test_broken_lines_are_left_out(line: str) -> None:
    """A line that is not as wg(8) has it takes nothing else with it."""
    assert parse_dump(f"{line}\n{DUMP}{line}", NOW) == EXPECTED


def test_refused() -> None:
    """What `wg` may not read it names: those are WireGuard's too."""
    complaints = (
        "Unable to access interface wg0: Permission denied\n"
        "Unable to access interface office: Operation not permitted\nwhatever\n"
    )
    assert refused_names(complaints) == {"wg0", "office"}


ENDPOINTS = [
    ("192.0.2.7:1", ("192.0.2.7", 1)),
    ("[2001:db8::7]:65535", ("2001:db8::7", 65535)),
    ("[fe80::7%eth0]:51820", ("fe80::7%eth0", 51820)),
    ("", None),
    ("(none)", None),
]


@pytest.mark.parametrize(("text", "expected"), ENDPOINTS)
def test_endpoints(text: str, expected: tuple[str, int] | None) -> None:
    """IPv6 addresses stand in brackets; an endpoint that is not known is none."""
    assert read_endpoint(text) == (expected and (ip_address(expected[0]), expected[1]))


FIELDS = st.sampled_from(["wg0", NEAR, "(none)", "off", "0", "-1", "10.0.0.0/8", "[::1]:1", "x", ""])
LINES = st.lists(FIELDS, max_size=10).map("\t".join)


@given(st.lists(LINES | st.text(), max_size=6).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    """Whatever it is given, it gives interfaces with peers, or nothing."""
    for name, found in parse_dump(text, NOW).items():
        assert name in text
        assert all(peer.public_key in text for peer in found.peers)


@given(st.lists(LINES | st.text(), max_size=6).map("\n".join))
def test_a_dump_without_secrets_reads_the_same(text: str) -> None:
    """Nothing but the secrets is lost to what is read of it."""
    assert parse_dump(without_secrets(text), NOW) == parse_dump(text, NOW)
