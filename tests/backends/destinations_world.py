"""Runs the commands that probe with each of their flags, and notes whom every packet was for that left.

Started in a network namespace that has no way out, where everything leaves by one wire; prints, for each row
of `ROWS`, the destinations, requests for their link-layer addresses included.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rate_world import ANSWERING, SILENT, OpeningWatch, wire

TARGETS = (ANSWERING[0], SILENT)
LISTS_SOCKETS = "10.9.1.13"  # where --confirm asks; nobody has it
SHORT = "-p 22,80 --timeout 0.3 --retries 0"

# What is run, by the flag that the row is for. FILE is a new one.
SCANS: dict[str, str] = {
    "": f"TARGETS {SHORT}",
    "--lan": f"--lan {ANSWERING[0]} --lan {SILENT} {SHORT}",
    "--vpn": f"--vpn {ANSWERING[0]} --vpn {SILENT} {SHORT}",
    "--public": f"--public {ANSWERING[0]} --public {SILENT} {SHORT}",
    "-4": f"TARGETS -4 {SHORT}",
    "-6": f"TARGETS -6 {SHORT}",
    "--ports": "TARGETS --ports U:53,T:80 --timeout 0.3 --retries 0",
    "--top-ports": "TARGETS --top-ports 5 --timeout 0.3 --retries 0",
    "--running": f"TARGETS --running 80 {SHORT}",
    "--engine": f"TARGETS --engine raw {SHORT}",
    "--pcap": f"TARGETS --pcap FILE {SHORT}",
    "--l2": f"TARGETS --l2 {SHORT}",
    "--fin": f"TARGETS --fin {SHORT}",
    "--timeout": "TARGETS -p 80 --timeout 0.2 --retries 0",
    "--retries": "TARGETS -p 80 --timeout 0.2 --retries 2",
    "--rate": f"TARGETS --rate 100 {SHORT}",
    "--plan": f"TARGETS --plan {SHORT}",
    "--no-greetings": f"TARGETS --no-greetings {SHORT}",
    "--no-controls": f"TARGETS --no-controls {SHORT}",
    "--confirm": f"TARGETS --confirm nobody@{LISTS_SOCKETS} {SHORT}",
    "--strict": f"TARGETS --strict {SHORT}",
    "--interface": f"TARGETS --interface prb0 {SHORT}",
    "--source": f"TARGETS --source 10.9.1.2 {SHORT}",
    **{flag: f"TARGETS {flag} {SHORT}" for flag in ("--picture", "--json", "--ndjson", "--csv", "--md")},
    "--output": f"TARGETS --output FILE {SHORT}",
    **{flag: f"TARGETS {flag} {SHORT}" for flag in ("--all", "--redact", "--verbose", "--quiet")},
    "--color": f"TARGETS --color always {SHORT}",
    "--watch": f"TARGETS --watch 1 {SHORT}",
    "--prom": f"TARGETS --prom FILE {SHORT}",
}
OF_DOCTOR = ("", "--lan", "--vpn", "--public", "-4", "-6", "--ports", "--engine", "--timeout", "--retries")
DOCTORS = {flag: SCANS[flag] for flag in (*OF_DOCTOR, "--json", "--output", "--redact", "--color")}
DOCTORS |= {flag: SCANS[flag] for flag in ("--verbose", "--quiet", "--watch")}
ROWS = {("scan", flag): text for flag, text in SCANS.items()}
ROWS |= {("doctor", flag): text for flag, text in DOCTORS.items()}
_WATCHED_S = 8.0


def destinations(command: str, text: str) -> list[str]:
    """Whom packets were for that left while this ran; a command that does not end is ended."""
    with tempfile.TemporaryDirectory() as folder, OpeningWatch("prb0") as watch:
        words = text.replace("TARGETS", " ".join(TARGETS)).replace("FILE", f"{folder}/file").split()
        running = subprocess.Popen(
            [sys.executable, "-m", "probe", command, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
        )
        try:
            running.wait(_WATCHED_S if "--watch" in words else None)
        except subprocess.TimeoutExpired:
            running.terminate()
            running.wait()
    return sorted(watch.destinations)


if __name__ == "__main__":
    with wire():
        found = {f"{command} {flag}": destinations(command, text) for (command, flag), text in ROWS.items()}
    json.dump(found, sys.stdout)
