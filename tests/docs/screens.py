"""Reports as they stand on screens of several widths, to be looked at.

`python tests/docs/screens.py FOLDER [NAME ...]` draws them: an SVG each, light and dark, and a PNG beside it
where `rsvg-convert` (package librsvg2-bin) is installed. A terminal gets colours and box drawing, a pipe
plain text.
"""

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text
from typed import typed

from probe.report.style import TextStyle

WIDTHS = (60, 80, 100, 140)
THEMES = {"light": DEFAULT_TERMINAL_THEME, "dark": SVG_EXPORT_THEME}
_THREE = "--lan 192.168.77.10 --vpn 10.88.0.10 --public 203.0.113.10"
# What is shown of which network, and with which engine.
SCREENS: Mapping[str, tuple[str, str, str]] = {
    "demo": ("demo", f"bindprobe {_THREE} -p 22,3306,8000,8080,9090", "connect"),
    "one-address": ("demo", "bindprobe 192.168.77.10", "connect"),
    "every-row": ("demo", "bindprobe 192.168.77.10 10.88.0.10 --all", "connect"),
    "details": ("demo", f"bindprobe {_THREE} -p 22,3306,9090 -v", "raw"),
    "docker": (
        "docker-publishes",
        "bindprobe --lan 192.168.77.10 --public 203.0.113.10 -p 22,8000,9000",
        "raw",
    ),
    "two-families": (
        "reachable-by-both-families",
        "bindprobe --lan 192.168.77.10 --lan fd77::10 --vpn 10.88.0.10 --vpn fd88::10 -p 22,8000",
        "connect",
    ),
    "many-rejected": ("many-ports-rejected", f"bindprobe {_THREE}", "connect"),
    "router": (
        "router-forwards-port",
        "bindprobe --lan 192.168.77.10 --public 203.0.113.10 -p 22,8080",
        "connect",
    ),
    "mistyped": ("lan-address-mistyped", "bindprobe 192.168.77.77 -p 22", "connect"),
    "doctor-tunnel": (
        "vpn-address-not-in-allowed-ips",
        "bindprobe doctor --lan 192.168.77.10 --vpn 10.88.0.10 -p 8000",
        "raw",
    ),
    "doctor-well": ("vpn-healthy", "bindprobe doctor --lan 192.168.77.10 --vpn 10.88.0.10 -p 22", "raw"),
    "doctor-details": ("vpn-healthy", "bindprobe doctor --vpn 10.88.0.10 -p 22 -v", "connect"),
    "help": ("demo", "bindprobe scan --help", "connect"),
    "words": ("demo", "bindprobe help verdicts", "connect"),
}


def screen(name: str, columns: int, *, terminal: bool) -> str:
    """What one of them prints; on a terminal with colours and box drawing."""
    scenario, line, engine = SCREENS[name]
    if not terminal:
        return typed(line, scenario, engine=engine, columns=columns).both

    def style(_: object, *, detail: bool) -> TextStyle:
        return TextStyle(width=columns, unicode=True, colour=True, detail=detail)

    whole = mock.patch("probe.cli.output._encodable", lambda text, _: text)  # a screen has all characters
    with mock.patch("probe.cli.output.style_of", style), whole:
        return typed(line, scenario, engine=engine, columns=columns).both


def picture(name: str, columns: int, theme: str) -> str:
    """A screen as SVG; its font is that of the system."""
    console = Console(width=columns, file=io.StringIO(), record=True, force_terminal=True)
    console.print(Text(f"$ {SCREENS[name][1]}"))
    console.print(Text.from_ansi(screen(name, columns, terminal=True)))
    layout = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    layout = layout.replace("Fira Code, monospace", "DejaVu Sans Mono, monospace")
    made = console.export_svg(title=f"{columns} columns", theme=THEMES[theme], code_format=layout)
    return made.replace("<text ", '<text xml:space="preserve" ')  # librsvg would drop indents


def main(folder: Path, names: Sequence[str]) -> None:
    """Draw these screens, or every one, at every width and in both themes."""
    folder.mkdir(parents=True, exist_ok=True)
    converter = shutil.which("rsvg-convert")
    for name in names or SCREENS:
        for columns in WIDTHS:
            (folder / f"{name}-{columns}.txt").write_text(
                screen(name, columns, terminal=False), encoding="utf-8"
            )
            for theme in THEMES:
                path = folder / f"{name}-{columns}-{theme}.svg"
                path.write_text(picture(name, columns, theme), encoding="utf-8")
                if converter is not None:
                    subprocess.run([converter, path, "-o", path.with_suffix(".png")], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
