"""The fuzzer itself: it runs, and it would find a flaw."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("codec.py")
TOP = str(SCRIPT.parents[2])
RAISES = "def read(data, ethertype, **more): raise ValueError(data)"
TRUSTS = "def read(data, ethertype, **more): return genuine(data, ethertype, verified=True)"


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_nothing_is_found() -> None:
    """A second of mutated replies: nothing raises, no wrong checksum passes."""
    code, output = run(str(SCRIPT), "--seconds", "1", "--seed", "7")
    assert (code, " inputs in 1 s, seed 7: " in output) == (0, True), output
    for outcome in ("put aside", "syn-ack", "reset", "datagram", "echo-reply", "icmp-error", "arp-reply"):
        assert outcome in output


@pytest.mark.parametrize(("flaw", "report"), [(RAISES, "ValueError"), (TRUSTS, "wrong checksum")])
def test_a_flaw_is_found(flaw: str, report: str) -> None:
    """A codec that raises, and one that trusts every checksum, end it with the offending bytes."""
    broken = f"from probe.wire import codec; genuine = codec.read\n{flaw}\ncodec.read = read\n"
    start = (
        f"import runpy, sys; sys.path.insert(0, {TOP!r}); sys.argv = ['codec', '--seconds', '20']\n{broken}"
    )
    code, output = run("-c", f"{start}runpy.run_path({str(SCRIPT)!r}, run_name='__main__')")
    assert code == 1
    assert report in output
    assert "bytes " in output
