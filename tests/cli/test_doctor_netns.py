"""The doctor by the command line, between real kernels with a real tunnel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from probe.lab.netns import enter
from probe.lab.netns.tunnels import vpn_available
from probe.lab.scenario import VpnKind
from probe.report.schema import doctor_schema

pytestmark = pytest.mark.netns

TOP = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("run_in_a_world.py")
ADDRESSES = ("--lan", "192.168.77.10", "--vpn", "10.88.0.10")


def doctor(scenario: str, *flags: str) -> subprocess.CompletedProcess[str]:
    why_not = enter.available() or vpn_available(VpnKind.WIREGUARD)
    if why_not is not None:
        pytest.skip(why_not)
    command = [sys.executable, str(SCRIPT), scenario, "doctor", *ADDRESSES, "-p", "22", *flags]
    env = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(command, env=env, cwd=TOP, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_a_tunnel_is_read_whoever_has_the_privileges(engine: str) -> None:
    """WireGuard's peers are read, also where raw sockets have taken the privileges from the prober."""
    done = doctor("vpn-key-not-known", "--engine", engine, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    Draft202012Validator(doctor_schema()).validate(document)
    (tunnel,) = [one for one in document["machine"] if one["check"] == "tunnel vpn"]
    assert tunnel["status"] == "warn"
    assert [peer["handshake"] for peer in tunnel["found"]["peers"]] == ["never"]
    assert [one["causes"][0]["cause"] for one in document["addresses"]] == ["none", "handshake-never"]


def test_a_scan_reads_tunnels_without_its_privileges() -> None:
    """A scan with raw packets names a tunnel that is down, although it could not read it any more itself."""
    why_not = enter.available() or vpn_available(VpnKind.WIREGUARD)
    if why_not is not None:
        pytest.skip(why_not)
    flags = ("scan", *ADDRESSES, "-p", "22", "--engine", "raw", "--retries", "0", "--json")
    command = [sys.executable, str(SCRIPT), "vpn-key-not-known", *flags]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=120, check=True)
    lan, vpn = json.loads(done.stdout)["addresses"]
    assert (lan["condition"], vpn["condition"]) == ("clear", "tunnel-down")


def test_watch_sees_the_cure() -> None:
    """The tunnel's interface is off; once the printed command has run, one line reports it and it is well."""
    done = doctor("vpn-switched-off", "--watch", "0.5")
    assert (done.returncode, done.stderr) == (130, "")
    report, _, after = done.stdout.partition(" well; ")
    assert "tunnel-down" in report
    changes = [line[10:] for line in after.splitlines()[1:]]
    assert changes[-1] == "10.88.0.10  tunnel-down -> none"
    assert "tunnel vpn  fail -> ok" in changes
