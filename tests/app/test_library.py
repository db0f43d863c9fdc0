"""The public interface: what can be imported, what it costs, and that it stays a guest in its process."""

import ast
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

import probe
from probe import Facts, Target, Timing, infer, load, measure, render, scan
from probe.app.session import Backends, Session
from probe.errors import BackendError, NothingMeasuredError, PrivilegeError, UsageError
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.measurement import Measurement
from probe.report.as_json import render_json

TOP = Path(__file__).parents[2]
DEMO = Target(lan="192.168.77.10", vpn="10.88.0.10", public="203.0.113.10", ports="443,8000", running="5432")


@pytest.fixture
def backends() -> Iterator[Backends]:
    """A network in memory."""
    with open_world(find_scenario("demo"), "sim") as world:
        yield backends_of(world, "connect")


def test_all_of_it_is_there() -> None:
    """Every public name is imported from its home, and has the docstring that a reader needs."""
    for name in probe.__all__:
        value = getattr(probe, name)
        assert name == "__version__" or value is getattr(import_module(probe._HOMES[name]), name)
        assert isinstance(value, str) or value.__doc__
    assert set(probe._HOMES) == {*probe.__all__} - {"__version__"}
    assert set(dir(probe)) >= set(probe.__all__)
    with pytest.raises(AttributeError, match="no attribute 'scam'"):
        _ = probe.scam


def test_types_are_those_of_the_program() -> None:
    """A type checker reads the same names from the same homes, and the package declares that it has types."""
    tree = ast.parse((TOP / "probe" / "__init__.py").read_text(encoding="utf-8"))
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    found = {alias.name: node.module for node in typed.body for alias in node.names}
    assert found == probe._HOMES
    assert (TOP / "probe" / "py.typed").is_file()


def test_importing_loads_nothing() -> None:
    """`import probe` loads its version alone."""
    code = "import sys; import probe; print(*[name for name in sys.modules if name.startswith('probe')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"probe", "probe.version"}


SCRIPT = """
import signal, sys
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
from probe import Target, scan
{script}
assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
"""


def ran(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(script=script)]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60, check=False)


def test_a_script_asserts_a_binding() -> None:
    """On loopback, by this machine's sockets: nothing is printed, no signal is taken over."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        script = f"""
target = Target(lan="127.0.0.1", public="127.0.0.3", ports="{port}")
report = scan(target, engine="connect")
assert report.port({port}).candidates[0].binding == "wildcard", report.port({port})
"""
        done = ran(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_check_up_on_loopback() -> None:
    """The doctor is as quiet, and leaves the privileges of the process alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"""
import os
from probe import doctor
held = open("/proc/self/status").read() if os.path.exists("/proc/self/status") else ""
report = doctor(Target("127.0.0.1", ports="{server.getsockname()[1]}"), engine="connect")
assert report.addresses[0].well, report
for line in held.splitlines():
    assert not line.startswith(("Cap", "Uid", "NoNewPrivs")) or line in open("/proc/self/status").read(), line
"""
        done = ran(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_scan_is_a_measurement_judged(backends: Backends) -> None:
    """`infer` of what `measure` brings has the verdicts of `scan`, byte by byte where the scan is saved."""
    report = scan(DEMO, backends=backends)
    assert [row.port for row in report.ports] == [443, 5432, 8000]
    assert report.port(8000).bound_to == ("192.168.77.10",)
    assert report.port(5432).binding == "loopback"
    again = infer(report.measurements, report.facts)
    assert [one.candidates for one in again.ports] == [one.candidates for one in report.ports]


def test_a_second_vantage_is_data(backends: Backends) -> None:
    """Two measurements with names of their own; the same name twice would count every answer twice."""
    home, office = (measure(DEMO, backends=backends, vantage=name) for name in ("home", "office"))
    assert isinstance(home, Measurement)
    both = infer([home, office], Facts(running="5432"))
    assert {one.vantage for one in both.port(443).observations} == {"home", "office"}
    assert both.port(443).binding == "wildcard"
    assert infer(home).port(443).binding == "wildcard"
    with pytest.raises(UsageError, match="two measurements are of the vantage 'home'"):
        infer([home, home])
    with pytest.raises(UsageError, match="the measurement of 'home' is of version 2; this bindprobe reads 1"):
        infer([msgspec.structs.replace(home, version=2), office])
    with pytest.raises(UsageError, match="no measurements"):
        infer([])


def test_saved_and_loaded(backends: Backends, tmp_path: Path) -> None:
    """What is rendered as JSON is read back as it was; every format renders."""
    report = scan(DEMO, backends=backends)
    path = tmp_path / "report.json"
    path.write_text(render(report))
    assert render(load(path)) == path.read_text() == render_json(report)
    for form in ("ndjson", "csv", "md", "table", "picture"):
        assert "8000" in render(report, form)
    assert len(render(report, "table", detail=True)) > len(render(report, "table"))
    with pytest.raises(UsageError, match="no format 'no-such'"):
        render(report, "no-such")


def test_the_doctors_formats() -> None:
    """Two of them; another is an error that names these."""
    with open_world(find_scenario("demo"), "sim") as world:
        session = Session(backends_of(world, "connect"), reader=world.reader)
        found = probe.doctor(Target(lan="192.168.77.10", ports="443"), session=session)
    assert "192.168.77.10" in render(found, "table")
    assert render(found).startswith("{")
    with pytest.raises(UsageError, match="no format csv: choose table or json"):
        render(found, "csv")


WRONG = {
    "no address": (Target, UsageError, "no address given"),
    "a realm": (lambda: Target("9x=10.0.0.1"), UsageError, "a realm is a word"),
    "a port": (lambda: Target("127.0.0.1", ports="0x16"), UsageError, "0x16"),
    "two realms": (lambda: Target(lan="127.0.0.1", vpn="127.0.0.1"), UsageError, "one realm"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_errors_of_the_project(name: str, backends: Backends) -> None:
    """Each is raised, and names what is wrong."""
    make, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        scan(make(), backends=backends)


def test_an_engine_that_there_is_not() -> None:
    """Named with those that there are, before anything is opened."""
    with pytest.raises(UsageError, match="no engine 'telepathy': choose auto, connect, raw"):
        scan(DEMO, engine="telepathy")


def test_raw_packets_that_are_not_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by name they are an error; nothing is sent instead."""
    monkeypatch.setattr("probe.backends.privilege.missing", lambda: "CAP_NET_RAW is missing")
    with pytest.raises(PrivilegeError, match="CAP_NET_RAW"):
        scan(DEMO, engine="raw")


def test_no_free_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine refuses is an error of the project too, and all that was open is closed."""

    def refuse(**_: object) -> None:
        raise BackendError("no file descriptors")

    monkeypatch.setattr("probe.backends.connect.ConnectBackend", refuse)
    with ExitStack() as stack, pytest.raises(BackendError, match="no file descriptors"):
        stack.enter_context(probe.open_session("connect"))


def test_a_name_without_an_address(backends: Backends) -> None:
    """A scan can measure nothing, which is an error and no report; the doctor has a cause for it."""
    with pytest.raises(NothingMeasuredError, match=r"lost\.example\.org cannot be looked up"):
        scan(Target("lost.example.org"), backends=backends)
    session = Session(backends)
    found = probe.doctor(Target("lost.example.org"), session=session)
    assert [(one.address, one.name, one.causes[0].cause) for one in found.addresses] == [
        (None, "lost.example.org", "dns")
    ]


@pytest.mark.parametrize(
    "wrong", [{"timeout": 0}, {"timeout": 61}, {"timeout": float("nan")}, {"retries": -1}, {"rate": 0}]
)
def test_patience_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    """A number that would wait for ever, or not at all, is refused where it is given."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Timing(**wrong)
