"""What texts cite is there: modules and names in docstrings, comments and the pages of the documentation."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from pure import TOP

ROOMS = "|".join(sorted(path.name for path in (TOP / "probe").iterdir() if (path / "__init__.py").exists()))
CITED = re.compile(rf"`(?:probe\.)?((?:{ROOMS})(?:\.\w+)+)`|`(probe/[\w/]+(?:\.py)?)`")
PAGES = [*(TOP / "docs").glob("*.md"), *TOP.glob("*.md")]
FILES = [*(TOP / "probe").rglob("*.py"), *(TOP / "tests").rglob("*.py"), *PAGES]
FILES.remove(Path(__file__))  # it cites what is gone


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of the program, or a name in one."""
    module, _, last = f"probe.{name}".rpartition(".")
    try:
        return hasattr(import_module(module), last) or find_spec(f"{module}.{last}") is not None
    except ModuleNotFoundError:
        return False


def missing(text: str) -> list[str]:
    cited = CITED.findall(text)
    absent = [name for name, _ in cited if name and not is_there(name)]
    return absent + [
        path for _, path in cited if path and not any((TOP / f"{path}{end}").exists() for end in ("", ".py"))
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TOP)))
def test_what_is_cited_is_there(path: Path) -> None:
    """No module is cited that has moved or gone."""
    assert missing(path.read_text(encoding="utf-8")) == []


def test_what_is_gone_would_be_seen() -> None:
    """With and without the package's name, as a path, and a name within a module."""
    assert missing("`probe.engine.scan`, `engine.scan.Scan` and `probe/cli/main.py`") == []
    gone = "`probe.engine.nothing`, `engine.scan.Nothing`, `report.nothing.x`, `probe/cli/nothing.py`"
    assert missing(gone) == [
        "engine.nothing",
        "engine.scan.Nothing",
        "report.nothing.x",
        "probe/cli/nothing.py",
    ]
