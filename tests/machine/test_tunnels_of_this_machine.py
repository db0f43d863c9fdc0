"""Whose each tunnel is, and why its peers are not known where they cannot be read."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

import pytest

from probe.machine import tun_programs, tunnels
from probe.machine.ip_json import MadeLink
from probe.machine.tools import ToolFailure, ToolOutput
from probe.model.facts import LinkKind
from probe.model.machine import Link, Tunnel, TunnelKind
from probe.model.unread import Unread, UnreadRule

WIREGUARD, OPENVPN = TunnelKind.WIREGUARD, TunnelKind.OPENVPN
TAILSCALE, OTHER = TunnelKind.TAILSCALE, TunnelKind.OTHER
KEY = "cTnQ5tOBtcHihKhTxS/GRHQZQ1mqypNgufd+d/ipAiA="
ABSENT = ToolOutput("", "not installed", ToolFailure.ABSENT)
SILENT = ToolOutput("")
DUMP = ToolOutput(f"wg0\t(none)\t{KEY}\t51820\toff\nwg0\t{KEY}\t(none)\t(none)\t10.8.0.0/24\t0\t0\t0\toff\n")
REFUSED = ToolOutput("", "Unable to access interface office: Permission denied\n", ToolFailure.NOT_PERMITTED)
STATUS = ToolOutput('{"BackendState": "Running", "Self": {"PublicKey": "nodekey:aa"}}')


def link(name: str, *addresses: str, maker: str | None = None, kind: LinkKind = LinkKind.TUNNEL) -> MadeLink:
    held = tuple(ip_interface(address) for address in addresses)
    return MadeLink(Link(name, kind, up=True, running=True, addresses=held), maker)


TAP = link("tap0", maker="tun", kind=LinkKind.ETHERNET)


class Tools:
    """The system's tools, scripted; it keeps what they were asked."""

    def __init__(self, wg: ToolOutput = ABSENT, tailscale: ToolOutput = ABSENT) -> None:
        self.answers = {"wg": wg, "tailscale": tailscale}
        self.asked: list[Sequence[str]] = []

    def ask(self, command: Sequence[str], keep: Callable[[str], str] = str) -> ToolOutput:
        self.asked.append(command)
        answer = self.answers[command[0]]
        return replace(answer, output=keep(answer.output))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine of which nothing is read: no programs at work, no control sockets, a user's rights."""
    monkeypatch.setattr(tunnels, "_CONTROL", tmp_path)
    monkeypatch.setattr(tun_programs, "kinds", lambda names: {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return monkeypatch


def seen(machine: pytest.MonkeyPatch, tools: Tools, *links: MadeLink) -> tuple[Tunnel, ...]:
    machine.setattr(tunnels, "ask", tools.ask)
    return tunnels.tunnels_of(links)


KINDS = [
    (link("wg0"), DUMP, WIREGUARD),
    (link("office"), REFUSED, WIREGUARD),
    (link("office", maker="wireguard"), ABSENT, WIREGUARD),
    (link("socket"), ABSENT, WIREGUARD),
    (link("wg7"), ABSENT, WIREGUARD),
    (link("WireGuard Tunnel"), ABSENT, WIREGUARD),
    (link("OpenVPN Wintun"), ABSENT, OPENVPN),
    (link("corp", maker="ovpn"), ABSENT, OPENVPN),
    (link("corp", maker="ovpn-dco"), ABSENT, OPENVPN),
    (link("held"), ABSENT, OPENVPN),
    (link("held", "100.64.0.5/32"), ABSENT, OPENVPN),
    (link("tailscale0"), ABSENT, TAILSCALE),
    (link("Tailscale"), ABSENT, TAILSCALE),
    (link("utun4", "100.101.102.103/32"), ABSENT, TAILSCALE),
    (link("utun4", "fd7a:115c:a1e0::5/128"), ABSENT, TAILSCALE),
    (link("wg0", "100.64.0.5/10"), DUMP, WIREGUARD),
    (link("tun0", maker="tun"), ABSENT, OTHER),
    (link("ppp0"), ABSENT, OTHER),
    (link("gre1", maker="gre"), ABSENT, OTHER),
    (TAP, ABSENT, None),
    (link("tap1", "100.64.0.5/10", kind=LinkKind.ETHERNET), ABSENT, None),
    (link("held", maker="tun", kind=LinkKind.ETHERNET), ABSENT, OPENVPN),
    (link("eth0", "192.0.2.5/24", kind=LinkKind.ETHERNET), DUMP, None),
    (link("lo", "127.0.0.1/8", kind=LinkKind.LOOPBACK), DUMP, None),
]


@pytest.mark.parametrize(("made", "wg", "kind"), KINDS)
def test_kinds(
    machine: pytest.MonkeyPatch, tmp_path: Path, made: MadeLink, wg: ToolOutput, kind: TunnelKind | None
) -> None:
    """The kernel's word and `wg` come first, then the programs at work, addresses and names."""
    (tmp_path / "socket.sock").touch()
    machine.setattr(tun_programs, "kinds", lambda names: {n: OPENVPN for n in names if n == "held"})
    found = seen(machine, Tools(wg), made)
    assert [tunnel.kind for tunnel in found] == ([] if kind is None else [kind])
    assert all(tunnel.link is made.link for tunnel in found)


def test_peers(machine: pytest.MonkeyPatch) -> None:
    """A WireGuard tunnel has its key and peers, and nothing is unread."""
    (found,) = seen(machine, Tools(DUMP), link("wg0"))
    assert (found.public_key, found.unread) == (KEY, None)
    assert found.peers is not None
    assert [str(network) for network in found.peers[0].allowed_ips] == ["10.8.0.0/24"]


def test_other_namespaces_interfaces_are_none_of_ours(machine: pytest.MonkeyPatch) -> None:
    """`wg` finds control sockets of other network namespaces: only this machine's links are reported."""
    assert [one.link.name for one in seen(machine, Tools(DUMP), link("tun0"))] == ["tun0"]


FAILED = ToolOutput("", "wg: out of memory", ToolFailure.FAILED)
NEEDS_ROOT = Unread(rule=UnreadRule.NEEDS_ROOT, tools=("wg",))
UNREAD = [
    (ABSENT, 1000, Unread(rule=UnreadRule.NO_TOOL, tools=("wg",))),
    (REFUSED, 1000, NEEDS_ROOT),
    (REFUSED, 0, NEEDS_ROOT),
    (SILENT, 1000, NEEDS_ROOT),
    (SILENT, 0, Unread(rule=UnreadRule.TOOL_FAILED, tools=("wg",), interface="office")),
    (
        FAILED,
        0,
        Unread(
            rule=UnreadRule.TOOL_FAILED, tools=("wg",), interface="office", complaints=("wg: out of memory",)
        ),
    ),
]


@pytest.mark.parametrize(("wg", "user", "expected"), UNREAD)
def test_unread_peers(machine: pytest.MonkeyPatch, wg: ToolOutput, user: int, expected: Unread) -> None:
    """Peers that could not be read are None, with the reason and what to do."""
    machine.setattr(os, "geteuid", lambda: user, raising=False)
    (found,) = seen(machine, Tools(wg), link("office", maker="wireguard"))
    assert (found.peers, found.public_key, found.unread) == (None, None, expected)


def test_tailscale(machine: pytest.MonkeyPatch) -> None:
    """Tailscale reports its state."""
    (found,) = seen(machine, Tools(tailscale=STATUS), link("tailscale0"))
    assert (found.state, found.peers, found.public_key, found.unread) == ("Running", (), "nodekey:aa", None)


@pytest.mark.parametrize(("answer", "complaints"), [(ABSENT, ("not installed",)), (ToolOutput("?"), ())])
def test_tailscale_that_does_not_answer(
    machine: pytest.MonkeyPatch, answer: ToolOutput, complaints: tuple[str, ...]
) -> None:
    """Without an answer of Tailscale its peers are not known, and the reason is kept."""
    (found,) = seen(machine, Tools(tailscale=answer), link("tailscale0"))
    unread = Unread(rule=UnreadRule.TOOL_FAILED, tools=("tailscale",), complaints=complaints)
    assert (found.state, found.peers, found.unread) == (None, None, unread)


def test_tools_are_asked_only_where_there_is_something_to_ask(machine: pytest.MonkeyPatch) -> None:
    """No tunnel, no question; no Tailscale, no question to it."""
    tools = Tools(DUMP)
    assert seen(machine, tools, link("eth0", kind=LinkKind.ETHERNET)) == ()
    assert tools.asked == []
    seen(machine, tools, link("wg0"), link("tun0"))
    assert tools.asked == [("wg", "show", "all", "dump")]


def test_one_tunnel(machine: pytest.MonkeyPatch) -> None:
    """One tunnel is read by itself: its dump does not name it."""
    tools = Tools(ToolOutput(DUMP.output.replace("wg0\t", "")))
    machine.setattr(tunnels, "ask", tools.ask)
    machine.setattr(tunnels, "read_links", lambda name: (link("wg0"),) if name == "wg0" else ())
    found = tunnels.tunnel("wg0")
    assert found is not None
    assert (found.kind, found.public_key) == (WIREGUARD, KEY)
    assert tools.asked == [("wg", "show", "wg0", "dump")]
    assert tunnels.tunnel("gone") is None
