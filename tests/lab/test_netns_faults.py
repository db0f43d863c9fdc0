"""Each trouble in a network of real hosts: what sockets and ping meet there."""

from typing import Any

import netns_tasks
import pytest

pytestmark = pytest.mark.netns

SERVICE = {"listen": [{"port": 80, "bind": "::", "serves": "greet"}]}
GREETED = "b'220 ready\\r\\n'"
WELL = "reply", GREETED
SILENT = "silence", "TimeoutError"
CHECKS = {**SERVICE, "strict_reverse_path": True}
FORWARDED = [
    {"port": 80, "bind": "127.0.0.1", "serves": "greet"},
    {"port": 80, "bind": "vpn", "serves": "forward"},
]

# A scenario; then for each address what ping and a connection bring, and by which link they go.
MET: dict[str, tuple[dict[str, Any], dict[str, tuple[str, str, str]]]] = {
    "no way back": (
        {"target": {**SERVICE, "no_way_back": ["vpn"]}},
        {"lan": (*WELL, "lan"), "vpn": (*SILENT, "vpn"), "vpn6": (*SILENT, "vpn")},
    ),
    "the target's way back is another link": (
        {"target": {**SERVICE, "replies_by": {"vpn": "lan"}}},
        {"lan": (*WELL, "lan"), "vpn": (*WELL, "vpn")},
    ),
    "and it checks the reverse path": (
        {"target": {**CHECKS, "replies_by": {"vpn": "lan"}}},
        {"lan": (*WELL, "lan"), "vpn": (*SILENT, "vpn")},
    ),
    "a reverse path that is right": ({"target": CHECKS}, {"lan": (*WELL, "lan"), "vpn": (*WELL, "vpn")}),
    "clients are kept apart": (
        {"target": SERVICE, "links": {"lan": {"isolates": True}}},
        {
            "lan": (*SILENT, "lan"),
            "lan6": (*SILENT, "lan"),
            "192.168.77.1": ("reply", "ConnectionRefusedError", "lan"),
            "fd77::1": ("reply", "ConnectionRefusedError", "lan"),
            "vpn": (*WELL, "vpn"),
        },
    ),
    "another host at home": (
        {"target": SERVICE, "elsewhere": ["vpn", "vpn6"]},
        {
            "lan": (*WELL, "lan"),
            "vpn": ("reply", "ConnectionRefusedError", "home"),
            "vpn6": ("reply", "ConnectionRefusedError", "home"),
        },
    ),
    "past its link": (
        {"target": SERVICE, "prober": {"routes": {"vpn": "public"}}},
        {
            "lan": (*WELL, "lan"),
            "vpn": ("198.51.100.1: Destination Net Unreachable", "OSError", "public"),
            "vpn6": (*WELL, "vpn"),
        },
    ),
    "a forwarder": (
        {"target": {"listen": FORWARDED}},
        {"lan": ("reply", "ConnectionRefusedError", "lan"), "vpn": (*WELL, "vpn")},
    ),
    "a forwarder with nothing behind it": (
        {"target": {"listen": FORWARDED[1:]}},
        {"vpn": ("reply", "ConnectionResetError", "vpn")},
    ),
}


@pytest.mark.parametrize("case", MET)
def test_what_is_met(case: str) -> None:
    """The right addresses answer, the others fail in the way of their trouble."""
    given, expected = MET[case]
    symbols = [symbol for symbol in expected if symbol.isalnum()]
    found = netns_tasks.run("met", {"addresses": symbols, **given}, list(expected), 80)
    assert {symbol: tuple(seen) for symbol, seen in found.items()} == expected


HOLDS = {"listen": [{"port": 80, "bind": "::"}]}
NARROW = {"router": {"narrow": 1280}, "target": HOLDS}
SWALLOWS = {"target": {**HOLDS, "swallows_above": {"vpn": 1300}}}

# A scenario, an address; whether full segments and small ones arrive, and what size the path reported.
CARRIED: dict[str, tuple[dict[str, Any], str, tuple[bool, bool, int | None]]] = {
    "nothing in the way": ({"target": HOLDS}, "vpn", (True, True, None)),
    "long packets vanish": (SWALLOWS, "vpn", (False, True, None)),
    "long packets vanish, IPv6": (SWALLOWS, "vpn6", (False, True, None)),
    "on this link alone": (SWALLOWS, "lan", (True, True, None)),
    "a router reports its size": (NARROW, "public", (True, True, 1280)),
    "a router reports its size, IPv6": (NARROW, "public6", (True, True, 1280)),
}


@pytest.mark.parametrize("case", CARRIED)
def test_what_is_carried(case: str) -> None:
    """Full segments arrive or stall, small ones arrive."""
    given, symbol, (full, small, mtu) = CARRIED[case]
    found = netns_tasks.run("carried", {"addresses": ["lan", symbol], **given}, symbol, 80, 1000)
    assert (found["full"] == 0, found["small"] == 0, found["mtu"]) == (full, small, mtu)


def test_names_are_the_worlds_own() -> None:
    """The C library asks the first name server; each answers what it was given, and no other name."""
    name = "box.vpn.example"
    given = {"addresses": ["lan"], "prober": {"names": [{name: "public"}, {name: "vpn6"}]}}
    found = netns_tasks.run("looked_up", given, name)
    assert found == {
        "system": {name: "203.0.113.10", "localhost": "127.0.0.1", "unknown.example": "EAI_NONAME"},
        "asked": {"198.18.53.10": ["203.0.113.10"], "198.18.53.11": ["fd88::10"]},
    }
