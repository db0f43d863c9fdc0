"""What may be loaded: the pure modules stay pure, and start-up stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from pure import TOP, modules, patterns

HEAVY = {"scapy", "numpy", "yaml", "tabulate", "dns", "ssl", "cryptography"}
HELP = ["--help"]
SCAN = ["scan", "127.0.0.1", "-p", "9", "--engine", "connect", "--json"]
PLAN = ["scan", "127.0.0.1", "-p", "9", "--plan", "--json"]
RAW_PLAN = [*PLAN, "--engine", "raw", "--fin", "--l2"]

SCRIPT = """
import sys
from probe.__main__ import main
sys.argv = ["bindprobe", *sys.argv[1:]]
try:
    main()
except SystemExit as ending:
    print(ending.code or 0, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [HELP, SCAN, PLAN, RAW_PLAN], ids=["help", "scan", "plan", "plan of raw packets"]
)
def test_start_up_is_light(arguments: list[str]) -> None:
    """Neither `--help` nor a plan nor a scan with the connect engine loads a heavy package."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        cwd=TOP,
        timeout=60,
        check=True,
    )
    code, *loaded = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert "probe" in loaded
    assert HEAVY.isdisjoint(loaded)


@pytest.mark.parametrize("module", modules())
def test_pure_modules_exist(module: str) -> None:
    """The list of pure modules names nothing that is not there."""
    path = TOP / module.replace(".", "/")
    assert path.is_dir() or path.with_suffix(".py").is_file()


def test_patterns_cover_every_pure_file() -> None:
    """The coverage gate sees every file of the list."""
    for pattern in patterns():
        assert list(TOP.glob(pattern)), pattern


@pytest.mark.parametrize("path", sorted((TOP / "probe").rglob("*.py")), ids=str)
def test_only_one_room_runs_commands(path: Path) -> None:
    """Outside of `machine` and `lab` nothing starts a process."""
    room = path.relative_to(TOP / "probe").parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert room in {"machine", "lab"} or "subprocess" not in imported
