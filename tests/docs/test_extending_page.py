"""The page on extending: what its recipes name is there, where they name it."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "extending.md").read_text(encoding="utf-8")
MOST_LINES = 150

QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"^(?:probe|tests|scenarios)/[\w/.-]+$")
TEST = re.compile(r"^(?:(tests/[\w/]+\.py))?::(test_\w+)$")
SYMBOL = re.compile(r"^(?:_?[A-Z]\w*[a-z]\w*|_?[A-Z][A-Z_]+)$")
PLACEHOLDERS = {"scenarios/NAME.yaml"}


def sections(page: str) -> dict[str, str]:
    """The text of each section by its title."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def missing(section: str) -> list[str]:
    """Files that are not there, tests that their file lacks, symbols that no file of the section has."""
    quoted = QUOTED.findall(section)
    files = [one for one in quoted if FILE.match(one) and one not in PLACEHOLDERS]
    sources = [text_of(one) for one in files]
    absent = [one for one in files if not (TOP / one).exists()]
    absent += [
        one for one in quoted if SYMBOL.match(one) and not any(is_named(one, source) for source in sources)
    ]
    tests = [match for one in quoted if (match := TEST.match(one))]
    beside = ""
    for test in tests:
        beside = test[1] or beside  # `::test_name` alone is of the file before
        if f"def {test[2]}(" not in text_of(beside):
            absent.append(test[0])
    return absent


def text_of(path: str) -> str:
    """A file's text; of a directory, or where there is none, nothing."""
    return (TOP / path).read_text(encoding="utf-8") if (TOP / path).is_file() else ""


def is_named(symbol: str, source: str) -> bool:
    """Whether a source has a class or a table of this name, or imports it to use it."""
    has = rf"^(?:class {symbol}\b|{symbol}\b.*=|(?:from \S+ )?import .*\b{symbol}\b)"
    return re.search(has, source, re.MULTILINE) is not None


@pytest.mark.parametrize("title", sections(PAGE))
def test_what_a_recipe_names_is_there(title: str) -> None:
    """Each file, and each symbol in one of the files that its recipe names."""
    section = sections(PAGE)[title]
    assert missing(section) == []
    assert any(FILE.match(one) for one in QUOTED.findall(section))


def test_what_is_gone_would_be_seen() -> None:
    """A file, a symbol, a test, and a symbol that stands in another file than those named."""
    gone = "probe/report/" + "gone.py"
    assert missing(f"`{gone}`") == [gone]
    assert missing("`probe/report/formats.py`: `Form`, `Gone`, `KINDS`") == ["Gone", "KINDS"]
    here = "tests/docs/test_extending_page.py"
    assert missing(f"`{here}::test_gone`") == [f"{here}::test_gone"]
    assert missing(f"`{here}::test_what_is_gone_would_be_seen`, `::test_gone`") == ["::test_gone"]


def test_the_page_is_short_and_linked() -> None:
    """Whoever works on the program finds it, and can read it in one go."""
    assert len(PAGE.splitlines()) < MOST_LINES
    for page in ("CONTRIBUTING.md", "docs/architecture.md"):
        assert "extending.md)" in (TOP / page).read_text(encoding="utf-8")
