"""Whose a tun device is, by the programs at work."""

import os
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from probe.machine import tun_programs
from probe.machine.tun_programs import Holder, devices_in
from probe.model.machine import TunnelKind

OPENVPN, WIREGUARD = TunnelKind.OPENVPN, TunnelKind.WIREGUARD

# program, its words, devices that the kernel names, device, held
HOLDERS = [
    (OPENVPN, "openvpn --dev corp --dev-type tun", None, "corp", True),
    (OPENVPN, "openvpn --dev corp --dev-type tun", None, "tun0", False),
    (OPENVPN, "openvpn --dev tun --remote 192.0.2.1", None, "tun3", True),
    (OPENVPN, "openvpn --dev tun --remote 192.0.2.1", None, "tap3", False),
    (OPENVPN, "openvpn --dev tap", None, "tap0", True),
    (OPENVPN, "openvpn --config client.conf", None, "tun0", True),
    (OPENVPN, "openvpn --config client.conf", None, "tap0", True),
    (OPENVPN, "openvpn --config client.conf", None, "vmnet0", False),
    (OPENVPN, "openvpn --dev", None, "tun0", True),
    (OPENVPN, "openvpn --dev tun0", {"tun1"}, "tun1", True),
    (OPENVPN, "openvpn --dev tun0", {"tun1"}, "tun0", False),
    (OPENVPN, "openvpn --dev tun0", set(), "tun0", False),
    (WIREGUARD, "wireguard-go wg0", None, "wg0", True),
    (WIREGUARD, "wireguard-go -f wg0", None, "wg0", True),
    (WIREGUARD, "boringtun-cli wg0 -f", None, "wg0", True),
    (WIREGUARD, "wireguard-go wg0", None, "wg1", False),
    (WIREGUARD, "wireguard-go", None, "tun0", False),
    (WIREGUARD, "", None, "tun0", False),
]


@pytest.mark.parametrize(("kind", "words", "devices", "device", "held"), HOLDERS)
def test_holders(kind: TunnelKind, words: str, devices: set[str] | None, device: str, held: object) -> None:
    """The kernel's word counts, then the command line, then what the program would call it."""
    known = None if devices is None else frozenset(devices)
    assert Holder(kind, tuple(words.split()), known).holds(device) is held


FDINFO = [
    ("pos:\t0\nflags:\t0100002\nmnt_id:\t25\nino:\t127\niff:\twg0\n", ["wg0"]),
    ("pos:\t0\niff:\t\n", []),
    ("pos:\t0\n", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "devices"), FDINFO)
def test_open_files(text: str, devices: list[str]) -> None:
    """The kernel names the device of each open /dev/net/tun."""
    assert devices_in(text) == devices


def process(pid: int, name: str | None, *words: str) -> Any:
    return SimpleNamespace(pid=pid, info={"name": name, "cmdline": list(words) or None})


def test_programs_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only VPN programs are looked at; processes that are not named or have no words do no harm."""
    gone = 2**22 + 1  # above the greatest process number: nothing is to be read of it
    running = [
        process(gone, None),
        process(gone, "python", "--dev", "tun7"),
        process(gone, "openvpn", "openvpn", "--dev", "tun0"),
        process(gone, "wireguard-go"),
    ]
    monkeypatch.setattr(psutil, "process_iter", lambda attrs: iter(running))
    assert tun_programs.kinds(["tun0", "tun7"]) == {"tun0": OPENVPN}


def test_a_process_that_may_be_read_holds_what_the_kernel_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """This very process holds no device, whatever it were called."""
    monkeypatch.setattr(
        psutil,
        "process_iter",
        lambda attrs: iter([process(os.getpid(), "openvpn", "openvpn", "--dev", "tun0")]),
    )
    expected = {} if tun_programs._devices(os.getpid()) is not None else {"tun0": OPENVPN}
    assert tun_programs.kinds(["tun0"]) == expected
