"""`bindprobe doctor` with a scripted machine and examination: what it asks for, prints, and ends with.

Nothing is sent: what would measure is replaced, names are looked up in a table.
"""

import json
import sys
from unittest.mock import ANY

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from scripted_doctor import CHECK, ScriptedDoctor, document_of, run

from probe.app.engine_request import EngineRequest
from probe.app.engines import Engine
from probe.app.privileged_start import Around, looking, started
from probe.cli.main import main
from probe.machine.reader_process import ReaderProcess
from probe.model.diagnosis import Cause
from probe.model.machine_checks import Status
from probe.model.plan import Timing
from probe.model.target import Port, Protocol

UNKNOWN = "no host lost.example.org is known: check the spelling, or give an IP address"


@pytest.mark.usefixtures("script")
def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, the report on stdout, nothing on stderr."""
    code, out, err = run(capsys, "--lan", "192.168.77.10", "--vpn", "10.88.0.10")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "192.168.77.10  lan  clear  well (>99%)",
        "10.88.0.10  vpn  clear  well (>99%)",
        "",
        "2 of 2 addresses are well; 1.5 s",
    ]


@pytest.mark.usefixtures("script")
def test_in_detail(capsys: pytest.CaptureFixture[str]) -> None:
    """`-v` shows every check of this machine, also where nothing is wrong."""
    _, out, _ = run(capsys, "--vpn", "10.88.0.10", "-v")
    assert out.startswith("This machine\n  ok       tunnel wg0  wireguard, up\n")


def test_something_is_wrong(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1; cause, evidence and fix are in the text and in the JSON."""
    script.causes["10.88.0.10"] = [Cause.TUNNEL_STALE]
    code, out, _ = run(capsys, "--vpn", "10.88.0.10")
    assert code == 1
    assert "tunnel-stale: " in out
    assert "        - " in out
    assert "fix: target# wg-quick up wg0" in out
    code, out, _ = run(capsys, "--vpn", "10.88.0.10", "--json")
    document = document_of(out)
    assert (code, document["well"]) == (1, False)
    (address,) = document["addresses"]
    assert address["causes"] == [
        {
            "cause": "tunnel-stale",
            "probability": 1.0,
            "port": None,
            "protocol": None,
            "ports": [],
            "evidence": [{"rule": "local-filter-clear", "text": ANY}],
            "fix": [
                {
                    "rule": "switch-on-tunnel",
                    "place": "target",
                    "command": "wg-quick up wg0",
                    "text": "target# wg-quick up wg0",
                }
            ],
        }
    ]


@pytest.mark.parametrize(("status", "code"), [(Status.OK, 0), (Status.WARN, 0), (Status.FAIL, 1)])
def test_this_machine_alone(
    status: Status, code: int, script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an address only a failed check is something wrong."""
    script.checks = (replace(CHECK, status=status),)
    assert run(capsys)[0] == code
    ended, out, err = run(capsys, "--json")
    assert (ended, err) == (code, "")
    assert document_of(out)["addresses"] == []
    assert script.asked == []


def ports(*numbers: int) -> tuple[Port, ...]:
    return tuple(Port(Protocol.TCP, number) for number in numbers)


def test_what_is_asked_for(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """Usual ports, which may be closed, or those that were named; realms, families and patience."""
    run(capsys, "office=192.168.77.10", "--public", "203.0.113.10")
    run(capsys, "host.example.org", "-6", "-p", "8000,22", "--timeout", "0.5", "--retries", "1")
    (usual, timing, backends, none), (target, patience, _, named) = script.asked
    assert usual.ports == ports(22, 80, 443, 445, 3389)
    assert [address.realm for address in usual.addresses] == ["office", "public"]
    assert (timing, backends.raw, none) == (Timing(), None, frozenset())
    assert target.ports == ports(22, 8000)
    assert named == frozenset(target.ports)
    assert [str(address.ip) for address in target.addresses] == ["2001:db8::10"]
    assert target.addresses[0].name == "host.example.org"
    assert patience == Timing(timeout=0.5, retries=1)


def test_a_name_without_an_address_is_a_finding(
    script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other addresses are examined; the name is a failed check, and not all is well."""
    code, out, _ = run(capsys, "192.168.77.10", "lost.example.org", "vpn.example.org", "--json")
    document = document_of(out)
    assert (code, document["well"]) == (1, False)
    assert document["machine"][1:] == [
        {
            "check": "name lost.example.org",
            "status": "fail",
            "found": {"rule": "name-unresolved", "why": UNKNOWN, "text": ANY},
            "fix": None,
        },
        {
            "check": "name vpn.example.org",
            "status": "ok",
            "found": {"rule": "name-resolved", "addresses": ["10.88.0.10"], "text": ANY},
            "fix": None,
        },
    ]
    *found, lost = document["addresses"]
    assert [address["well"] for address in found] == [True, True]
    assert (lost["address"], lost["name"], lost["well"]) == (None, "lost.example.org", False)
    assert [cause["cause"] for cause in lost["causes"]] == ["dns"]
    assert len(script.asked) == 1


@pytest.mark.usefixtures("script")
def test_addresses_that_are_left_out_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its reason, once, but with -q; the others of the name are examined."""
    code, out, err = run(capsys, "blocked.example.org", "--json")
    assert [address["address"] for address in document_of(out)["addresses"]] == ["203.0.113.10"]
    assert (code, err.count("left out: blocked.example.org: 0.0.0.0 is not the address of one host")) == (
        0,
        1,
    )
    code, _, err = run(capsys, "blocked.example.org", "--watch")
    assert err.count("left out") == 1
    assert run(capsys, "blocked.example.org", "--quiet")[2] == ""


def test_no_address_at_all(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no name has an address, this machine is looked at, and each name has its cause."""
    code, out, err = run(capsys, "lost.example.org", "vpn=gone.example.org")
    assert (code, err) == (1, "")
    assert out.startswith("lost.example.org: the name gives a wrong address, or none")
    assert "\nThis machine\n" in out
    assert "\nlost.example.org  unknown\n" in out
    assert "\ngone.example.org  vpn  unknown\n" in out
    assert "dns: " in out
    assert script.asked == []


def test_interrupted(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str]) -> None:
    """What was found until Ctrl-C is printed, and the exit code is 130."""
    script.complete = False
    code, out, _ = run(capsys, "192.168.77.10")
    assert code == 130
    assert out.startswith("Interrupted")


BAD = [
    (["-p", "22"], 2, "give its address too"),
    (["10.88.0.10", "-p", "0x16"], 2, "0x16"),
    (["10.88.0.10", "5"], 2, "'5'"),
    (["10.88.0.10", "--watch", "0"], 2, "--watch 0"),
    (["10.88.0.10", "--watch", "-o", "report"], 2, "--watch and -o"),
    (["10.88.0.10", "-o", "/nowhere/at/all"], 2, "no folder"),
    (["10.88.0.10", "--timeout", "0"], 2, "--timeout 0"),
    (["10.88.0.10", "--engine", "raw"], 4, "CAP_NET_RAW"),
    (["lan="], 2, "no address follows"),
]


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(("argv", "code", "words"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_mistakes_are_one_line(
    argv: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code by the kind of mistake, one line on stderr that names it, nothing on stdout."""
    assert main(["doctor", *argv]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_a_file(script: ScriptedDoctor, capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    """`-o` writes the report there, plain, and stdout stays empty."""
    script.causes["10.88.0.10"] = [Cause.DNS]
    path = tmp_path / "report"
    code, out, _ = run(capsys, "10.88.0.10", "-o", str(path))
    assert (code, out) == (1, "")
    assert path.read_text().startswith("10.88.0.10  lan  clear\n  >99%  dns: ")


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(("variable", "coloured"), [("NO_COLOR", False), ("FORCE_COLOR", True)])
def test_colour(
    variable: str, *, coloured: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colour as the environment asks for it."""
    monkeypatch.setenv(variable, "1")
    assert ("\x1b[32m" in run(capsys, "10.88.0.10")[1]) is coloured


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`schema --doctor` prints a valid JSON Schema of the doctor's report."""
    assert main(["schema", "--doctor"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == "bindprobe.doctor/2"


@pytest.mark.parametrize("held", [False, True])
def test_who_reads_this_machine(*, held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this process gives up privileges, another one keeps those that reading takes."""
    dropped: list[bool] = []
    monkeypatch.setattr("probe.backends.privilege.held", lambda: held)
    monkeypatch.setattr("probe.backends.privilege.gain_none", lambda *_: None)
    monkeypatch.setattr("probe.backends.privilege.drop", lambda: dropped.append(True))
    with started(EngineRequest(Engine.CONNECT), Around(), examines=True) as session:
        reader = session.machine_reader()
        assert isinstance(reader, ReaderProcess) is held
        assert (session.backends.host._read_tunnels is not None) is held
        assert reader.machine().system == sys.platform
    with looking(Around()) as reader:
        assert isinstance(reader, ReaderProcess) is held
    assert len(dropped) == 2 * held
