"""Broken inputs for everything that is read: `python tests/fuzz/parsers.py --seconds 600 [NAME ...]`.

Prints how many inputs each parser took. Ends with 1, and the input in hex, where one raises what it does not
promise, or takes longer than an input is worth. Packets have a fuzzer of their own: codec.py.
"""

import argparse
import base64
import random
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP), str(TOP / "tests" / "report"), str(TOP / "tests" / "socktable")]

import sample_diagnoses  # noqa: E402
import sample_reports  # noqa: E402
import socket_lists  # noqa: E402
from dns import message, rrset  # noqa: E402
from dns.exception import DNSException  # noqa: E402
from mutations import BYTES, JSON, TEXT, Mutation  # noqa: E402 - found by the line above

from probe.backends import dns, socket_errors, ssh, tcpinfo, tls  # noqa: E402
from probe.errors import BindprobeError  # noqa: E402
from probe.lab.scenario import load_scenario  # noqa: E402
from probe.machine import (  # noqa: E402
    ip_json,
    iptables_save,
    netlink,
    nftables,
    system,
    tailscale_status,
    tun_programs,
    wg_dump,
)
from probe.model.encoding import encode  # noqa: E402
from probe.report import read  # noqa: E402
from probe.services import banner_text, port_list  # noqa: E402
from probe.socktable import table as socket_table  # noqa: E402

SLOWEST_S = 2.0  # for one input; a busy machine stops a process for less
NOW = 1_790_000_000.0
RULESETS = TOP / "tests" / "machine" / "rulesets"
SOCKET_LISTS = tuple(one.text.encode() for one in socket_lists.LISTS)


@dataclass(frozen=True)
class ParserUnderTest:
    """What reads, what it reads, and how that is broken."""

    read: Callable[[bytes], object]
    examples: tuple[bytes, ...]
    mutations: tuple[Mutation, ...] = TEXT


def text_of(read_text: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text, given bytes as a tool's output is."""
    return lambda data: read_text(data.decode("utf-8", "replace"))


def one_line(read_it: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """What may refuse an input, in an error of one line."""

    def refused_in_one_line(data: bytes) -> object:
        try:
            return read_it(data)
        except BindprobeError as error:
            lines = str(error).splitlines()
        if len(lines) > 1:
            raise ValueError(lines)
        return None

    return refused_in_one_line


def in_a_file(read_file: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A parser that opens its file itself."""
    folder = tempfile.TemporaryDirectory()

    def read_written(data: bytes) -> object:
        path = Path(folder.name) / "input.yaml"
        path.write_bytes(data)
        return read_file(path)

    return read_written


def dns_answer(data: bytes) -> object:
    """What comes of a name server's answer; dnspython refuses what is none in its own way."""
    try:
        reply = message.from_wire(data)
        return dns.read_answer(reply) if isinstance(reply, message.QueryMessage) else None
    except DNSException:
        return None


SCENARIO = b"""about: a server
addresses: [lan, vpn6]
target:
  listen: [{port: 22, bind: "::"}, {port: 8000, bind: lan}]
  firewall: [{drop: [8000], on: [vpn]}]
links: {lan: {delay_ms: 1.5, loss: 0.25}}
names: {lan: box.example}
scan: {ports: "22,8000", running: "22"}
expect:
  22: {binding: wildcard, families: [4, 6]}
  8000: {binding: specific, bound_to: [lan]}
made: 2026-01-31
"""
SAVED = b"""*filter
:INPUT DROP [10:600]
:OUTPUT ACCEPT [0:0]
:from-vpn - [0:0]
-A INPUT -i wg0 -j from-vpn
-A from-vpn -p tcp -m multiport --dports 8000,8010 -j DROP
-A INPUT -s 10.66.0.0/16 ! -i eth0 -p tcp -m tcp --dport 22 -m comment --comment "a \\"b\\" c" -j REJECT
COMMIT
"""
LINKS = b"""[{"ifname":"wg0","flags":["POINTOPOINT","UP"],"mtu":1420,"link_type":"none",
"linkinfo":{"info_kind":"tun","info_data":{"type":"tun"}},
"addr_info":[{"local":"10.8.0.2","prefixlen":24},{"local":"fe80::1","prefixlen":64}],
"stats64":{"rx":{"bytes":1,"packets":2},"tx":{"bytes":3,"packets":4}}}]"""
ROUTES = b"""[{"dst":"default","gateway":"192.168.1.1","dev":"eth0","metric":100,"prefsrc":"192.168.1.2"},
{"dst":"10.8.0.0/24","dev":"wg0","type":"unicast"},{"dst":"10.9.0.0/16","nexthops":[{"dev":"eth0",
"via":{"family":"inet6","host":"fe80::1"}}]}]"""
KEY = b"cTnQ5tOBtcHihKhTxS/GRHQZQ1mqypNgufd+d/ipAiA="
DUMP = (
    b"wg0\t"
    + KEY
    + b"\t"
    + KEY
    + b"\t51820\toff\nwg0\t"
    + KEY
    + (b"\t(none)\t192.0.2.1:51820\t10.8.0.0/24,fd88::/64\t1789999990\t900\t148\t25\n")
)
STATUS = b"""{"BackendState":"Running","TailscaleIPs":["100.64.0.5"],"Self":{"PublicKey":"nodekey:aa",
"TailscaleIPs":["100.64.0.5"]},"Peer":{"nodekey:bb":{"PublicKey":"nodekey:bb","TailscaleIPs":["100.64.0.10"],
"AllowedIPs":["100.64.0.10/32","10.20.0.0/16"],"CurAddr":"203.0.113.9:41641","RxBytes":900,"TxBytes":148,
"LastHandshake":"2026-09-21T16:12:40.123456789+02:00","Online":true}}}"""
BLOB = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + bytes(32)
REPLY = bytes([31]) + struct.pack(">I", len(BLOB)) + BLOB
GREETINGS = (
    b"HTTP/1.1 301 Moved\r\nServer: nginx\r\nLocation: https://x/?token=1\r\nVia: a, b\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
    b"J\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xf7",
    b"220 mail.example ESMTP \x1b[31m\xe2\x80\xae\r\n",
    b"\x15\x03\x03\0\x02\x02\x28",
)
ROUTE = netlink.route_request(ip_address("192.0.2.1")) + bytes(64)
SNMP = b"""TcpExt: SyncookiesSent IPReversePathFilter TCPTimeWaitOverflow
TcpExt: 0 17 3
IpExt: InNoRoutes
IpExt: 0
"""
QUEUED = struct.pack("=IBBBxII", 111, 2, 3, 3, 0, 0) + struct.pack("=H", 2) + bytes(26)
CERTIFICATE = """
MIIBbTCCAROgAwIBAgIUWdoG9U/DLL+T4HFjNOSQlPTq/IQwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBeDAeFw0yNjExMzAxMzI0
MjdaFw0zNjExMjcxMzI0MjdaMAwxCjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATOgCYTRH4oAytyfIR/hu8C
MvW0vlrpsSKPkjGxvH4Inho+GJ1z0lK2uLJ6AJvqZEeSa3VuYcJDQP/PPe+Mwy21o1MwUTAdBgNVHQ4EFgQU3g85penon6CVQqsf
Vu18at3pnzEwHwYDVR0jBBgwFoAU3g85penon6CVQqsfVu18at3pnzEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF
AiEAk0MH0lkf9PoFZ/QvgB2iNtN8uSKHovYc+i6LRupy3qsCIFv4FEcUmWP8CDGI23cY2wW05O/5RoCA35S9YOge81ss
"""
REPORT = encode(sample_reports.report())
ANSWER = message.make_response(message.make_query("box.test", "A"))
ANSWER.answer += [
    rrset.from_text("box.test.", 60, "IN", "CNAME", "b.test."),
    rrset.from_text("b.test.", 60, "IN", "A", "10.88.0.10", "10.88.0.11"),
    rrset.from_text("b.test.", 60, "IN", "AAAA", "fd88::10"),
    rrset.from_text("b.test.", 60, "IN", "HTTPS", "1 . alpn=h2 ipv4hint=192.0.2.1"),
]
DIAGNOSIS = encode(sample_diagnoses.reported())

PARSERS: Mapping[str, ParserUnderTest] = {
    "scenario (YAML)": ParserUnderTest(one_line(in_a_file(load_scenario)), (SCENARIO,)),
    "report (JSON)": ParserUnderTest(
        one_line(lambda data: read.parse_any(data, "x")), (REPORT, DIAGNOSIS), JSON
    ),
    "port list": ParserUnderTest(
        one_line(text_of(port_list.parse_ports)), (b"22,80,8000-8010", b"-", b"T:22,U:53, http,65530-")
    ),
    "nft -j": ParserUnderTest(
        text_of(nftables.parse_ruleset),
        tuple(path.read_bytes() for path in sorted(RULESETS.glob("*.json"))),
        JSON,
    ),
    "iptables-save": ParserUnderTest(
        text_of(lambda text: iptables_save.parse_save(text, "iptables", "ip")), (SAVED,)
    ),
    "ip -j addr": ParserUnderTest(text_of(ip_json.parse_links), (LINKS,), JSON),
    "ip -j route": ParserUnderTest(text_of(lambda text: ip_json.parse_routes(text, 4)), (ROUTES,), JSON),
    "wg dump": ParserUnderTest(
        text_of(lambda text: (wg_dump.parse_dump(text, NOW), wg_dump.without_secrets(text))), (DUMP,)
    ),
    "wg complaints": ParserUnderTest(
        text_of(wg_dump.refused_names), (b"Unable to access interface wg0: Operation not permitted\n",)
    ),
    "tailscale status": ParserUnderTest(
        text_of(lambda text: tailscale_status.parse_status(text, NOW)), (STATUS,), JSON
    ),
    "open tun devices": ParserUnderTest(
        text_of(tun_programs.devices_in), (b"pos:\t0\nflags:\t0100002\niff:\twg0\n",)
    ),
    "kernel counters": ParserUnderTest(text_of(system.parse_netstat), (SNMP,)),
    "resolv.conf": ParserUnderTest(
        in_a_file(system.read_resolvers),
        (b"nameserver 10.8.0.1\nsearch corp.example lan.\noptions ndots:2\n",),
    ),
    "netlink route": ParserUnderTest(netlink.parse_route, (ROUTE,), BYTES),
    "netlink neighbour": ParserUnderTest(netlink.parse_neighbour, (ROUTE,), BYTES),
    "socket list": ParserUnderTest(one_line(text_of(socket_table.read_socket_table)), SOCKET_LISTS),
    "tcp_info": ParserUnderTest(
        lambda data: (
            tcpinfo.parse_tcp_info(data),
            tcpinfo.parse_transfer(data),
            tcpinfo.handshake_rtt(data),
        ),
        (bytes(range(256)),),
        BYTES,
    ),
    "error queue": ParserUnderTest(socket_errors.parse_queued_error, (QUEUED,), BYTES),
    "DNS answer": ParserUnderTest(dns_answer, (ANSWER.to_wire(),), BYTES),
    "greeting": ParserUnderTest(
        lambda data: (banner_text.parse_greeting(data), banner_text.is_alert(data)), GREETINGS, TEXT
    ),
    "SSH key exchange": ParserUnderTest(
        lambda data: (ssh.shown_key(data), ssh.chosen_method(data)), (REPLY,), BYTES
    ),
    "certificate (DER)": ParserUnderTest(tls.public_key_of, (base64.b64decode(CERTIFICATE),), BYTES),
}


def problem_with(parser: ParserUnderTest, data: bytes) -> str | None:
    """What is wrong with how one input was read; None: nothing."""
    began = time.perf_counter()
    try:
        parser.read(data)
    except Exception:  # noqa: BLE001 - any is a finding
        return traceback.format_exc()
    took = time.perf_counter() - began
    return f"took {took:.1f} s\n" if took > SLOWEST_S else None


def fuzz(name: str, seconds: float, seed: int) -> int | None:
    """Read broken inputs for so long; their number, or None where one was wrong, which is printed."""
    parser = PARSERS[name]
    chance = random.Random(f"{seed} {name}")  # noqa: S311 - not a secret
    end, count = time.monotonic() + seconds, 0
    inputs = list(parser.examples)
    while time.monotonic() < end:
        for data in inputs:
            count += 1
            if (problem := problem_with(parser, data)) is not None:
                sys.stdout.write(f"{name}: {problem}bytes {data.hex()}\n")
                return None
        mutate = chance.choice(parser.mutations)
        inputs = [mutate(chance, chance.choice(parser.examples), parser.examples) for _ in range(20)]
    return count


def main() -> int:
    """Read the command line, and give each parser an equal share of the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*", choices=[*PARSERS, []], metavar="NAME")
    chosen = parser.parse_args()
    names = chosen.names or list(PARSERS)
    counts: dict[str, int | None] = {}
    for name in names:
        counts[name] = fuzz(name, chosen.seconds / len(names), chosen.seed)
    for name, count in counts.items():
        sys.stdout.write(f"{name:20} {'a finding' if count is None else f'{count:>10,} inputs'}\n")
    sys.stdout.write(f"{'all':20} {sum(filter(None, counts.values())):>10,} inputs, seed {chosen.seed}\n")
    return int(None in counts.values())


if __name__ == "__main__":
    sys.exit(main())
