"""Makes what the pages show of the program: `python tests/docs/pages.py` (`make docs`) writes all of it anew.

A block that follows `<!-- run in SCENARIO, N lines -->` (also `SCENARIO raw`, `SCENARIO unprivileged`) holds
commands and what they print: each is run against that network in memory, and the first N lines are kept.
`docs/reference.md` is made of the program's own tables and help, the pictures of the demonstration.
"""

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import doctor_rules_page
import rules_page
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text
from typed import COLUMNS, typed

from probe.cli.main import COMMANDS
from probe.explain.causes import MEANINGS
from probe.explain.glossary import CONDITIONS, OWNERS, PORT_LISTS, VERDICTS, VIAS

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
EXITS: Mapping[int, str] = {
    0: "it ran, and expectations held",
    1: "expectations not met, a difference found, or the doctor found something wrong",
    2: "usage or configuration error",
    3: "nothing could be measured: no name, no route, target down",
    4: "a privilege is missing for what was asked",
    5: "inconclusive, under `--strict`",
    6: "the result could not be written where it was asked for; it is printed instead",
    70: "a bug in bindprobe",
    130: "ended by Ctrl-C (143: TERM, 129: HUP); what was measured is still printed",
}
HEAD = """# Reference

Commands, words and exit codes, made from the program itself. Rules of evidence, advice and readings stand in
[rules.md](rules.md), those of the doctor in [doctor-rules.md](doctor-rules.md); `bindprobe schema` describes
every field of the JSON."""

DEMO = "--lan 192.168.77.10 --vpn 10.88.0.10 --public 203.0.113.10 -p 22,3306,8000,8080,9090"
LAST = "\n22/tcp ssh: "  # where the picture ends: what follows is on the tutorial's page

_BLOCK = re.compile(
    r"<!-- run in (?P<scenario>[\w-]+)(?P<how> raw| unprivileged)?, (?P<lines>\d+) lines -->\n\n"
    r"```console\n(?P<body>.*?)```\n",
    re.DOTALL,
)
# Which raw packets are permitted: to the program, whoever types; none; and none, which it reports.
_HOW: Mapping[str | None, Mapping[str, str]] = {
    " raw": {"engine": "raw"},
    None: {"engine": "connect"},
    " unprivileged": {"engine": "connect", "missing": "raw packets need CAP_NET_RAW: sudo bindprobe ..."},
}
_COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)


def filled(text: str) -> str:
    """The page with the output of every command that its blocks run."""
    return _BLOCK.sub(_ran, text)


def _ran(block: "re.Match[str]") -> str:
    lines = int(block["lines"])
    more = _HOW[block["how"]]
    parts = [_shown(line, block["scenario"], more, lines) for line in _COMMAND.findall(block["body"])]
    head = block[0].partition("```console\n")[0]
    return f"{head}```console\n{chr(10).join(parts)}```\n"


def _shown(line: str, scenario: str, more: Mapping[str, str], most: int) -> str:
    """A command and the beginning of what it prints, notes included."""
    printed = typed(line.removeprefix("sudo "), scenario, **more).both.splitlines()
    cut = [] if len(printed) <= most else ["..."]
    return "\n".join((f"$ {line}", *printed[:most], *cut)) + "\n"


def picture(theme: TerminalTheme) -> str:
    """The demonstration as it stands on a screen, as SVG; its font is the reader's own."""
    screen = typed(f"bindprobe {DEMO} --color always").out
    console = Console(width=COLUMNS, file=io.StringIO(), record=True, force_terminal=True)
    console.print(Text(f"$ bindprobe {DEMO}"))
    console.print(Text.from_ansi(screen[: screen.index(LAST) - 1]))
    layout = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    made = console.export_svg(title="bindprobe", theme=theme, code_format=layout, unique_id="demo")
    return "\n".join(line.rstrip() for line in made.splitlines()) + "\n"


def reference() -> str:
    """The page of commands, words and exit codes."""
    return "\n".join((HEAD, *_reference())).rstrip("\n") + "\n"


def _reference() -> Iterator[str]:
    yield "\n## Commands\n"
    for command in sorted(set(COMMANDS) - {"lab"}):
        yield f"### bindprobe {command}\n"
        yield f"```\n{typed(f'bindprobe {command} --help').out.strip()}\n```\n"
    for command in ("run", "list"):
        yield f"### bindprobe lab {command}\n"
        yield f"```\n{typed(f'bindprobe lab {command} --help').out.strip()}\n```\n"
    yield from _words("Verdicts (`binding`)", VERDICTS)
    yield from _words("Conditions (`condition`)", CONDITIONS)
    yield from _words("Who accepts (`via`)", VIAS)
    yield from _words("Who answers (`owner`)", OWNERS)
    yield from _words("Causes (`cause`, of the doctor)", MEANINGS)
    yield from _words("Port lists (`-p`)", PORT_LISTS)
    yield from _words("Exit codes", EXITS)


def _words(title: str, meanings: Mapping[str, str] | Mapping[int, str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| | Means |"
    yield "|---|---|"
    yield from (f"| `{word}` | {meaning} |" for word, meaning in meanings.items())
    yield ""


_WHOLE: Mapping[str, Callable[[], str]] = {
    "reference.md": reference,
    "rules.md": rules_page.page,
    "doctor-rules.md": doctor_rules_page.page,
    "demo-light.svg": lambda: picture(DEFAULT_TERMINAL_THEME),
    "demo-dark.svg": lambda: picture(SVG_EXPORT_THEME),
}
_WITH_BLOCKS = [path for path in (TOP / "README.md", *sorted(DOCS.glob("*.md"))) if path.name not in _WHOLE]
PATHS = (*_WITH_BLOCKS, *(DOCS / name for name in _WHOLE))


def made(path: Path) -> str:
    """What a page holds: all of it is made, or the blocks in it are run."""
    return _WHOLE[path.name]() if path.name in _WHOLE else filled(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PATHS:
        text = made(page)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(TOP)}\n")
