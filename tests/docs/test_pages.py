"""The pages show what the program prints: each command in them is run again, on a network in memory."""

import html
import re
from pathlib import Path

import pages
import pytest
from typed import typed

TOP = pages.TOP
NUMBERS = re.compile(r"[<>]?\d+(?:\.\d+)?%|\b\d+(?:\.\d+)? (?:ms|s)\b")  # probabilities and times
WIDTHS = re.compile(r"-{3,}|\s+")  # of columns, and where lines are broken
SHOWN = [*TOP.glob("*.md"), *pages.DOCS.glob("*.md")]
PROGRAM = re.compile(r"^(?:sudo )?(?:\.venv/bin/)?bindprobe (.+?)(?:\s+#.*)?$", re.MULTILINE)
LONGEST_README = 150


def without_numbers(text: str) -> str:
    """The text without probabilities, times, the width of columns, and what lays out a picture."""
    shown = re.sub(r"<style>.*?</style>|<[^<>]+>", " ", text, flags=re.DOTALL) if "</svg>" in text else text
    return WIDTHS.sub(" ", NUMBERS.sub("", html.unescape(shown)))


@pytest.mark.parametrize("path", pages.PATHS, ids=lambda path: path.name)
def test_a_page_is_up_to_date(path: Path) -> None:
    """`make docs` makes what it shows; probabilities may have moved since."""
    assert without_numbers(path.read_text(encoding="utf-8")) == without_numbers(pages.made(path))


def test_a_page_that_is_not_would_be_seen() -> None:
    """Another word in the output is made right, a probability is no difference."""
    block = "<!-- run in demo, 3 lines -->\n\n```console\n$ bindprobe 1.2.3.4 -p 99999\nall is well\n```\n"
    assert "all is well" not in pages.filled(block)
    assert "99999" in pages.filled(block)
    assert without_numbers("wildcard  91%") == without_numbers("wildcard >99%")
    assert without_numbers("wildcard 91%") != without_numbers("loopback 91%")


def test_every_flag_in_the_pages_is_one() -> None:
    """Commands that are shown without being run have no option that the program lacks."""
    help_of = {name: typed(f"bindprobe {name} --help").out for name in pages.COMMANDS if name != "lab"}
    for name in ("run", "list"):
        help_of[f"lab {name}"] = typed(f"bindprobe lab {name} --help").out
    checked = 0
    for path in SHOWN:
        for line in PROGRAM.findall(path.read_text(encoding="utf-8")):
            words = line.split()
            command = next((name for name in help_of if line.startswith(name)), "scan")
            flags = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
            known = help_of[command] + typed("bindprobe --help").out
            assert {flag for flag in flags if flag not in known} == set(), (path.name, line)
            checked += len(flags)
    assert checked > 20


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    """One goes through it in a minute; every page of the documentation can be reached from it."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_README
    linked = set(re.findall(r"\]\(([\w./-]+)\)|(?:src|srcset)=\"([\w./-]+)\"", text))
    paths = {one or other for one, other in linked}
    assert {path for path in paths if not (TOP / path).exists()} == set()
    assert {f"docs/{path.name}" for path in pages.DOCS.glob("*.md")} - paths == set()


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    """Relative to the page that has them."""
    links = re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
