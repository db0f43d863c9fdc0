"""The compose file as docker-compose reads it; Compose v2 is not run here."""

import os
import shutil
import subprocess

import pytest
from docker_engine import TOP

pytestmark = pytest.mark.docker


def config(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    return subprocess.run(
        ("docker-compose", "--file", str(TOP / "docker-compose.yml"), *words),
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_file_is_valid() -> None:
    """docker-compose 1.29 takes it without an error or a warning, with and without the prober's profile."""
    for words in (("config", "--quiet"), ("--profile", "scan", "config", "--quiet")):
        done = config(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_variable_chooses_the_scenario() -> None:
    """All hosts get the same scenario; without the variable it is that of the demo."""
    assert config("config").stdout.count("SCENARIO: demo") == 3
    assert config("config", SCENARIO="router-drops").stdout.count("SCENARIO: router-drops") == 3


def test_another_chooses_the_image() -> None:
    """All hosts are started from one image, which is named after a target of the Dockerfile."""
    assert config("config").stdout.count("image: bindprobe-host\n") == 3
    chosen = config("config", HOST="services").stdout
    assert chosen.count("image: bindprobe-services\n") == chosen.count("target: services\n") == 3
