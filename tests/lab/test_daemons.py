"""Real services as data: what they listen on, are given, and answer. Nothing is started."""

import re
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from probe.errors import ScenarioError
from probe.lab.check import check
from probe.lab.daemons import TOOLS, USUAL_PORTS, Daemon, ServiceCheck, daemons_of, listens_of
from probe.lab.files import find_scenario
from probe.lab.scenario_hosts import Listen, ServiceKind, TargetHost
from probe.model.target import Protocol

ANY = ["0.0.0.0", "::"]


def target(*services: dict[str, Any], **parts: Any) -> TargetHost:
    return msgspec.convert({"services": services, **parts}, TargetHost)


def daemon(kind: str, bind: list[str], **parts: Any) -> Daemon:
    (one,) = daemons_of(target({"kind": kind, "bind": bind, **parts}))
    return one


# kind, bind, other parts; then protocol, address and port of each socket
SOCKETS = [
    ("nginx", ["lan"], {}, {("tcp", "lan", 80), ("tcp", "lan", 443)}),
    ("nginx", ANY, {"ports": [81, 82]}, {("tcp", bind, port) for bind in ANY for port in (81, 82)}),
    ("postgresql", ["127.0.0.1"], {}, {("tcp", "127.0.0.1", 5432)}),
    ("redis", ["lan", "lan6"], {}, {("tcp", "lan", 6379), ("tcp", "lan6", 6379)}),
    ("sshd", ANY, {}, {("tcp", bind, 22) for bind in ANY}),
    ("dnsmasq", ["vpn"], {}, {("tcp", "vpn", 53), ("udp", "vpn", 53)}),
    ("app", ["127.0.0.1"], {}, {("tcp", "127.0.0.1", 8081)}),
    ("proxy", ["public"], {"ports": [8000]}, {("tcp", "public", 8000)}),
]


@pytest.mark.parametrize(("kind", "bind", "parts", "expected"), SOCKETS)
def test_sockets(kind: str, bind: list[str], parts: dict[str, Any], expected: set[Any]) -> None:
    """A service listens on its ports, on each address, and IPv6 sockets keep to IPv6."""
    plain = Listen(port=1, bind="lan")
    found = listens_of(target({"kind": kind, "bind": bind, **parts}, listen=[{"port": 1, "bind": "lan"}]))
    assert found[0] == plain
    assert {(one.protocol.value, one.bind, one.port) for one in found[1:]} == expected
    assert all(one.v6only == (one.bind == "::") for one in found)


def test_every_kind_is_described() -> None:
    """Each has ports, packages, a configuration, a script, and a check for each of its sockets."""
    assert set(USUAL_PORTS) == set(TOOLS) == set(ServiceKind)
    for kind in ServiceKind:
        one = daemon(kind, ["lan"])
        sockets = listens_of(target({"kind": kind, "bind": ["lan"]}))
        assert len(one.checks) == len(sockets)
        assert all(check.address == "192.168.77.10" for check in one.checks)
        assert one.files
        assert all(name in one.script for name in one.files)
        assert one.script.splitlines()[-1].startswith("exec ")
        used = {tool for tool in TOOLS[kind] if re.search(rf"\b{tool}\b", one.script)}
        assert used == set(TOOLS[kind])


def test_each_has_a_directory_of_its_own() -> None:
    """Two of one kind do not share their files."""
    services = [{"kind": "redis", "bind": ["lan"], "ports": [port]} for port in (6379, 6380)]
    assert [one.directory for one in daemons_of(target(*services))] == [
        "/run/lab/1-redis",
        "/run/lab/2-redis",
    ]


TEXTS = [
    (
        "nginx",
        "nginx.conf",
        "listen 0.0.0.0:80;\nlisten [::]:80;\nlisten 0.0.0.0:443 ssl;\nlisten [::]:443 ssl;",
    ),
    ("proxy", "nginx.conf", "listen [::]:8080;\nlocation / { proxy_pass http://127.0.0.1:8081; }"),
    ("postgresql", "more.conf", "listen_addresses = '0.0.0.0,::'\nport = 5432\n"),
    ("redis", "redis.conf", "bind 0.0.0.0 ::\nport 6379\n"),
    (
        "sshd",
        "sshd_config",
        "Port 22\nListenAddress 0.0.0.0\nListenAddress ::\nHostKey /run/lab/1-sshd/host_key\n",
    ),
    ("dnsmasq", "dnsmasq.conf", "port=53\nno-resolv\n"),
    ("app", "sockets", "8081 0.0.0.0 ::\n"),
]


@pytest.mark.parametrize(("kind", "name", "part"), TEXTS)
def test_texts(kind: str, name: str, part: str) -> None:
    """Each is given its addresses and ports in its own words."""
    assert part in daemon(kind, ANY).files[name]


def test_checks() -> None:
    """A service is asked on a wildcard socket by loopback; what it request in TLS is not looked at."""
    checks = daemon("nginx", ANY).checks
    asked = {(check.address, check.port): check.response for check in checks}
    assert asked == {
        ("127.0.0.1", 80): b"HTTP/1.1 200",
        ("::1", 80): b"HTTP/1.1 200",
        ("127.0.0.1", 443): b"",
        ("::1", 443): b"",
    }
    assert daemon("redis", ["lan"]).checks == (
        ServiceCheck(Protocol.TCP, "192.168.77.10", 6379, b"PING\r\n", b"+PONG"),
    )


def test_the_question_for_a_name() -> None:
    """It is one question for an address of the name that the server knows (RFC 1035 section 4.1)."""
    (question,) = (check for check in daemon("dnsmasq", ["vpn"]).checks if check.protocol is Protocol.UDP)
    assert question.request[2:12] == bytes.fromhex("0100 0001 0000 0000 0000")
    assert question.request[12:] == b"\x06served\x04test\x00" + bytes.fromhex("0001 0001")
    assert question.response == question.request[:2]


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_memory_has_plain_listeners_in_their_place(engine: str) -> None:
    """Without its tunnel, the world in memory brings the same verdicts and keys, and no pages of the web."""
    scenario = replace(find_scenario("real-services"), vpn=None, worlds=("sim",))
    rows = check(scenario, "sim", engine=engine).rows
    missing = [(row.port, row.what) for row in rows if not row.ok]
    assert missing == [(port, "services") for port in ("80", "443", "8080")]


def test_a_service_takes_its_number_of_ports() -> None:
    """The web server takes two ports, one of them for TLS."""
    given = target({"kind": "nginx", "bind": ["lan"], "ports": [80]})
    with pytest.raises(ScenarioError, match="nginx takes 2 ports, not 1"):
        daemons_of(given)


def test_addresses_of_the_name_server() -> None:
    """It binds to each address that it is given, or to all interfaces in both families."""
    settings = daemon("dnsmasq", ["vpn", "lan6"]).files["dnsmasq.conf"]
    assert "port=53\nbind-interfaces\nlisten-address=10.88.0.10\nlisten-address=fd77::10\n" in settings


@pytest.mark.parametrize("bind", [["0.0.0.0"], ["::"], ["0.0.0.0", "lan"], [*ANY, "lan"]])
def test_what_the_name_server_cannot(bind: list[str]) -> None:
    """It does not bind to all interfaces in one family, nor to all and to one."""
    with pytest.raises(ScenarioError, match="all interfaces in both families"):
        daemon("dnsmasq", bind)
