"""What is handed out: the wheel is the program and its scenarios and no more, the sdist all that makes it."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

TOP = Path(__file__).parents[2]
# What PEP 517 asks of a builder, without a folder or a network of its own.
BUILD = """
import sys
from hatchling.build import build_sdist, build_wheel
print(build_wheel(sys.argv[1]), build_sdist(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist, made by the builder that pyproject.toml names."""
    tools, out = tmp_path_factory.mktemp("tools"), tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", tools, "hatchling>=1.27"]
    got = subprocess.run(pip, capture_output=True, text=True, timeout=120, check=False)
    if got.returncode:
        pytest.skip(f"hatchling cannot be installed: {got.stderr.strip().splitlines()[-1]}")
    environ = os.environ | {"PYTHONPATH": str(tools)}
    made = subprocess.run(
        [sys.executable, "-c", BUILD, out],
        cwd=TOP,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    wheel, sdist = made.stdout.split()[-2:]
    return out / wheel, out / sdist


def sources(*folders: str) -> set[str]:
    """Files of the checkout that belong to the program, by their place in it."""
    return {
        path.relative_to(TOP).as_posix()
        for folder in folders
        for path in (TOP / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_the_program_and_its_scenarios(built: tuple[Path, Path]) -> None:
    """Every module, data file and scenario; no test, no page, nothing beside the package."""
    names = set(zipfile.ZipFile(built[0]).namelist())
    scenarios = {
        f"probe/lab/{name}" for name in sources("scenarios") if PurePosixPath(name).suffix == ".yaml"
    }
    assert {name for name in names if ".dist-info/" not in name} == sources("probe") | scenarios
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_sdist_makes_the_same(built: tuple[Path, Path]) -> None:
    """It holds the program, the scenarios, the pages and the tests; no environment, no cache, no history."""
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources("probe", "scenarios", "docs") <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", "Dockerfile"} <= names
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert parts & {".venv", ".git", "__pycache__", ".pytest_cache", "dist", "build"} == set()


def test_its_metadata_is_whole(built: tuple[Path, Path]) -> None:
    """Name, licence, Python, the README as Markdown, and one command."""
    with zipfile.ZipFile(built[0]) as wheel:
        (info,) = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
        metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
        commands = wheel.read(f"{info}/entry_points.txt").decode()
    assert (metadata["Name"], metadata["Requires-Python"]) == ("bindprobe", ">=3.11")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (TOP / "README.md").read_text(encoding="utf-8")
    assert commands.split() == ["[console_scripts]", "bindprobe", "=", "probe.__main__:main"]


def test_an_index_would_take_it(built: tuple[Path, Path]) -> None:
    """Twine finds nothing wrong."""
    twine = shutil.which("twine")
    if twine is None:
        pytest.skip("twine is not installed")
    done = subprocess.run([twine, "check", "--strict", *built], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("PASSED")) == (0, 2), done.stdout


def test_what_is_installed_runs(built: tuple[Path, Path], tmp_path: Path) -> None:
    """The program of the wheel, far from the checkout, scans its demonstration network in memory."""
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, built[0]]
    subprocess.run(pip, check=True, timeout=120)
    environ = os.environ | {"PYTHONPATH": str(site), "NO_COLOR": "1"}

    def ran(*argv: str) -> str:
        command = [sys.executable, *argv]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
        return done.stdout

    assert Path(ran("-c", "import probe; print(probe.__file__)").strip()).parent == site / "probe"
    assert ran("-m", "probe", "demo", "--world", "sim").startswith("Exposed: mysql 3306")
    assert "router-forwards-port" in ran("-m", "probe", "lab", "list")
