"""The twelve first commands: each is on the page, and what it prints begins with the answer."""

import re

import pytest
from pages import DOCS

PAGE = (DOCS / "first-commands.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^(\$ .+\n(?:(?!\$ |```).*\n)+)", PAGE, re.MULTILINE)
ANSWER = re.compile(
    r"^(?:Exposed|Open|Closed|No answer): |^Nothing is open\.|^bindprobe: .+[:;] \S|^vpn [\d.]+: .+%\)",
    re.MULTILINE,
)


def test_there_are_twelve() -> None:
    """A host alone, slips, a URL, wrong names and addresses, no root, a router, filters, IPv6, a VPN."""
    assert len(TITLES) == 12
    assert {"No root", "A URL", "IPv6 only", "The router's address", "Everything is filtered"} <= set(TITLES)


@pytest.mark.parametrize("shown", COMMANDS, ids=lambda text: text.splitlines()[0][2:])
def test_its_first_three_lines_are_an_answer(shown: str) -> None:
    """What was found, or what to type instead."""
    assert ANSWER.search("\n".join(shown.splitlines()[1:4]))


def test_an_answer_further_down_would_be_seen() -> None:
    """A table is none, and neither is a hint alone."""
    assert len(COMMANDS) >= 14
    assert not ANSWER.search("port   lan   verdict\n22/tcp   open   undetermined")
    assert not ANSWER.search("no raw packets, so a forged reset looks like a real one: -v shows how")
