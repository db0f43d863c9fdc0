"""Help: examples first, options in groups, and the words of a report explained."""

from ipaddress import ip_interface

import pytest

from probe.cli.main import COMMANDS, main
from probe.cli.notices import hint, offer_tunnels
from probe.machine.interfaces import Interface
from probe.model.facts import LinkKind
from probe.model.target import ResolvedTarget, TargetAddress


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"lab", "schema"}))
def test_help_opens_with_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first option; each fits a screen and is a line of its own, to be copied."""
    assert main([command, "--help"]) == 0
    head = capsys.readouterr().out.partition(":\n")[0].splitlines()
    examples = [line.strip() for line in head if line.startswith("    ") and "bindprobe" in line]
    assert len(examples) == 2
    assert all(len(line) <= 76 for line in examples)


def test_options_stand_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """Each heading once, and every option below one of them; what has none comes last."""
    main(["scan", "--help"])
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Target:", "Ports:", "Probing:", "Way out:", "Output:", "Options:"]
    assert lines.index("Target:") < next(n for n, line in enumerate(lines) if "--lan A" in line)


@pytest.mark.parametrize(
    ("topic", "word"),
    [
        ("verdicts", "loopback-or-not-listening"),
        ("conditions", "turned-away"),
        ("causes", "not-in-allowed-ips"),
        ("ports", "T:22,U:53"),
        ("scan", "--top-ports"),
    ],
)
def test_help_on_a_topic(topic: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Words and their meanings, or a command's help."""
    assert main(["help", topic]) == 0
    assert word in capsys.readouterr().out


def test_help_alone_and_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a topic that of the program; one that there is not is a usage error."""
    assert main(["help"]) == 0
    assert "doctor" in capsys.readouterr().out
    assert main(["help", "verdict"]) == 2
    assert "choose verdicts, conditions, causes, ports" in capsys.readouterr().err


def test_why_no_raw_packets_is_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole with -v, nothing with -q or where nothing is missing."""
    hint("long", quiet=False)
    assert len(short := capsys.readouterr().err) <= 100
    assert "-v shows how" in short
    hint("the command", quiet=False, detail=True)
    assert "the command" in capsys.readouterr().err
    hint("long", quiet=True)
    hint(None, quiet=False)
    assert capsys.readouterr().err == ""


def link(name: str, address: str, kind: LinkKind = LinkKind.TUNNEL, **more) -> Interface:
    return Interface(name, kind, 1420, (ip_interface(address),), **more)


def target(realm: str, address: str) -> ResolvedTarget:
    return ResolvedTarget((TargetAddress(ip_interface(address).ip, realm),), ())


LAN = target("lan", "192.168.1.20")
WG = link("wg0", "10.8.0.2/24")


def unread() -> tuple[Interface, ...]:
    raise AssertionError("interfaces are read only where a tunnel may be offered")


@pytest.mark.parametrize(
    ("given", "links", "shown"),
    [
        (LAN, (WG,), "tunnel wg0 leads to 10.8.0.0/24: add --vpn ADDRESS"),
        (LAN, (link("wg0", "10.8.0.2/32"),), "tunnel wg0 is up, with 10.8.0.2: add --vpn"),
        (target("vpn", "10.8.0.20"), (WG,), ""),
        (target("loopback", "127.0.0.1"), (WG,), ""),
        (target("lan", "10.8.0.20"), (WG,), ""),  # it is given already, as another realm
        (LAN, (link("wg0", "10.8.0.2/24", up=False),), ""),
        (LAN, (link("wg0", "fe80::1/64"),), ""),
        (LAN, (link("eth0", "10.8.0.2/24", LinkKind.ETHERNET),), ""),
    ],
)
def test_a_tunnel_of_this_machine_is_offered(given, links, shown, capsys) -> None:
    """Where no VPN address was given, and not with -q."""
    offer_tunnels(given, lambda: links, quiet=False)
    err = capsys.readouterr().err
    assert shown in err
    assert bool(err) is bool(shown)
    offer_tunnels(given, unread, quiet=True)
    assert capsys.readouterr().err == ""
