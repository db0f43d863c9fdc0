"""Commands for the packet filter that is there: for the ports that were asked, and never for more."""

from ipaddress import ip_address

import pytest
from exam_builder import PORT
from test_diagnosis_tables import CASES, scene_of
from varied import replace

from probe.diagnosis.commands import Permit, accept_at_target, accept_in, ufw_allow_out
from probe.diagnosis.subject import ExamContext
from probe.diagnosis.table import CAUSES
from probe.model.binding import Via
from probe.model.diagnosis import Cause
from probe.model.fixes import FixRule
from probe.model.machine import Chain, Firewall, FirewallTool, Hook
from probe.model.probing import Reason
from probe.model.target import Port, Protocol

V4, V6 = ip_address("10.88.0.10"), ip_address("fd88::10")
KNOWN = "-m conntrack --ctstate ESTABLISHED"
FROM_V4, TO_V4 = "ip saddr 10.88.0.2", "ip daddr 10.88.0.10"
HERE, HERE6 = ip_address("10.88.0.2"), ip_address("fd88::2")
WEB, TLS, DNS = Port(Protocol.TCP, 80), Port(Protocol.TCP, 443), Port(Protocol.UDP, 53)
OUT = Chain("nft", "inet", "filter", "out", Hook.OUTPUT, ("drop",))
IN = Chain("nft", "ip6", "filter", "in", Hook.INPUT, ("drop",))
OLD_OUT = Chain("iptables", "ip", "filter", "OUTPUT", Hook.OUTPUT, ("-j DROP",))
OLD_IN = Chain("ip6tables", "ip6", "filter", "IN; x", Hook.INPUT, ("-j DROP",))
RICH = (
    '\'rule family="ipv4" source address="10.88.0.2" destination address="10.88.0.10"'
    ' port port="{}" protocol="tcp" accept\''
)
UFW, FIREWALLD, DOCKER = FirewallTool.UFW, FirewallTool.FIREWALLD, FirewallTool.DOCKER
NFT, IPTABLES = FirewallTool.NFT, FirewallTool.IPTABLES


@pytest.mark.parametrize(
    ("chain", "permit", "commands"),
    [
        (
            OUT,
            Permit(V4, (WEB, TLS, DNS), interface="wg0"),
            (
                f"nft 'insert rule inet filter out oifname \"wg0\" {TO_V4} tcp dport {{ 80, 443 }} accept'",
                f"nft 'insert rule inet filter out oifname \"wg0\" {TO_V4} udp dport 53 accept'",
            ),
        ),
        (OUT, Permit(V4), (f"nft 'insert rule inet filter out {TO_V4} accept'",)),
        (
            OUT,
            Permit(V4, interface='a"b'),
            (f"nft 'insert rule inet filter out {TO_V4} accept'",),
        ),
        (
            IN,
            Permit(V6, (DNS,)),
            ("nft 'insert rule ip6 filter in ip6 saddr fd88::10 udp sport 53 ct state established accept'",),
        ),
        (IN, Permit(V4), ()),
        (
            OLD_OUT,
            Permit(V4, (WEB, TLS), interface="wg 0"),
            ("iptables -I OUTPUT -o 'wg 0' -d 10.88.0.10 -p tcp -m multiport --dports 80,443 -j ACCEPT",),
        ),
        (
            OLD_IN,
            Permit(V6, (WEB,), interface="wg0"),
            (f"ip6tables -I 'IN; x' -i wg0 -s fd88::10 -p tcp --sport 80 {KNOWN} -j ACCEPT",),
        ),
        (OLD_OUT, Permit(V4), ("iptables -I OUTPUT -d 10.88.0.10 -j ACCEPT",)),
        (OLD_OUT, Permit(V6), ()),
    ],
)
def test_chains_of_this_machine(chain: Chain, permit: Permit, commands: tuple[str, ...]) -> None:
    """Probes pass on their way out, answers of connections that exist on their way in."""
    assert accept_in(chain, permit) == commands


@pytest.mark.parametrize(
    ("permit", "commands"),
    [
        (
            Permit(V4, (WEB, TLS), interface="wg0"),
            ("ufw allow out on wg0 proto tcp to 10.88.0.10 port 80,443",),
        ),
        (Permit(V6), ("ufw allow out to fd88::10",)),
    ],
)
def test_ufw_of_this_machine(permit: Permit, commands: tuple[str, ...]) -> None:
    """In its own words, so that it keeps the rule."""
    assert ufw_allow_out(permit) == commands


@pytest.mark.parametrize(
    ("tool", "commands"),
    [
        (UFW, ("ufw allow proto tcp from 10.88.0.2 to 10.88.0.10 port 80,443",)),
        (
            FIREWALLD,
            (f"firewall-cmd --add-rich-rule={RICH.format(80)} --add-rich-rule={RICH.format(443)}",),
        ),
        (
            NFT,
            (f"nft 'insert rule inet filter input {FROM_V4} {TO_V4} tcp dport {{ 80, 443 }} accept'",),
        ),
        (
            IPTABLES,
            ("iptables -I INPUT -s 10.88.0.2 -d 10.88.0.10 -p tcp -m multiport --dports 80,443 -j ACCEPT",),
        ),
        (
            DOCKER,
            tuple(
                "iptables -I DOCKER-USER -s 10.88.0.2 -p tcp -m conntrack --ctorigdst 10.88.0.10"
                f" --ctorigdstport {number} --ctdir ORIGINAL -j ACCEPT"
                for number in (80, 443)
            ),
        ),
    ],
)
def test_tools_of_the_target(tool: FirewallTool, commands: tuple[str, ...]) -> None:
    """From this machine alone, to the one address and the ports in trouble."""
    assert accept_at_target(tool, Permit(V4, (WEB, TLS), HERE)) == commands


@pytest.mark.parametrize("tool", FirewallTool)
def test_no_ports_no_commands(tool: FirewallTool) -> None:
    """Where no port is known to be in trouble, nothing is opened; IPv6 is asked for by its own tools."""
    assert accept_at_target(tool, Permit(V6, (), HERE6)) == ()
    (command,) = accept_at_target(tool, Permit(V6, (DNS,), HERE6))
    assert "fd88::2" in command
    assert "10.88" not in command
    assert "iptables" not in command.replace("ip6tables", "")


def dropping(case: str = "a filter of the target on the tunnel, for one port") -> ExamContext:
    return replace(scene_of(CASES[case]), named=frozenset({PORT}))


def tools(scene: ExamContext) -> list[FirewallTool]:
    fixes = CAUSES[Cause.TARGET_FIREWALL].fix(scene)
    return [one for fix in fixes if fix.rule is FixRule.ACCEPT_AT_TARGET for one in fix.firewalls]


def test_each_tool_once() -> None:
    """What the target has is not known: the usual ones, and Docker's where it forwards the port."""
    scene = dropping()
    assert tools(scene) == [UFW, FIREWALLD, NFT, IPTABLES]
    ports = tuple(replace(one, via=Via.FORWARD) for one in scene.verdict.ports)
    assert tools(replace(scene, verdict=replace(scene.verdict, ports=ports))) == [
        DOCKER,
        UFW,
        FIREWALLD,
        NFT,
        IPTABLES,
    ]


def test_a_prohibition_is_in_the_manner_of_firewalld() -> None:
    """It rejects as administratively prohibited: its command comes first."""
    scene = dropping()
    survey = scene.exam.survey
    rejected = tuple(replace(o, reason=Reason.ADMIN_PROHIBITED) for o in survey.observations)
    exam = replace(scene.exam, survey=replace(survey, observations=rejected))
    assert tools(replace(scene, exam=exam))[0] is FIREWALLD


def local(scene: ExamContext, chains: tuple[Chain, ...], *by: FirewallTool) -> list[str | None]:
    """The commands for this machine's own filter."""
    machine = replace(scene.machine, firewall=Firewall(chains, tools=by))
    return [fix.command for fix in CAUSES[Cause.LOCAL_FIREWALL].fix(replace(scene, machine=machine))]


def test_only_where_it_can_have_been_in_the_way() -> None:
    """Probes that did not leave were blocked on the way out, answers that came on the way in."""
    out, came = replace(OLD_OUT, tool="nft"), replace(IN, family="inet")
    kept = dropping("our own filter drops what leaves, and can be read")
    hidden = dropping("our own filter drops what comes")
    assert [command and "OUTPUT" in command for command in local(kept, (out, came))] == [True]
    assert [command and "filter in " in command for command in local(hidden, (out, came))] == [True]
    assert local(kept, (came,)) == [None]
    unknown = replace(kept, exam=replace(kept.exam, passage=None))
    assert len(local(unknown, (out, came))) == 2


def test_ufw_is_asked_for_what_it_keeps() -> None:
    """Its own output chain is opened by its own command, a chain beside it by the chain's tool."""
    kept = dropping("our own filter drops what leaves, and can be read")
    beside = replace(OUT, name="mine")
    found = local(kept, (OLD_OUT, beside), UFW)
    assert found[0] == "ufw allow out on vpn proto tcp to 10.88.0.10 port 8000"
    assert found[1] is not None
    assert found[1].startswith("nft 'insert rule inet filter mine ")
    of_other = replace(OLD_OUT, tool="ip6tables", family="ip6")
    assert local(kept, (of_other,), UFW) == [None]
