"""The fuzzer itself: it runs, and it would find a flaw."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT, PARSERS = (Path(__file__).with_name(name) for name in ("codec.py", "parsers.py"))
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


def test_no_parser_breaks() -> None:
    """A few seconds for all of them: nothing raises what it does not promise. Each has its count."""
    code, output = run(str(PARSERS), "--seconds", "6", "--seed", "7")
    assert code == 0, output
    *counts, whole = output.splitlines()
    assert len(counts) == 22
    assert all(line.endswith(" inputs") and "      0 " not in line for line in counts)
    assert whole.startswith("all ")


def test_what_breaks_a_parser_is_shown() -> None:
    """The parser, the trace and the input; the others still have their turn."""
    start = (
        f"import runpy, sys; sys.path.insert(0, {TOP!r}); sys.argv = ['parsers', 'nft -j', 'greeting']\n"
        "from probe.services import banner_text\n"
        "def parse_greeting(data): raise IndexError(data)\n"
        "banner_text.parse_greeting = parse_greeting\n"
        f"runpy.run_path({str(PARSERS)!r}, run_name='__main__')"
    )
    code, output = run("-c", start)
    assert code == 1
    assert "greeting: Traceback" in output
    assert "IndexError" in output
    assert "bytes 485454502f312e31" in output
    assert "greeting             a finding" in output
