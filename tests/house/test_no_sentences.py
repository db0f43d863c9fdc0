"""Words come last: no sentence is written in the rooms that measure and conclude; they make values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[2] / "probe"
ROOMS = ("backends", "diagnosis", "engine", "inference", "machine", "model", "services", "wire")
PROSE = re.compile(r"[A-Za-z]+[,:;]? [A-Za-z]{2,}")  # two words in a row

# How texts begin that may look like prose there, by the reason why they may.
ALLOWED = {
    "labels of a program for the kernel": ("upper end", "quoted echo"),
    "a bit of a table's key": ("at once",),
    "comments of packets in a capture file": (
        "ARP request",
        "echo request",
        "who has {address}",
    ),
    "an HTTP request": ("User-Agent: bindprobe", "Connection: close"),
    "what the system's tools are called": ("docker ps",),
    "what the system's tools write": (
        "policy drop",
        "reject with",
        "limit rate ",
        "permission denied",
        "must be root",
        "are you root",
        "requires root",
        r"Unable to access interface (\S+): ",
    ),
    "what services write to a peer that they do not serve": (r"\bnot allowed\b|\bnot permitted\b",),
    "the protocol of Redis": ("-(?:ERR ",),
    "why raw packets cannot be sent, an error for the user": (
        "raw packets are sent on Linux only: ",
        "raw packets need CAP_NET_RAW",
        "this system has no sockets for raw packets (",
        "); use the connect engine",
    ),
    "names of checks": ("raw packets", "open files", "reverse path filter", "name resolution"),
    "commands for a shell": (
        "sysctl -w ",
        "tailscale up",
        "ip link set ",
        "ip route replace ",
        "wg set ",
        " peer PUBLIC_KEY endpoint ",
        '"$(ip -o addr show to ',
        "$(ip route get ",
        "$(wg show all ",
        "insert rule ",
        "ct state established accept",
        " -j ACCEPT",
        "-j ACCEPT",
        " -I INPUT ",
        " -I DOCKER-USER ",
        "-m multiport --",
        "-m conntrack --ctstate ",
        " -m conntrack ",
        " --ctdir ORIGINAL",
        "ufw allow ",
        "source address=",
        '" destination address=',
        " port port=",
    ),
    "what a tool of this system complained of, an error for the user": (
        "the process that reads this machine has ended",
        "the registry",
        "not permitted",
        "not installed",
        " is not installed",
        "exit code ",
        " took longer than ",
    ),
}
BEGINNINGS = tuple(text for texts in ALLOWED.values() for text in texts)


def files() -> list[Path]:
    """Every file of the rooms."""
    rooms = [PROBE / room for room in ROOMS]
    return [path for room in rooms for path in (room.rglob("*.py") if room.is_dir() else [room])]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of what reads like prose; docstrings, descriptions of fields and what is raised aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside = {inside for node in ast.walk(tree) for inside in _aside(node)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node not in aside and PROSE.search(node.value):
            yield node.lineno, node.value


def _aside(node: ast.AST) -> Iterator[ast.AST]:
    describes = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Meta"
    if isinstance(node, ast.Raise) or describes:
        yield from ast.walk(node)
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PROBE)))
def test_no_sentence_is_written_where_values_are_made(path: Path) -> None:
    """Sentences stand in `explain`; what else looks like one has its reason in the list."""
    assert [found for found in prose(path) if not found[1].startswith(BEGINNINGS)] == []


def test_every_exception_is_needed() -> None:
    """A text that is gone leaves the list too."""
    written = [text for path in files() for _, text in prose(path)]
    assert [one for one in BEGINNINGS if not any(text.startswith(one) for text in written)] == []


def test_a_sentence_would_be_seen(tmp_path: Path) -> None:
    """In plain literals and in the parts of f-strings, beside docstrings and errors."""
    path = tmp_path / "room.py"
    path.write_text(
        '"""Docstrings are prose."""\n'
        'def name(where):\n    """So is this."""\n    return f"refused on {where} by a filter"\n'
        'def fail():\n    raise ValueError("errors may be prose")\n'
        'Sender = Annotated[str, Meta(description="Who reports it.")]\n'
        'RULE = "refused-like-controls"\nWORDS = ("silent", "bound to loopback")\n'
    )
    assert [text for _, text in prose(path)] == ["bound to loopback", "refused on ", " by a filter"]
