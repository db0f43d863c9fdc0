"""The program as a process: what it loads, closed pipes, full disks, signals of the shell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "probe"]
HEAVY = {"asyncio", "msgspec", "numpy", "psutil", "rich", "scapy", "tabulate", "yaml"}
NEEDS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def run(*argv: str, script: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(TOP), "PYTHON": sys.executable, **environ}
    command = ["bash", "-c", script] if script else [*COMMAND, *argv]
    return subprocess.run(command, env=env, cwd=TOP, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.parametrize(
    "argv", [["--help"], ["scan", "--help"], ["doctor", "--help"], ["lab", "run", "--help"], ["--version"]]
)
def test_help_loads_next_to_nothing(argv: list[str]) -> None:
    """Help needs typer and our own flags, and none of what probing or printing needs."""
    code = (
        f"import sys; from probe.cli.main import main; main({argv!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()
    ours = {name for name in loaded if name.startswith("probe.")}
    rooms = {"probe.cli", "probe.errors", "probe.interruption", "probe.memory"}
    rest = {name for name in ours if ".".join(name.split(".")[:2]) not in rooms}
    formats = {"probe.report", "probe.report.formats", "probe.report.style"}  # rows of options
    assert rest <= {"probe.app", "probe.app.engines", "probe.app.invoker", "probe.version", *formats}


AT_THE_FIRST_PACKET = """
import sys
from probe.backends.connect import ConnectBackend

def send(self, probe):
    print(*sys.modules, file=sys.stderr)
    raise SystemExit(0)

ConnectBackend.send = send
from probe.cli.main import main
main(["scan", "127.0.0.1", "-p", "9", "--engine", "connect"])
"""


@pytest.mark.skipif(os.geteuid() == 0, reason="root loads all of it before its privileges are given up")
def test_what_concludes_loads_after_the_first_packet() -> None:
    """Nor does any other command, what makes raw packets, or tables: the network is not kept waiting."""
    command = [sys.executable, "-c", AT_THE_FIRST_PACKET]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "probe.app.scan" in loaded
    assert {name.split(".")[0] for name in loaded} & (HEAVY - {"msgspec", "psutil"}) == set()
    rooms = {"probe.diagnosis", "probe.explain", "probe.inference", "probe.lab", "probe.redact"}
    assert {".".join(name.split(".")[:2]) for name in loaded} & rooms == set()
    assert not {"probe.cli.doctor", "probe.cli.lab", "probe.report.document", "statistics"} & loaded


@pytest.mark.parametrize("argv", ["demo --world sim --json", "schema", "--help", "lab list"])
def test_a_reader_may_leave_early(argv: str) -> None:
    """`| head -1` is no error and leaves no trace."""
    done = run(script=f"set -o pipefail; $PYTHON -m probe {argv} | head -1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@NEEDS_FULL
@pytest.mark.parametrize(
    "argv",
    ["demo --world sim -q", "demo --world sim -o /dev/full", "schema", "lab list", "--help", "--version"],
)
def test_a_full_disk_is_one_line(argv: str) -> None:
    """A result that cannot be written is exit code 6 and one line; without a file it is printed."""
    target = "" if "-o" in argv else "> /dev/full"
    done = run(script=f"$PYTHON -m probe {argv} {target}")
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    assert ("8000/tcp" in done.stdout) == ("-o" in argv)


@NEEDS_FULL
def test_a_stderr_that_is_full_costs_no_result() -> None:
    """What is noted there is lost, and no more."""
    done = run(script="$PYTHON -m probe demo --world sim 2> /dev/full")
    assert (done.returncode, done.stderr) == (0, "")
    assert "8000/tcp" in done.stdout
    assert run(script="$PYTHON -m probe scan 127.0.0.1 -p x 2> /dev/full").returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of address space is Linux's")
def test_a_memory_limit_is_one_line() -> None:
    """Whatever fails first for want of memory: exit code 3, one line, no trace."""
    codes = set()
    for megabytes in range(18, 120, 12):
        done = run(script=f"ulimit -v {megabytes * 1024}; exec $PYTHON -m probe demo --world sim -q")
        codes.add(done.returncode)
        if done.returncode:
            assert (done.stdout, done.stderr.count("\n")) == ("", 1), done.stderr
            assert "bindprobe: n" in done.stderr  # Python itself may begin the line
    assert codes == {0, 3}


FAILING = """
import probe.report.schema
def fail(*_, **__): raise {error}
probe.report.schema.render_schema = fail
import sys; sys.argv[1:] = ["schema"]
from probe.__main__ import main; main()
"""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ('RuntimeError("can\'t start new thread")', 3, "no more threads"),
        ("OSError(12, 'Cannot allocate memory')", 3, "not enough memory"),
        ("ImportError('x.so: failed to map segment from shared object')", 3, "not enough memory"),
        ("OSError(28, 'No space left on device', '/x')", 6, "/x cannot be written: No space left"),
        ("RuntimeError('other')", 70, "a bug in bindprobe"),
    ],
)
def test_what_this_machine_lacks_is_no_bug(error: str, code: int, words: str) -> None:
    """One line each, wherever it comes from."""
    command = [sys.executable, "-c", FAILING.format(error=error)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert words in done.stderr


def test_closed_streams() -> None:
    """With stdout closed the error is one line; with stderr closed too the exit code has to do."""
    done = run(script="$PYTHON -m probe schema >&-")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert run(script="$PYTHON -m probe schema >&- 2>&-").returncode == 2


def test_a_narrow_ascii_pipe() -> None:
    """Output is plain ASCII in the C locale, whatever is drawn."""
    done = run("demo", "--world", "sim", "--picture", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_colour_is_forced_and_forbidden() -> None:
    """FORCE_COLOR colours a pipe, NO_COLOR wins, and without either a pipe has none."""
    demo = ("demo", "--world", "sim")
    assert "\x1b[31m" in run(*demo, FORCE_COLOR="1").stdout
    assert "\x1b[31m" in run(*demo, "--color", "always").stdout
    assert "\x1b" not in run(*demo, "--color", "never", FORCE_COLOR="1").stdout
    assert "\x1b" not in run(*demo, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b" not in run(*demo).stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_file(tmp_path: Path) -> None:
    """A folder without write permission is found before anything is probed."""
    tmp_path.chmod(0o500)
    done = run("demo", "--world", "sim", "-o", str(tmp_path / "file"))
    assert done.returncode == 2
    assert "permission denied" in done.stderr
