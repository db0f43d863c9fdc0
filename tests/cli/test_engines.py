"""Which engine a scan gets: what was asked for, what is permitted, and what is reported where they differ.

The raw engine is a fake that resets whatever it is sent; connections go to loopback.
"""

import json
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from probe.app.engine_request import EngineRequest
from probe.cli.main import main
from probe.cli.notices import announce
from probe.errors import PrivilegeError
from probe.inference.follow_up import Doubt
from probe.model.facts import LinkKind, Route
from probe.model.probing import Header, Probe, PurposeRule, Question, Reason, Reply
from probe.model.target import Realm, ResolvedTarget, TargetAddress
from probe.report.schema import report_schema

MISSING = "CAP_NET_RAW is missing: ask for it"


class FakeRaw:
    """Answers each probe with a reset of the target's own stack."""

    capacity = 10

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._replies: list[Reply] = []
        self._now = 0.0

    def now(self) -> float:
        self._now += 0.001
        return self._now

    def send(self, probe: Probe) -> float:
        self._note("send")
        header = Header(tos=0x68, window=0)
        sender = probe.question.address
        left = self.now()
        self._replies.append(Reply(probe.id, Reason.RESET, left, sender, ttl=64, header=header))
        return left

    def receive(self, until: float) -> list[Reply]:
        self._now = self._now if self._replies else until
        replies, self._replies = self._replies, []
        return replies

    def interrupted(self) -> bool:
        return False

    def forget(self, probe_ids) -> None:
        pass

    def close(self) -> None:
        self._note("close")


def never(model, scene) -> Iterator[Question]:
    raise AssertionError


DOUBTS = (
    Doubt(PurposeRule.WHOSE_RESET, never),
    Doubt(PurposeRule.LISTENER_BEHIND_FILTER, never, "--fin"),
    Doubt(PurposeRule.LINK_REACHES_LOOPBACK, never, "--l2"),
)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Raw packets are permitted; what happens, in its order."""
    happened: list[str] = []

    def open_raw(host, capture=None, interface=None):
        happened.append("open with a file" if capture else "open")
        return FakeRaw(happened.append)

    monkeypatch.setattr("probe.backends.privilege.missing", lambda: None)
    monkeypatch.setattr("probe.backends.privilege.held", lambda: True)
    monkeypatch.setattr("probe.backends.privilege.gain_none", lambda: None)
    monkeypatch.setattr("probe.backends.privilege.drop", lambda: happened.append("drop"))
    monkeypatch.setattr("probe.backends.raw.open_raw", open_raw)
    return happened


@pytest.fixture
def closed() -> Iterator[str]:
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@pytest.fixture
def doubts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probe.inference.follow_up.DOUBTS", DOUBTS)


@pytest.mark.parametrize("engine", ["raw", "auto"])
def test_raw_packets_follow_where_they_are_permitted(
    engine: str, events: list[str], closed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """connect() first, raw packets then; privileges go before the first of them, and nothing is printed."""
    assert main(["scan", "127.0.0.1", "-p", closed, "--engine", engine, "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    Draft202012Validator(report_schema()).validate(document)
    assert document["engine"] == "raw"
    (first, *_) = document["ports"][0]["probes"]
    assert (first["probe"], first["reason"], first["tos"]) == ("opening", "reset", 0x68)
    assert {one["port"] for one in document["addresses"][0]["probes"]} >= {1006}
    assert [events[0], events[1], events[2], events[-1]] == ["open", "drop", "send", "close"]
    assert err == ""


def test_connect_stays_with_sockets(
    events: list[str], closed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where connect() is asked for, privileges are not used, but given up all the same."""
    assert main(["scan", "127.0.0.1", "-p", closed, "--engine", "connect", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["engine"] == "connect"
    assert document["ports"][0]["probes"] is None
    assert events == ["drop"]


def test_auto_without_permission_shows_what_is_missing(
    closed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, with -v what permits them, none with -q; the scan goes on with connect()."""
    assert main(["scan", "127.0.0.1", "-p", closed, "--json"]) == 0
    assert capsys.readouterr().err.endswith(": -v shows how\n")
    assert main(["scan", "127.0.0.1", "-p", closed, "--json", "-v"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["engine"] == "connect"
    assert err.endswith(f": {MISSING}\n")
    assert err.count("\n") == 1
    assert main(["scan", "127.0.0.1", "-p", closed, "-q"]) == 0
    assert capsys.readouterr().err == ""


NAMED = [["--engine", "raw"], ["--pcap", "packets"], ["--l2"], ["--fin"]]


@pytest.mark.parametrize("flags", NAMED, ids=" ".join)
def test_what_is_asked_for_by_name_is_not_left_out(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without permission: exit code 4, one line that names the flag, no file."""
    monkeypatch.chdir(tmp_path)
    assert main(["scan", "127.0.0.1", *flags]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"bindprobe: {' '.join(flags[:2]).removesuffix(' packets')}: {MISSING}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", NAMED[1:], ids=" ".join)
def test_flags_of_raw_packets_need_the_raw_engine(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --engine connect each is a usage error."""
    assert main(["scan", "127.0.0.1", "--engine", "connect", *flags]) == 2
    assert f"{flags[0]} takes raw packets" in capsys.readouterr().err


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("engine", ["auto", "raw"])
def test_a_sandbox_may_refuse_what_the_privileges_allow(
    engine: str, closed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where opening fails after all, auto goes on with connect() and raw ends with exit code 4."""

    def refuse(host, capture=None, interface=None):
        raise PrivilegeError("seccomp forbids raw sockets")

    monkeypatch.setattr("probe.backends.raw.open_raw", refuse)
    code = main(["scan", "127.0.0.1", "-p", closed, "--engine", engine, "--json", "-v"])
    out, err = capsys.readouterr()
    assert code == (4 if engine == "raw" else 0)
    assert (json.loads(out)["engine"] == "connect") if out else engine == "raw"
    assert "seccomp forbids raw sockets" in err
    assert err.count("\n") == 1


def test_packets_go_to_a_file(events: list[str], closed: str, tmp_path: Path) -> None:
    """The file is begun before privileges are dropped, and is a pcapng file."""
    path = tmp_path / "packets.pcapng"
    assert main(["scan", "127.0.0.1", "-p", closed, "--pcap", str(path), "-q"]) == 0
    assert events[:2] == ["open with a file", "drop"]
    assert path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(("name", "words"), [("missing/file", "No such file"), (".", "directory")])
def test_a_packet_file_that_cannot_be(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the reason, before a packet is sent."""
    assert main(["scan", "127.0.0.1", "-p", "9", "--pcap", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--pcap" in err
    assert words in err


class MixedHost:
    """A neighbour on Ethernet, an address in a tunnel, one behind a router, and this machine."""

    def route(self, destination):
        kind, on_link = {
            "192.168.77.10": (LinkKind.ETHERNET, True),
            "10.88.0.10": (LinkKind.TUNNEL, True),
            "127.0.0.1": (LinkKind.LOOPBACK, True),
        }.get(str(destination), (LinkKind.ETHERNET, False))
        return Route(destination, kind=kind, on_link=on_link)


def announced(flags: dict[str, bool], *addresses: str) -> None:
    target = ResolvedTarget(tuple(TargetAddress(ip_address(one), Realm.LAN) for one in addresses), ports=())
    announce(EngineRequest(**flags), target, MixedHost())


def test_hostile_looks_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each before anything is sent, even with -q: what goes to whom, and what it looks like."""
    announced({"fin": True}, "192.168.77.10", "203.0.113.10")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "FIN" in err
    assert "192.168.77.10, 203.0.113.10" in err
    assert "attack" in err
    announced({"l2": True}, "192.168.77.10", "10.88.0.10", "127.0.0.1", "203.0.113.10")
    err = capsys.readouterr().err
    assert "127.0.0.1 go to 192.168.77.10; " in err
    assert "attack" in err
    announced({"l2": True}, "203.0.113.10")
    assert "nobody" in capsys.readouterr().err
    announced({}, "192.168.77.10")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("doubts", "events")
def test_a_plan_shows_what_may_follow(capsys: pytest.CaptureFixture[str], events: list[str]) -> None:
    """The follow-ups that the flags permit, as text and as JSON; nothing is opened."""
    assert main(["scan", "127.0.0.1", "--plan"]) == 0
    text = capsys.readouterr().out
    assert "marked SYN" in text
    assert "FIN" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert main(["scan", "127.0.0.1", "--plan", "--json", "--fin", "--l2"]) == 0
    listed = json.loads(capsys.readouterr().out)["follow_ups"]
    assert [(one["probe"], one["takes"]) for one in listed] == [
        ("marked SYN", None),
        ("FIN", "--fin"),
        ("SYN to 127.0.0.1, handed to this neighbour", "--l2"),
    ]
    assert events == []


@pytest.mark.usefixtures("doubts")
def test_a_plan_without_raw_packets(capsys: pytest.CaptureFixture[str]) -> None:
    """No follow-ups with connect(), or where auto lacks the permission; asked for by name they are listed."""
    assert main(["scan", "127.0.0.1", "--plan", "--json", "--engine", "connect"]) == 0
    assert json.loads(capsys.readouterr().out)["follow_ups"] is None
    assert main(["scan", "127.0.0.1", "--plan", "-v"]) == 0
    out, err = capsys.readouterr()
    assert "marked SYN" not in out
    assert MISSING in err
    assert main(["scan", "127.0.0.1", "--plan", "--engine", "raw"]) == 0
    assert "marked SYN" in capsys.readouterr().out
