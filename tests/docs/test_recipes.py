"""The recipes for jq on the page for programs: each is run, on reports of networks in memory."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typed import typed

PAGE = Path(__file__).parents[2] / "docs" / "programs.md"
RECIPES = re.findall(r"^```jq\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
SCAN = "bindprobe --lan 192.168.77.10 --vpn 10.88.0.10 --public 203.0.113.10 -p 22,443,3306,8000,9090 --json"
FOUND = (
    "3306 mysql: 192.168.77.10, 10.88.0.10, 203.0.113.10\n9090 prometheus: 192.168.77.10\n",
    "8000 specific\n9090 undetermined\n",
    "443\n3306\n",
    (
        "22/tcp: null -> wildcard\n443/tcp: null -> wildcard\n3306/tcp: null -> wildcard\n"
        "9090/tcp: null -> undetermined\n"
    ),
)


def run(recipe: str, folder: Path) -> str:
    """What a recipe prints, among the reports of today and of yesterday."""
    (folder / "report.json").write_text(typed(SCAN).out, encoding="utf-8")
    before = typed("bindprobe --lan 192.168.77.10 --vpn 10.88.0.10 -p 8000 --json")
    (folder / "yesterday.json").write_text(before.out, encoding="utf-8")
    return subprocess.run(recipe, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S602


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(("recipe", "found"), list(zip(RECIPES, FOUND, strict=False)))
def test_a_recipe_prints_what_it_says(recipe: str, found: str, tmp_path: Path) -> None:
    """Exposed services, the LAN beside the VPN, what is public, and what has changed."""
    assert run(recipe, tmp_path) == found


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_slowest_address(tmp_path: Path) -> None:
    """One of the three, and its time."""
    assert len(RECIPES) == len(FOUND) + 1
    assert re.fullmatch(r"[\d.]+: [\d.]+ ms\n", run(RECIPES[-1], tmp_path))
